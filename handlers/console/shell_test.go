package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
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
