package web

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// MethodNotAllowed answers a known path under a method it does not have: 405
// with Allow, and 204 with Allow to OPTIONS. It asks the routes themselves, as
// chi does not tell a handler of one's own which methods there are.
func MethodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := cmp.Or(chi.RouteContext(r.Context()).RoutePath, r.URL.Path)
		var allow []string
		for _, m := range []string{
			http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		} {
			if !routes.Match(chi.NewRouteContext(), m, path) {
				continue
			}
			allow = append(allow, m)
			if m == http.MethodGet {
				allow = append(allow, http.MethodHead)
			}
		}
		w.Header().Set("Allow", strings.Join(append(allow, http.MethodOptions), ", "))
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		Problem(w, v1.NewProblem(http.StatusMethodNotAllowed, v1.CodeInvalid,
			"This path does not take the method "+methodName(r.Method)+".", "The header Allow has those that it takes."))
	}
}

// methodName repeats a method only when it is one; others are the client's own text.
func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodTrace:
		return m
	}
	return "of the request"
}
