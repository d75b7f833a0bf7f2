package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/forwarded"
	"channelsync/test/harness"
)

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
	harness.OK(t, err)
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

func from(addr string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	return r.WithContext(forwarded.With(r.Context(), forwarded.Client{Addr: netip.MustParseAddr(addr)}))
}

func TestAttemptsForgetAddresses(t *testing.T) {
	a := NewAttempts()
	for i := range 3 * maxAddresses {
		a.Fail(from(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()))
	}
	if len(a.failures) > maxAddresses {
		t.Errorf("remembers %d addresses, want at most %d", len(a.failures), maxAddresses)
	}
}

func TestAttemptsAreCountedByClient(t *testing.T) {
	a := NewAttempts()
	for name, tc := range map[string]struct {
		first, then string
		counted     bool
	}{
		"itself":                      {"203.0.113.1", "203.0.113.1", true},
		"another":                     {"203.0.113.2", "203.0.113.3", false},
		"another of its IPv6 network": {"2001:db8::1", "2001:db8::2", true},
		"this machine":                {"127.0.0.1", "127.0.0.1", false},
	} {
		for range failureBurst {
			if !a.Fail(from(tc.first)) {
				t.Fatalf("%s: refused within the burst", name)
			}
		}
		if a.Fail(from(tc.then)) == tc.counted {
			t.Errorf("%s: counted %v, want %v", name, !tc.counted, tc.counted)
		}
	}
}
