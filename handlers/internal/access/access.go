// Package access is the one table of the routes of the admin listener with the role
// that each takes, and the guard that holds requests to it. A route that has no row
// cannot be reached. Used by the packages under handlers only.
package access

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

// Row says what a route takes.
type Row struct {
	Method, Path string
	Role         v1.Role // Anybody: not even a log-in
	// Global keeps out tokens that are limited to installations: it concerns all of them, or those to come.
	Global bool
}

// Anybody is the role of a route that takes none.
const Anybody v1.Role = ""

// Table finds the row of a request.
type Table struct {
	routes chi.Router
	rows   map[string]Row // by method and pattern
}

// New makes a table of rows.
func New(rows []Row) *Table {
	t := &Table{routes: chi.NewRouter(), rows: map[string]Row{}}
	for _, row := range rows {
		t.routes.Method(row.Method, row.Path, http.NotFoundHandler()) // never called: it is only searched
		t.rows[row.Method+" "+row.Path] = row
	}
	return t
}

// Find returns the row of a request, and the installation that its path names.
func (t *Table) Find(method, path string) (row Row, installation string, found bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	rctx := chi.NewRouteContext()
	row, found = t.rows[method+" "+t.routes.Find(rctx, method, path)]
	return row, rctx.URLParam("id"), found
}

// Open says whether a request takes no log-in: its route takes none, or there is no such route.
func (t *Table) Open(r *http.Request) bool {
	row, _, found := t.Find(r.Method, pathOf(r))
	return !found || row.Role == Anybody
}

// Allows says whether somebody may do what a row is of.
func (r Row) Allows(who v1.Identity) bool {
	return r.Role == Anybody || who.Role.Covers(r.Role) && (!r.Global || !who.Scoped())
}

// Allows says whether somebody may send a request, as far as roles and installations go.
func (t *Table) Allows(who v1.Identity, method, path string) bool {
	row, installation, found := t.Find(method, path)
	return found && row.Allows(who) && (installation == "" || row.Role == Anybody || who.Sees(installation))
}

// Refusal is a request that was refused.
type Refusal struct {
	Row          Row
	Installation string // that the path names; empty when it does not exist for the caller
	Problem      *v1.Problem
}

// Guard lets through what its caller may do. unknown answers what has no row; refused
// answers the rest.
func (t *Table) Guard(next, unknown http.Handler, refused func(http.ResponseWriter, *http.Request, Refusal)) http.Handler {
	notAllowed := web.MethodNotAllowed(t.routes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := pathOf(r)
		row, installation, found := t.Find(r.Method, path)
		who := identity.Of(r.Context()).Identity
		switch {
		case !found && t.known(path):
			notAllowed(w, r)
		case !found:
			unknown.ServeHTTP(w, r)
		case row.Role == Anybody:
			next.ServeHTTP(w, r)
		case installation != "" && who.Role.Covers(v1.RoleViewer) && !who.Sees(installation):
			refused(w, r, Refusal{row, "", v1.NotFound("There is no such installation.")})
		case !row.Allows(who):
			refused(w, r, Refusal{row, installation, Forbidden(row, who)})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// known says whether a path has a row under some method.
func (t *Table) known(path string) bool {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if t.routes.Match(chi.NewRouteContext(), method, path) {
			return true
		}
	}
	return false
}

// Forbidden says which role a row takes, and which somebody has.
func Forbidden(row Row, who v1.Identity) *v1.Problem {
	detail := "This takes the role " + string(row.Role) + "; \"" + who.Name + "\" has the role " + string(who.Role) + "."
	hint := "Use a token of the role " + string(row.Role) + "."
	if who.Role.Covers(row.Role) {
		detail = "This takes the role " + string(row.Role) + " for all installations; \"" + who.Name + "\" is limited to some."
		hint = "Use a token of the role " + string(row.Role) + " that is not limited to installations."
	}
	return v1.NewProblem(http.StatusForbidden, v1.CodeForbidden, detail, hint)
}

// pathOf is the path below where the guard is mounted.
func pathOf(r *http.Request) string {
	if rctx := chi.RouteContext(r.Context()); rctx != nil && rctx.RoutePath != "" {
		return rctx.RoutePath
	}
	if r.URL.RawPath != "" {
		return r.URL.RawPath
	}
	return "/" + strings.TrimPrefix(r.URL.Path, "/")
}
