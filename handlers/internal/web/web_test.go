package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
)

func TestSource(t *testing.T) {
	for _, tc := range []struct {
		peer      string
		forwarded []string
		want      string
		direct    bool
	}{
		{"203.0.113.7:1", nil, "203.0.113.7", false},
		{"203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7", false},
		{"127.0.0.1:1", nil, "127.0.0.1", true},
		{"127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1", false},
		{"127.0.0.1:1", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1", false},
		{"127.0.0.1:1", []string{"1.1.1.1", "2.2.2.2 , 198.51.100.1:443"}, "198.51.100.1", false},
		{"127.0.0.1:1", []string{"1.1.1.1, nonsense"}, "127.0.0.1", false},
		{"[::1]:1", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2::/64", false},
		{"[2001:db8::7%eth0]:1", nil, "2001:db8::/64", false},
		{"[::ffff:203.0.113.7]:1", nil, "203.0.113.7", false},
		{"[::1]:1", nil, "::1", true},
		{"@", nil, "@", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tc.peer
		r.Header["X-Forwarded-For"] = tc.forwarded
		if got := Source(r); got != tc.want || Direct(r) != tc.direct {
			t.Errorf("%s %q: got %s, direct %v, want %s, %v", tc.peer, tc.forwarded, got, Direct(r), tc.want, tc.direct)
		}
	}
}

func FuzzSource(f *testing.F) {
	f.Add("127.0.0.1:1", "1.1.1.1, ::1")
	f.Add("[::1]:1", "[2001:db8::1]:443")
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", forwarded)
		if got := Source(r); got != peer && strings.ContainsAny(got, ", \n") {
			t.Errorf("source %q", got)
		}
	})
}

func TestRecover(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	h := Recover(zap.New(core))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("at the disco") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x", nil))
	if w.Code != 500 || w.Header().Get("Content-Type") != "application/problem+json" ||
		!strings.Contains(w.Body.String(), `"code":"internal"`) || strings.Contains(w.Body.String(), "disco") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if all := logs.All(); len(all) != 1 || all[0].ContextMap()[v1.LogCause] != "at the disco" ||
		all[0].ContextMap()["stack"] == "" {
		t.Errorf("log %v", all)
	}

	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("got %v, want the abort to pass", v)
		}
	}()
	Recover(zap.NewNop())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x", nil))
}

// A client must not take a part of an answer for the whole.
func TestPanicAfterTheAnswerBeganCutsItOff(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	srv := httptest.NewServer(Recover(zap.New(core))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "[1,2")
		_ = http.NewResponseController(w).Flush()
		panic("at the third")
	})))
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err == nil || string(body) != "[1,2" {
		t.Errorf("got %q, %v; want a body that is cut off", body, err)
	}
	if logs.Len() != 1 || logs.All()[0].ContextMap()[v1.LogCause] != "at the third" {
		t.Errorf("log %v", logs.All())
	}
}

func TestJSONThatCannotBeEncoded(t *testing.T) {
	w := httptest.NewRecorder()
	JSON(w, http.StatusOK, func() {})
	if w.Code != 500 || !strings.Contains(w.Body.String(), `"code":"internal"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestMethodNotAllowed(t *testing.T) {
	nothing := func(http.ResponseWriter, *http.Request) {}
	sub := chi.NewRouter()
	sub.MethodNotAllowed(MethodNotAllowed(sub))
	sub.Get("/things/{id}", nothing)
	sub.Patch("/things/{id}", nothing)
	r := chi.NewRouter()
	r.MethodNotAllowed(MethodNotAllowed(r)) // methods that chi has never heard of do not reach the inner one
	r.Mount("/api", sub)
	for _, tc := range []struct {
		method string
		status int
	}{{http.MethodDelete, 405}, {"BREW", 405}, {http.MethodOptions, 204}} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(tc.method, "/api/things/7", nil))
		if got := w.Header().Get("Allow"); w.Code != tc.status || got != "GET, HEAD, PATCH, OPTIONS" {
			t.Errorf("%s: got %d, Allow %q", tc.method, w.Code, got)
		}
		if strings.Contains(w.Body.String(), "BREW") {
			t.Errorf("answer repeats the request: %s", w.Body)
		}
	}
}

func TestIsInstallationID(t *testing.T) {
	const good = "01jxaaaaaaaaaaaaaaaaaaaaaa"
	for s, want := range map[string]bool{
		good: true, "": false, good[1:]: false, good + "a": false, strings.ToUpper(good): false,
		good[:25] + ".": false, good[:25] + "*": false, good[:25] + ">": false, good[:24] + "é": false,
	} {
		if IsInstallationID(s) != want {
			t.Errorf("%q: want %v", s, want)
		}
	}
}

func TestAttemptsForgetAddresses(t *testing.T) {
	a := NewAttempts()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := range 3 * maxAddresses {
		r.RemoteAddr = fmt.Sprint(i)
		a.Failed(r)
	}
	if len(a.failures) > maxAddresses {
		t.Errorf("remembers %d addresses, want at most %d", len(a.failures), maxAddresses)
	}
}
