package handlers

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/admin"
	"channelsync/handlers/console"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/web"
	"channelsync/test/harness"
)

const (
	mine    = "01jxmineaaaaaaaaaaaaaaaaaa"
	another = "01jxanotheraaaaaaaaaaaaaaa"
)

// routesOf are those that a handler really has.
func routesOf(t *testing.T, h http.Handler) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := chi.Walk(h.(chi.Routes), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		found[method+" "+path] = true
		return nil
	})
	harness.OK(t, err)
	return found
}

func rowsOf(rows []access.Row) map[string]bool {
	found := map[string]bool{}
	for _, row := range rows {
		found[row.Method+" "+row.Path] = true
	}
	return found
}

func consoleFor(t *testing.T, known tokens) http.Handler {
	t.Helper()
	h, err := console.New(console.Config{Sessions: inMemory(), API: http.NotFoundHandler(), Tokens: known, Key: token, Attempts: web.NewAttempts(), Log: zap.NewNop()})
	harness.OK(t, err)
	return h
}

func TestEveryRouteHasARole(t *testing.T) {
	for name, tc := range map[string]struct {
		has  map[string]bool
		rows []access.Row
	}{
		"the API":     {routesOf(t, admin.New(admin.Config{Log: zap.NewNop()})), access.API()},
		"the console": {routesOf(t, consoleFor(t, tokens{})), access.Console()},
		"profiles":    {routesOf(t, profiles()), access.Profiles()},
	} {
		rows := rowsOf(tc.rows)
		if len(rows) != len(tc.rows) {
			t.Errorf("%s: a route has two rows", name)
		}
		for route := range tc.has {
			if !rows[route] {
				t.Errorf("%s: %s has no row in the table of roles", name, route)
			}
		}
		for route := range rows {
			if !tc.has[route] {
				t.Errorf("%s: the table of roles has %s, which is no route", name, route)
			}
		}
	}
}

// The roles as the contract has them, apart from the table that they are checked against.
func contract() map[v1.Role][]string {
	const in = "/installations/{id}"
	return map[v1.Role][]string{
		v1.RoleViewer: {
			"GET /installations", "GET " + in, "GET /zones", "GET /status", "GET /audit", "GET /audit/verify", "GET /openapi.yaml",
			"GET " + in + "/records", "GET " + in + "/records/counts", "GET " + in + "/records/{kind}/{record}",
			"GET " + in + "/records/{kind}/{record}/explain", "GET " + in + "/jobs", "GET " + in + "/jobs/{job}",
			"GET " + in + "/dead-letters", "GET " + in + "/feed", "GET " + in + "/activity", "GET " + in + "/history", "GET " + in + "/bridges",
			"GET " + in + "/choices", "GET " + in + "/drift", "GET " + in + "/issues", "GET " + in + "/records/{kind}/{record}/versions",
		},
		v1.RoleOperator: {
			"POST " + in + "/test", "POST " + in + "/records/{kind}/{record}/reconcile", "POST " + in + "/resyncs", "POST " + in + "/replays",
			"POST " + in + "/jobs/{job}/cancel", "POST " + in + "/dead-letters/requeue", "POST " + in + "/dead-letters/dismiss",
			"POST " + in + "/dead-letters/{letter}/dismiss", "POST " + in + "/webhooks/repair", "POST " + in + "/webhooks/rotate-secret",
			"POST " + in + "/held/approve", "POST " + in + "/held/discard", "POST " + in + "/stop", "POST " + in + "/start",
			"POST " + in + "/syncs/{sync}/stop", "POST " + in + "/syncs/{sync}/start", "POST " + in + "/records/{kind}/{record}/push-ours",
			"POST " + in + "/records/reconcile", "POST " + in + "/dead-letters/bulk",
		},
		v1.RoleAdmin: {
			"POST /installations", "POST /installations/compare", "PATCH " + in, "PUT " + in + "/credentials", "PUT " + in + "/channel-program",
			"POST " + in + "/uninstall", "POST " + in + "/reinstall", "POST " + in + "/erase",
			"POST " + in + "/syncs/{sync}/install", "POST " + in + "/syncs/{sync}/uninstall", "POST " + in + "/syncs/{sync}/reinstall",
			"POST " + in + "/syncs/{sync}/erase", "POST " + in + "/bridges", "POST " + in + "/bridges/{bridge}/rotate",
			"DELETE " + in + "/bridges/{bridge}", "GET /backup", "POST " + in + "/records/exclude",
			"GET /tokens", "POST /tokens", "POST /tokens/{token}/rotate", "DELETE /tokens/{token}",
		},
	}
}

// unscoped are the routes of all installations, or of those to come: no limited token has them.
var unscoped = []string{
	"POST /installations", "POST /installations/compare", "POST /installations/{id}/syncs/{sync}/install", "GET /backup", "GET /audit/verify",
	"GET /tokens", "POST /tokens", "POST /tokens/{token}/rotate", "DELETE /tokens/{token}",
}

// callers are one of each role, and one of each that is limited to one installation; the token is the name.
func callers() tokens {
	all := tokens{}
	for _, role := range v1.Roles {
		name := string(role)
		all[v1.Secret(name)] = v1.Identity{ID: name, Name: name, Role: role}
		name = "scoped-" + name
		all[v1.Secret(name)] = v1.Identity{ID: name, Name: name, Role: role, Installations: []string{mine}}
	}
	return all
}

func TestEveryRouteOfTheAPIToEveryCaller(t *testing.T) {
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := must(Admin(AdminConfig{Sessions: inMemory(), API: reached, Tokens: callers(), Key: token, Metrics: prometheus.NewRegistry(), Log: zap.NewNop()}))
	ask := func(route, installation, bearer string) (int, v1.Problem) {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{id}", installation, "{sync}", "active_customers", "{kind}", "company", "{record}", "7",
			"{job}", "j-1", "{letter}", "l-1", "{token}", "t-1", "{bridge}", "g-1").Replace(path)
		r := httptest.NewRequest(method, "/api/v1"+path, nil)
		r.RemoteAddr = "127.0.0.1:1"
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var p v1.Problem
		if w.Code != http.StatusTeapot {
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Errorf("%s as %q: %d %s", route, bearer, w.Code, w.Body)
			}
		}
		return w.Code, p
	}
	count := 0
	for needed, routes := range contract() {
		for _, route := range routes {
			count++
			if status, p := ask(route, mine, ""); status != 401 || p.Code != v1.CodeUnauthenticated {
				t.Errorf("%s without a token: got %d %+v", route, status, p)
			}
			if status, p := ask(route, mine, "wrong"); status != 401 || p.Code != v1.CodeUnauthenticated {
				t.Errorf("%s with a wrong token: got %d %+v", route, status, p)
			}
			for name, who := range callers() {
				bearer := name.Reveal()
				may := who.Role.Covers(needed) && (!who.Scoped() || !slices.Contains(unscoped, route))
				status, p := ask(route, mine, bearer)
				switch {
				case may && status != http.StatusTeapot:
					t.Errorf("%s as %s: got %d %+v, want it to be reached", route, bearer, status, p)
				case !may && (status != 403 || p.Code != v1.CodeForbidden || !strings.Contains(p.Detail, "the role "+string(needed))):
					t.Errorf("%s as %s: got %d %+v, want a 403 that names %s", route, bearer, status, p, needed)
				}
				if !strings.Contains(route, "{id}") || !who.Scoped() {
					continue
				}
				status, p = ask(route, another, bearer)
				unknownStatus, unknown := ask(route, "01jxnowhereaaaaaaaaaaaaaaa", bearer)
				if status != 404 || p.Code != v1.CodeNotFound || unknownStatus != status || unknown.Detail != p.Detail {
					t.Errorf("%s of another installation as %s: got %d %+v, of an unknown one %d %+v; want the same 404",
						route, bearer, status, p, unknownStatus, unknown)
				}
			}
		}
	}
	if rows := len(access.API()); count != rows {
		t.Errorf("%d routes were asked, of %d", count, rows)
	}
}

func TestProfilesAreForAdminsOfAllInstallations(t *testing.T) {
	h := must(Admin(AdminConfig{Sessions: inMemory(), API: http.NotFoundHandler(), Tokens: callers(), Key: token, Metrics: prometheus.NewRegistry(), Log: zap.NewNop()}))
	for name, who := range callers() {
		want := 403
		if who.Role == v1.RoleAdmin && !who.Scoped() {
			want = 200
		}
		if resp := get(h, "GET", "/debug/pprof/symbol", "Authorization", "Bearer "+name.Reveal()); resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", name.Reveal(), resp.StatusCode, want)
		}
	}
}

func TestEveryRouteOfTheConsoleToEveryCaller(t *testing.T) {
	h := consoleFor(t, callers())
	send := func(method, path string, form url.Values, cookies []*http.Cookie) *http.Response {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	for _, row := range access.Console() {
		path := func(installation string) string {
			return strings.NewReplacer("{id}", installation, "{sync}", "active_customers", "{kind}", "company", "{record}", "7",
				"{job}", "j-1", "{letter}", "l-1", "{name}", "none", "{bridge}", "g-1", "*", "x").Replace(row.Path)
		}
		nobody := send(row.Method, path(mine), nil, nil)
		toLogin := nobody.StatusCode == 303 && strings.HasPrefix(nobody.Header.Get("Location"), "/login")
		if toLogin != (row.Role != access.Anybody) {
			t.Errorf("%s %s to nobody: got %d to %q", row.Method, row.Path, nobody.StatusCode, nobody.Header.Get("Location"))
		}
		for name, who := range callers() {
			session := send("POST", "/login", url.Values{"token": {name.Reveal()}}, nil).Cookies()
			resp := send(row.Method, path(mine), nil, session)
			body, _ := io.ReadAll(resp.Body)
			if may := row.Allows(who); (resp.StatusCode == 403) == may || resp.StatusCode == 401 && row.Role != access.Anybody || resp.StatusCode == 405 ||
				!may && !strings.Contains(string(body), "the role "+string(row.Role)) {
				t.Errorf("%s %s to %s: got %d, allowed: %v", row.Method, row.Path, name.Reveal(), resp.StatusCode, may)
			}
			if who.Scoped() && strings.Contains(row.Path, "{id}") {
				if resp := send(row.Method, path(another), nil, session); resp.StatusCode != 404 {
					t.Errorf("%s %s of another installation to %s: got %d, want 404", row.Method, row.Path, name.Reveal(), resp.StatusCode)
				}
			}
		}
	}
}

// audit keeps what is added to it.
type audit struct {
	mu      sync.Mutex
	entries []v1.AuditEntry
}

func (a *audit) Audit(_ context.Context, e v1.AuditEntry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries = append(a.entries, e)
}

func TestRefusalsOfAccessAreAudited(t *testing.T) {
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	kept := &audit{}
	h := must(Admin(AdminConfig{Sessions: inMemory(), API: reached, Tokens: callers(), Key: token, Auditor: kept, Metrics: prometheus.NewRegistry(), Log: zap.NewNop()}))
	for _, tc := range []struct {
		path, bearer string
		want         v1.AuditEntry
	}{
		{"/api/v1/status", "", v1.AuditEntry{}}, // nobody tried anything
		{"/api/v1/status", "viewer", v1.AuditEntry{}},
		{"/api/v1/status", "wrong", v1.AuditEntry{Action: "log-in", Detail: v1.CodeUnauthenticated}},
		{"/api/v1/backup", "viewer", v1.AuditEntry{Who: "viewer", Action: "access", Detail: "GET /backup: forbidden"}},
		{"/api/v1/backup", "scoped-admin", v1.AuditEntry{Who: "scoped-admin", Action: "access", Detail: "GET /backup: forbidden"}},
		// The other installation is not named: it has its own people, who read what is named so.
		{"/api/v1/installations/" + another, "scoped-viewer", v1.AuditEntry{Who: "scoped-viewer", Action: "access", Detail: "GET /installations/{id}: not_found"}},
	} {
		kept.entries = nil
		resp := get(h, "GET", tc.path, "Authorization", "Bearer "+tc.bearer, access.ActorHeader, "cli")
		if tc.want.Action == "" {
			if len(kept.entries) != 0 {
				t.Errorf("%s as %q: audited %+v", tc.path, tc.bearer, kept.entries)
			}
			continue
		}
		tc.want.Actor, tc.want.Address, tc.want.Request = "cli", "203.0.113.7", resp.Header.Get("X-Request-Id")
		if len(kept.entries) != 1 || kept.entries[0].At.IsZero() || tc.want.Request == "" {
			t.Errorf("%s as %q: audited %+v", tc.path, tc.bearer, kept.entries)
			continue
		}
		got := kept.entries[0]
		got.At = time.Time{}
		if got != tc.want {
			t.Errorf("%s as %q: audited %+v, want %+v", tc.path, tc.bearer, got, tc.want)
		}
	}
}
