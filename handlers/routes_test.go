package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/callback"
	"channelsync/handlers/console/session"
	"channelsync/handlers/health"
	"channelsync/test/harness"
	"channelsync/test/harness/sessions"
)

func TestMain(m *testing.M) {
	// A refused connection stays half open for half a second, so that its client can read the answer.
	harness.Main(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const token v1.Secret = "right-token"

// tokens knows its keys.
type tokens map[v1.Secret]v1.Identity

func (k tokens) Authenticate(text v1.Secret) (v1.Identity, bool) { who, ok := k[text]; return who, ok }

func (k tokens) Current(id string, _ int) (v1.Identity, bool) {
	for _, who := range k {
		if who.ID == id {
			return who, true
		}
	}
	return v1.Identity{}, false
}

// inMemory are sessions that end with the test.
func inMemory() *session.Store {
	return session.New(session.Config{Table: sessions.NewMemory(), Sealer: sessions.Ring()})
}

// nobody knows no installation.
type nobody struct{}

func (nobody) Receiver(string) (callback.Receiver, bool) { return callback.Receiver{}, false }

func public() http.Handler {
	return Public(PublicConfig{
		Callbacks: callback.New(callback.Config{Receivers: nobody{}, Log: zap.NewNop()}), Log: zap.NewNop(),
	})
}

func adminHandler(ready error) http.Handler {
	api := chi.NewRouter()
	api.Get("/status", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret data") })
	api.Get("/zones", func(http.ResponseWriter, *http.Request) { panic("no") })
	return must(Admin(AdminConfig{
		Sessions: inMemory(), API: api, Tokens: tokens{token: {ID: "root", Name: "root", Role: v1.RoleAdmin}}, Key: token, Metrics: prometheus.NewRegistry(), Log: zap.NewNop(),
		Ready: []health.Check{{Name: "journal", Probe: func(context.Context) (string, error) { return "", ready }}},
	}))
}

func must(h http.Handler, err error) http.Handler {
	if err != nil {
		panic(err)
	}
	return h
}

func get(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = "203.0.113.7:1"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	harness.OK(t, err)
	return string(b)
}

// The console below "/" answered for these under other methods, and allowed none.
func TestProbesSayWhichMethodsTheyTake(t *testing.T) {
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "DELETE": 405, "OPTIONS": 204} {
			resp := get(adminHandler(nil), method, path)
			allow := resp.Header.Get("Allow")
			if resp.StatusCode != want || (want != 200 && allow != "GET, HEAD, OPTIONS") {
				t.Errorf("%s %s: got %d, Allow %q; want %d", method, path, resp.StatusCode, allow, want)
			}
		}
		if resp := get(adminHandler(nil), "GET", path+"/"); resp.StatusCode != 404 {
			t.Errorf("GET %s/: got %d", path, resp.StatusCode)
		}
	}
}

func TestPublicServesCallbacksAndLivezOnly(t *testing.T) {
	const id = "01jxaaaaaaaaaaaaaaaaaaaaaa"
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/livez", 200, ""},
		{"HEAD", "/livez", 200, ""},
		{"POST", "/livez", 405, "GET, HEAD, OPTIONS"},
		{"POST", "/callbacks/autotask/" + id, 404, ""},
		{"GET", "/callbacks/autotask/" + id, 405, "POST"},
		{"HEAD", "/callbacks/autotask/" + id + "/deactivated", 405, "POST"},
		{"BREW", "/callbacks/autotask/" + id, 405, ""},
		{"POST", "/callbacks/autotask/" + id + "/", 404, ""},
		{"POST", "/callbacks/autotask/..%2f" + id, 404, ""},
		{"POST", "/callbacks/autotask/", 404, ""},
		{"GET", "/", 404, ""},
		{"GET", "/readyz", 404, ""},
		{"GET", "/metrics", 404, ""},
		{"GET", "/api/v1/status", 404, ""},
	} {
		resp := get(public(), tc.method, tc.path)
		if resp.StatusCode != tc.status || (tc.allow != "" && resp.Header.Get("Allow") != tc.allow) {
			t.Errorf("%s %s: got %d, Allow %q; want %d, %q",
				tc.method, tc.path, resp.StatusCode, resp.Header.Get("Allow"), tc.status, tc.allow)
		}
	}
}

func TestAdminPaths(t *testing.T) {
	h := adminHandler(nil)
	for path, status := range map[string]int{
		"/": 303, "/livez": 200, "/readyz": 200, "/metrics": 200, "/nothing": 404,
		"/callbacks/autotask/01jxaaaaaaaaaaaaaaaaaaaaaa": 404,
		"/api/v1/status": 401, "/api/v1/nothing": 401, "/api/v1": 401,
		"/debug/pprof/": 401, "/debug/pprof/heap": 401, "/debug/pprof/nothing": 401,
	} {
		if resp := get(h, "GET", path); resp.StatusCode != status {
			t.Errorf("%s: got %d, want %d", path, resp.StatusCode, status)
		}
	}
	if resp := get(adminHandler(errors.New("frozen")), "GET", "/readyz"); resp.StatusCode != 503 {
		t.Errorf("/readyz while a check fails: got %d", resp.StatusCode)
	}
	if resp := get(h, "GET", "/api/v1/zones", "Authorization", "Bearer right-token"); resp.StatusCode != 500 {
		t.Errorf("panic: got %d", resp.StatusCode)
	}
}

// TestProfiles shows that profiles are there for those who have the token, and for nobody else.
func TestProfiles(t *testing.T) {
	h := adminHandler(nil)
	for path, want := range map[string]int{
		"/debug/pprof/": 200, "/debug/pprof/heap": 200, "/debug/pprof/goroutine": 200, "/debug/pprof/symbol": 200,
		"/debug/pprof/nothing": 404, "/debug/pprof/cmdline": 404,
	} {
		resp := get(h, "GET", path, "Authorization", "Bearer right-token")
		if body := text(t, resp); resp.StatusCode != want || len(body) == 0 {
			t.Errorf("%s: got %d, %d bytes; want %d", path, resp.StatusCode, len(body), want)
		}
		if resp := get(h, "GET", path, "Authorization", "Bearer wrong"); resp.StatusCode != 401 {
			t.Errorf("%s with a wrong token: got %d", path, resp.StatusCode)
		}
		if resp := get(public(), "GET", path, "Authorization", "Bearer right-token"); resp.StatusCode != 404 {
			t.Errorf("%s on the public listener: got %d", path, resp.StatusCode)
		}
	}
}

// ending are tokens that end.
type ending struct {
	tokens
	ended atomic.Bool
}

func (e *ending) Current(id string, secret int) (v1.Identity, bool) {
	who, ok := e.tokens.Current(id, secret)
	return who, ok && !e.ended.Load()
}

// TestAProfileEndsWithItsToken: what the process does afterwards does not show in it.
func TestAProfileEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known := &ending{tokens: tokens{token: {ID: "t-1", Name: "ops", Role: v1.RoleAdmin}}}
		h := must(Admin(AdminConfig{Sessions: inMemory(), API: http.NotFoundHandler(), Tokens: known, Key: token, Metrics: prometheus.NewRegistry(), Log: zap.NewNop()}))
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			get(h, "GET", "/debug/pprof/goroutine?seconds=100", "Authorization", "Bearer "+token.Reveal())
		}()
		<-time.After(10 * time.Second)
		known.ended.Store(true)
		<-time.After(5 * time.Second)
		synctest.Wait()
		select {
		case <-answered:
		default:
			t.Error("it goes on 5 s after its token ended")
		}
		<-answered
	})
}

func TestToken(t *testing.T) {
	for _, tc := range []struct {
		header string
		status int
	}{
		{"", 401},
		{"Bearer", 401},
		{"Bearer ", 401},
		{"Bearer wrong", 401},
		{"Bearer right-token2", 401},
		{"Basic right-token", 401},
		{"right-token", 401},
		{"Bearer right-token", 200},
		{"bearer  right-token", 200},
	} {
		resp := get(adminHandler(nil), "GET", "/api/v1/status", "Authorization", tc.header)
		body := text(t, resp)
		if resp.StatusCode != tc.status {
			t.Errorf("%q: got %d, want %d", tc.header, resp.StatusCode, tc.status)
		}
		if tc.status != 401 {
			continue
		}
		var p v1.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Code != v1.CodeUnauthenticated || p.Hint == "" ||
			resp.Header.Get("WWW-Authenticate") == "" || strings.Contains(body, "secret data") {
			t.Errorf("%q: answer %s, %v", tc.header, body, err)
		}
	}
}

func TestEmptyTokenLetsNobodyIn(t *testing.T) {
	h := must(Admin(AdminConfig{Sessions: inMemory(), API: chi.NewRouter(), Tokens: tokens{}, Metrics: prometheus.NewRegistry(), Log: zap.NewNop()}))
	for _, header := range []string{"", "Bearer ", "Bearer x"} {
		if resp := get(h, "GET", "/api/v1/x", "Authorization", header); resp.StatusCode != 401 {
			t.Errorf("%q: got %d", header, resp.StatusCode)
		}
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	h := adminHandler(nil)
	for range 10 {
		if resp := get(h, "GET", "/api/v1/status", "Authorization", "Bearer wrong"); resp.StatusCode != 401 {
			t.Fatalf("got %d", resp.StatusCode)
		}
	}
	resp := get(h, "GET", "/api/v1/status", "Authorization", "Bearer wrong")
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("eleventh: got %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	for _, peer := range []string{"203.0.113.7:1", "198.51.100.1:1", "127.0.0.1:1"} {
		for range 20 {
			r := httptest.NewRequest("GET", "/api/v1/status", nil)
			r.RemoteAddr = peer
			r.Header.Set("Authorization", "Bearer right-token")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 200 {
				t.Fatalf("right token from %s: got %d", peer, w.Code)
			}
		}
	}
}

func TestServerLimits(t *testing.T) {
	for _, tc := range []struct {
		server *http.Server
		write  time.Duration
	}{
		{NewPublicServer("a:1", public(), zap.NewNop()), 20 * time.Second},
		{NewAdminServer("a:1", public(), zap.NewNop()), 0},
	} {
		s := tc.server
		if s.Addr != "a:1" || s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 15*time.Second ||
			s.WriteTimeout != tc.write || s.IdleTimeout != 60*time.Second || s.MaxHeaderBytes != 16<<10 {
			t.Errorf("limits are %+v", s)
		}
	}
}

// TestLargeHeadersAreRefused also shows that the servers serve what they are given.
func TestLargeHeadersAreRefused(t *testing.T) {
	s := NewPublicServer("", public(), zap.NewNop())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.OK(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	defer func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for n, status := range map[int]int{10: 200, 32 << 10: 431} {
		req, err := http.NewRequest("GET", "http://"+l.Addr().String()+"/livez", nil)
		harness.OK(t, err)
		req.Header.Set("X-Pad", strings.Repeat("x", n))
		resp, err := client.Do(req)
		harness.OK(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("header of %d bytes: got %d, want %d", n, resp.StatusCode, status)
		}
	}
}
