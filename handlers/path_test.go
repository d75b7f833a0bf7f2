package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

const under = "/integrations/autotask"

// embedded is the admin listener below a path of a host.
func embedded() http.Handler {
	api := chi.NewRouter()
	api.Get("/status", func(http.ResponseWriter, *http.Request) {})
	api.Post("/installations", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Path+"/new")
		w.WriteHeader(http.StatusCreated)
	})
	api.Get("/installations/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.PathValue("id")) })
	return must(Admin(AdminConfig{
		Sessions: inMemory(), API: api, Tokens: tokens{token: {ID: "root", Name: "root", Role: v1.RoleAdmin}}, Key: token,
		URL: "https://apps.example" + under, Metrics: prometheus.NewRegistry(), Log: zap.NewNop(),
	}))
}

func ask(h http.Handler, method, target string) *http.Response {
	r := httptest.NewRequest(method, "/", nil)
	var err error
	if r.URL, err = url.ParseRequestURI(target); err != nil {
		panic(err)
	}
	r.Host, r.RemoteAddr = "apps.example", "203.0.113.7:1"
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// TestBelowAPath: a proxy may strip the path of --admin-url or pass it on, and nothing else is taken for it.
func TestBelowAPath(t *testing.T) {
	h := embedded()
	for _, tc := range []struct {
		method, path string
		want         int
	}{
		{"GET", under + "/api/v1/status", 200},
		{"GET", "/api/v1/status", 200}, // stripped, or from the machine itself
		{"GET", under + "/livez", 200},
		{"HEAD", under + "/livez", 200},
		{"HEAD", under + "/login", 200},
		{"GET", "/livez", 200},
		{"GET", under + "/metrics", 200},
		{"POST", under + "/livez", 405},
		{"GET", under + "/debug/pprof/", 200},
		{"GET", under + "/login", 200},
		{"GET", "/login", 200},
		{"GET", under, 303},       // the front page, which leads to the log-in
		{"GET", under + "/", 303}, // and so does this
		{"GET", "/", 303},
		{"GET", under + "2/login", 404}, // another path that begins alike
		{"GET", under + "2", 404},
		{"GET", "/Integrations/autotask/login", 404},
		{"GET", "/integrations", 404},
		{"GET", "/integrations//autotask/login", 404},
		{"GET", "//integrations/autotask/login", 404},
		{"GET", "/integrations%2Fautotask/login", 404},
		{"GET", "/%69ntegrations/autotask/login", 404},
		{"GET", under + "%2Flogin", 404},
		{"GET", under + "//login", 404},
		{"GET", under + "/../login", 404},
		{"GET", under + "/%2e%2e/login", 404},
		{"GET", under + under + "/login", 404}, // it is taken off once
		{"GET", under + "/login/", 308},
	} {
		resp := ask(h, tc.method, tc.path)
		if resp.StatusCode != tc.want {
			t.Errorf("%s %s: got %d, want %d", tc.method, tc.path, resp.StatusCode, tc.want)
		}
		if to := resp.Header.Get("Location"); to != "" && to != under+"/login" {
			t.Errorf("%s %s leads to %q", tc.method, tc.path, to)
		}
	}
	if got := ask(h, "GET", under+"/api/v1/installations/a%2Fb"); text(t, got) != "a%2Fb" {
		t.Error("what is escaped below the path is not as it was sent")
	}
	for _, path := range []string{under, ""} {
		if got := ask(h, "POST", path+"/api/v1/installations").Header.Get("Location"); got != under+"/api/v1/installations/new" {
			t.Errorf("what was made at %q is located at %q", path, got)
		}
	}
}
