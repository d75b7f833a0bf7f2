package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"channelsync/handlers/internal/forwarded"
)

func TestLogin(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		token, next string
		status      int
		to          string
	}{
		{token, "", 303, "/"},
		{" " + token + "\n", "/installations/" + one, 303, "/installations/" + one},
		{token, "https://evil.example/", 303, "/"},
		{token, "//evil.example/", 303, "/"},
		{token, `/\evil.example`, 303, "/"},
		{"wrong", "", 401, ""},
		{"", "", 401, ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"token": {tc.token}, "next": {tc.next}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := w.send(r)
		if a.StatusCode != tc.status || a.Header.Get("Location") != tc.to {
			t.Errorf("%q, next %q: got %d to %q, want %d to %q", tc.token, tc.next, a.StatusCode, a.Header.Get("Location"), tc.status, tc.to)
		}
		if tc.status != 303 {
			if len(a.Cookies()) != 0 || a.doc.Find(`[role=alert]`).Length() != 1 || strings.Contains(a.html, "wrong\"") {
				t.Errorf("%q: refused with cookies %v:\n%s", tc.token, a.Cookies(), a.html)
			}
			continue
		}
		c := a.Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure {
			t.Errorf("the cookie is %+v", c)
		}
		if strings.Contains(c.Value, token) {
			t.Error("the cookie has the token in it")
		}
	}
}

func TestLoginIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	try := func(tok string) *answered {
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"token": {tok}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return w.send(r)
	}
	for range 10 {
		if a := try("wrong"); a.StatusCode != 401 {
			t.Fatalf("got %d", a.StatusCode)
		}
	}
	if a := try("wrong"); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" || len(a.Cookies()) != 0 {
		t.Errorf("the eleventh: got %d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
	if a := try(token); a.StatusCode != 303 || len(a.Cookies()) != 1 {
		t.Errorf("the right one after them: got %d, want a log-in", a.StatusCode)
	}
}

func TestWhoIsNotLoggedIn(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		method, path, accept, to string
		status                   int
	}{
		{"GET", "/", "", "/login", 303},
		{"GET", "/installations/" + one + "?a=1", "", "/login?next=" + url.QueryEscape("/installations/"+one+"?a=1"), 303},
		{"POST", "/installations/" + one + "/stop", "", "/login", 303},
		{"GET", "/installations/" + one, "text/event-stream", "", 401},
		{"GET", "/nothing", "", "", 404},
	} {
		r := httptest.NewRequest(tc.method, tc.path, nil)
		r.Header.Set("Accept", tc.accept)
		if a := w.send(r); a.StatusCode != tc.status || a.Header.Get("Location") != tc.to {
			t.Errorf("%s %s: got %d to %q, want %d to %q", tc.method, tc.path, a.StatusCode, a.Header.Get("Location"), tc.status, tc.to)
		}
	}
	if got := w.wrote(); len(got) != 0 {
		t.Errorf("the API was asked %q", got)
	}
}

func TestSessionCookies(t *testing.T) {
	now := clockNow()
	s := newSessions(token, func() time.Time { return now })
	cookie := s.make(root)
	flipped := "A" + cookie[1:]
	if flipped == cookie {
		flipped = "B" + cookie[1:]
	}
	for name, tc := range map[string]struct {
		cookie string
		with   sessions
		want   bool
	}{
		"its own":               {cookie, s, true},
		"of another instance":   {cookie, newSessions(token, func() time.Time { return now }), true},
		"after a new token":     {cookie, newSessions("another", func() time.Time { return now }), false},
		"changed":               {flipped, s, false},
		"cut":                   {cookie[:len(cookie)-2], s, false},
		"empty":                 {"", s, false},
		"not base64":            {"!!!", s, false},
		"just before its end":   {cookie, newSessions(token, func() time.Time { return now.Add(sessionFor - time.Second) }), true},
		"after its end":         {cookie, newSessions(token, func() time.Time { return now.Add(sessionFor) }), false},
		"of a clock far ahead":  {cookie, newSessions(token, func() time.Time { return now.Add(-sessionFor) }), false},
		"of a clock just ahead": {cookie, newSessions(token, func() time.Time { return now.Add(-time.Minute) }), true},
	} {
		if _, ok := tc.with.check(tc.cookie); ok != tc.want {
			t.Errorf("%s: got %v, want %v", name, ok, tc.want)
		}
	}
}

func TestSessionIsProlonged(t *testing.T) {
	w := newWorld(t)
	for age, want := range map[time.Duration]bool{time.Minute: false, 2 * time.Hour: true} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: newSessions(token, func() time.Time { return clockNow().Add(-age) }).make(root)})
		a := w.send(r)
		if got := len(a.Cookies()) == 1; a.StatusCode != 200 || got != want {
			t.Errorf("%s old: status %d, prolonged %v, want %v", age, a.StatusCode, got, want)
		}
	}
}

func TestLogoutAndSecureCookies(t *testing.T) {
	w := newWorld(t)
	a := w.post("/logout", nil)
	if c := a.Cookies(); a.StatusCode != 303 || len(c) != 1 || c[0].MaxAge >= 0 || c[0].Value != "" {
		t.Errorf("log-out: %d, %v", a.StatusCode, c)
	}
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c := w.send(r.Clone(r.Context())).Cookies(); len(c) != 1 || c[0].Secure {
		t.Errorf("without TLS the cookie is %v", c)
	}
	r.Body = io.NopCloser(strings.NewReader("token=" + token))
	r = r.WithContext(forwarded.With(r.Context(), forwarded.Client{TLS: true}))
	c := w.send(r).Cookies()
	if len(c) != 1 || !c[0].Secure || c[0].Name != "__Host-"+sessionCookie || c[0].Path != "/" || c[0].Domain != "" {
		t.Fatalf("behind TLS the cookie is %v", c)
	}
	r = httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(c[0])
	if a := w.send(r.Clone(forwarded.With(r.Context(), forwarded.Client{TLS: true}))); a.StatusCode != 200 {
		t.Errorf("with that cookie: got %d", a.StatusCode)
	}
	if a := w.send(r); a.StatusCode != 303 {
		t.Errorf("with that cookie in plain text: got %d, want the log-in", a.StatusCode)
	}
}

func FuzzSessionCheck(f *testing.F) {
	s := newSessions(token, clockNow)
	f.Add(s.make(root))
	f.Add("")
	f.Add(strings.Repeat("A", 75))
	other := newSessions("another", clockNow)
	f.Fuzz(func(t *testing.T, cookie string) {
		if _, ok := other.check(cookie); ok {
			t.Errorf("%q is a session of a key that never made one", cookie)
		}
	})
}

func FuzzLocal(f *testing.F) {
	for _, p := range []string{"/", "//x", `/\x`, "https://x", "/a?b=c#d", "javascript:alert(1)", "/\t/x", "/%2f/x"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := local(path)
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.HasPrefix(got, `/\`) {
			t.Errorf("local(%q) = %q leads elsewhere", path, got)
		}
	})
}
