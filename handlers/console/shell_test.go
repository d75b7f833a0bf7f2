package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestHeaders(t *testing.T) {
	w := newEnv(t)
	for _, path := range []string{"/", "/login", "/installations/" + one, "/nothing"} {
		a := w.get(path)
		csp := a.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: the policy lacks %s: %s", path, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %s", path, csp)
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if n := a.doc.Find("script:not([src]), style, [style]").Length(); n > 0 {
			t.Errorf("%s has %d inline scripts or styles", path, n)
		}
		if n := a.doc.Find("h1").Length(); n != 1 {
			t.Errorf("%s has %d h1", path, n)
		}
	}
}

func TestForeignPostsAreRefused(t *testing.T) {
	w := newEnv(t)
	w.answer("POST /installations/"+one+"/stop", struct{}{})
	for name, header := range map[string][2]string{
		"another site by Sec-Fetch-Site": {"Sec-Fetch-Site", "cross-site"},
		"another subdomain":              {"Sec-Fetch-Site", "same-site"},
		"another origin":                 {"Origin", "https://evil.example"},
		"no origin at all":               {"Origin", "null"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/installations/"+one+"/stop", nil)
		r.AddCookie(w.cookie())
		r.Header.Set(header[0], header[1])
		if a := w.send(r); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", name, a.StatusCode)
		}
	}
	if got := w.wrote(); len(got) != 0 {
		t.Errorf("the API was asked %q", got)
	}
}

func TestAssets(t *testing.T) {
	w := newEnv(t)
	page := w.get("/login")
	for _, selector := range []string{`link[rel=stylesheet]`, `script[src]`, `link[rel=icon]`} {
		node := page.doc.Find(selector)
		path, ok := node.Attr("href")
		if !ok {
			path, _ = node.Attr("src")
		}
		a := w.send(httptest.NewRequest(http.MethodGet, path, nil)) // without a session: the log-in needs them
		if a.StatusCode != 200 || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") || a.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d, %s, %s", path, a.StatusCode, a.Header.Get("Cache-Control"), a.Header.Get("Content-Type"))
		}
	}
	if a := w.get("/assets/app.css"); a.StatusCode != 404 {
		t.Errorf("an asset without its checksum: %d", a.StatusCode)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	w := newEnv(t)
	w.answer("GET /installations", v1.NewProblem(503, v1.CodeUnavailable, "The store does not answer.", "Look at /readyz."))
	a := w.get("/")
	if a.StatusCode != 503 || !strings.Contains(a.text("main"), "The store does not answer.") || !strings.Contains(a.text("main"), "Look at /readyz.") {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	for _, path := range []string{"/installations/" + one[:25] + "z", "/installations/x", "/nothing"} {
		if a := w.get(path); a.StatusCode != 404 || a.text("h1") != "There is nothing here" {
			t.Errorf("%s: %d: %s", path, a.StatusCode, a.text("main"))
		}
	}
	huge := httptest.NewRequest(http.MethodPost, "/installations/"+one+"/stop", strings.NewReader("back="+strings.Repeat("x", maxForm)))
	huge.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	huge.AddCookie(w.cookie())
	if a := w.send(huge); a.StatusCode != 400 {
		t.Errorf("a huge form: %d", a.StatusCode)
	}
}

// A panic of the API, or an answer that is cut short, is a page too.
func TestTheAPIMayFail(t *testing.T) {
	for name, api := range map[string]http.HandlerFunc{
		"panic": func(http.ResponseWriter, *http.Request) { panic("no") },
		"abort": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"items":[`))
			panic(http.ErrAbortHandler)
		},
		"nothing": func(http.ResponseWriter, *http.Request) {},
	} {
		w := newEnv(t)
		w.handler, _ = New(Config{API: api, Tokens: &w.tokens, Sessions: w.sessions, Key: token, Attempts: nil, Log: nopLog(), Now: clockNow})
		if a := w.get("/"); a.StatusCode < 500 || a.doc.Find("h1").Length() != 1 {
			t.Errorf("%s: %d: %s", name, a.StatusCode, a.html)
		}
	}
}

// followed opens the live page of an installation in a session.
func followed(t *testing.T, w *env) (*http.Response, *http.Cookie) {
	t.Helper()
	srv := httptest.NewServer(w.handler)
	t.Cleanup(srv.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/installations/"+one, nil)
	harness.OK(t, err)
	r.Header.Set("Accept", "text/event-stream")
	cookie := w.cookieAt(r.URL.Port())
	r.AddCookie(cookie)
	resp, err := srv.Client().Do(r)
	harness.OK(t, err)
	t.Cleanup(func() { _ = resp.Body.Close(); srv.Client().CloseIdleConnections() })
	return resp, cookie
}

func TestLivePages(t *testing.T) {
	w := newEnv(t)
	resp, _ := followed(t, w)
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("Content-Type %q", got)
	}
	events := make(chan string, 16)
	go readEvents(resp.Body, events)
	if first := next(t, events); !strings.Contains(first, "In sync. The last change took 1.2 s") || strings.Contains(first, "<html") {
		t.Errorf("the first event is %q", first)
	}
	in := anInstallation()
	in.State = v1.StateStopped
	w.installed(in)
	if second := next(t, events); !strings.Contains(second, "Stopped") {
		t.Errorf("the second event is %q", second)
	}
}

func TestLivePagesAreBounded(t *testing.T) {
	w := newEnv(t)
	srv := httptest.NewServer(w.handler)
	t.Cleanup(srv.Close)
	t.Cleanup(srv.Client().CloseIdleConnections)
	open := func(session *http.Cookie) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/installations/"+one, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		r.AddCookie(session)
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	session := w.cookieAt(srv.URL[strings.LastIndex(srv.URL, ":")+1:])
	for range 64 {
		if resp := open(session); resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
		}
	}
	if resp := open(session); resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one more: got %d %v", resp.StatusCode, resp.Header)
	}
}

func next(t *testing.T, events <-chan string) string {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("no event within 20 s")
		return ""
	}
}
