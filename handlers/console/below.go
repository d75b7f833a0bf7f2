package console

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
)

// below puts the path of --admin-url before what sends a browser somewhere. Within the console, in requests, templates
// and "back" fields, paths are those of a console that has its host to itself: the service takes the path off a request
// before it comes here, and this puts it back on whatever leaves.
type below struct {
	path  string // without a slash at its end; empty: the host is the console's own
	links *strings.Replacer
}

func newBelow(base string) below {
	u, err := url.Parse(base)
	if err != nil {
		return below{}
	}
	b := below{path: strings.TrimRight(u.Path, "/")}
	var pairs []string
	for _, attribute := range []string{"href", "src", "action", "formaction", "data-region"} {
		pairs = append(pairs, " "+attribute+`="/`, " "+attribute+`="`+b.path+"/")
	}
	b.links = strings.NewReplacer(pairs...)
	return b
}

// write writes what a template made, with its links as the browser needs them. Nothing else in it looks like a link:
// html/template writes no quotation mark of a value as it is.
func (b below) write(out *bytes.Buffer, html []byte) error {
	if b.path == "" {
		_, err := out.Write(html)
		return err
	}
	_, err := b.links.WriteString(out, string(html))
	return err
}

// redirect sends a browser to a page of the console.
func (b below) redirect(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, b.path+to, http.StatusSeeOther)
}

// plain leads from a path with a slash at its end, as people and other programs write it, to the page without it,
// if there is one.
func (b below) plain(pages chi.Routes) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path := r.URL.EscapedPath()
			to := local(strings.TrimRight(path, "/"))
			if r.Method != http.MethodGet || path == "/" || !strings.HasSuffix(path, "/") ||
				!pages.Match(chi.NewRouteContext(), http.MethodGet, to) {
				next.ServeHTTP(w, r)
				return
			}
			if r.URL.RawQuery != "" {
				to += "?" + r.URL.RawQuery
			}
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, b.path+to, http.StatusPermanentRedirect)
		})
	}
}

// local returns path if it is one of this console, else the front page: nobody is
// sent elsewhere by a link that somebody made, nor out of the path of --admin-url.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsAny(path, "\\\r\n\t") || len(path) > maxPath {
		return "/"
	}
	for part := range strings.SplitSeq(u.Path[1:], "/") { // unescaped, as browsers take %2e for a dot
		if part == "." || part == ".." {
			return "/"
		}
	}
	return path
}
