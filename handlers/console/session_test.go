package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/session"
	"channelsync/handlers/internal/forwarded"
)

func TestLogin(t *testing.T) {
	w := newEnv(t)
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
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 12*60*60 || c.Path != "/" || c.Secure {
			t.Errorf("the cookie is %+v", c)
		}
		if strings.Contains(c.Value, token) {
			t.Error("the cookie has the token in it")
		}
	}
}

func TestLoginIsSlowedDown(t *testing.T) {
	w := newEnv(t)
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
	w := newEnv(t)
	for _, tc := range []struct {
		method, path, accept, to string
		status                   int
	}{
		{"GET", "/", "", "/login", 303},
		{"GET", "/installations/" + one + "?a=1", "", "/login?next=" + url.QueryEscape("/installations/"+one+"?a=1"), 303},
		{"POST", "/installations/" + one + "/stop", "", "/login", 303},
		{"GET", "/installations/" + one, liveType, "", 401},
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

func TestLogoutAndSecureCookies(t *testing.T) {
	w := newEnv(t)
	a := w.post("/logout", nil)
	if c := a.Cookies(); a.StatusCode != 303 || len(c) != 1 || c[0].MaxAge >= 0 || c[0].Value != "" {
		t.Errorf("log-out: %d, %v", a.StatusCode, c)
	}
	if all := *w.tokens.audited; len(all) != 1 || all[0].Action != "log-out" || all[0].Who != w.tokens.who().Name || !all[0].OK {
		t.Errorf("audited %+v", all)
	}
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c := w.send(r.Clone(r.Context())).Cookies(); len(c) != 1 || c[0].Secure {
		t.Errorf("without TLS the cookie is %v", c)
	}
	r.Body = io.NopCloser(strings.NewReader("token=" + token))
	r = r.WithContext(forwarded.With(r.Context(), forwarded.Client{TLS: true}))
	c := w.send(r).Cookies()
	if len(c) != 1 || !c[0].Secure || c[0].Name != "__Host-channelsync_session_443" || c[0].Path != "/" || c[0].Domain != "" {
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

// TestSessionsAreListedAndEndedOneByOne: an operator of all installations sees everybody's,
// others their own.
func TestSessionsAreListedAndEndedOneByOne(t *testing.T) {
	w := newEnv(t)
	person := func(id string, role v1.Role, installations ...string) v1.Identity {
		return v1.Identity{ID: id, Name: id, Role: role, Installations: installations}
	}
	tokens := map[string]v1.Identity{}
	for _, who := range []v1.Identity{person("ann", v1.RoleViewer), person("bob", v1.RoleOperator), person("cy", v1.RoleOperator, one)} {
		tokens[who.ID] = who
	}
	w.tokens.others = tokens
	cookies := map[string]*http.Cookie{}
	for id, who := range tokens {
		cookies[id] = w.cookieOf(session.Session{Who: who, Address: "192.0.2.7", Agent: mean})
	}
	as := func(id, method, path string) *answered {
		r := httptest.NewRequest(method, path, nil)
		r.AddCookie(cookies[id])
		return w.send(r)
	}
	for id, want := range map[string][]string{"ann": {"ann"}, "bob": {"ann", "bob", "cy"}, "cy": {"cy"}} {
		a := as(id, "GET", "/sessions")
		a.clean(t)
		if got := a.doc.Find("tbody tr").Length(); a.StatusCode != 200 || got != len(want) {
			t.Errorf("%s sees %d sessions, want %v", id, got, want)
		}
		if got := a.text("tbody tr:has(th .quiet) bdi"); !strings.HasPrefix(got, id) {
			t.Errorf("the session of %s is called %q", id, got)
		}
	}
	ann := "/sessions/" + w.sessions.KeyOf(cookies["ann"].Value) + "/end"
	if a := as("cy", "POST", ann); a.StatusCode != 404 {
		t.Errorf("somebody else's session, ended by an operator of one installation: got %d, want 404", a.StatusCode)
	}
	if a := as("ann", "GET", "/"); a.StatusCode != 200 {
		t.Fatalf("ann: got %d", a.StatusCode)
	}
	if a := as("bob", "POST", ann); a.StatusCode != 303 || a.Header.Get("Location") != "/sessions" || !strings.Contains(a.flash(t).Text, "ann") {
		t.Errorf("bob ends it: got %d to %s", a.StatusCode, a.Header.Get("Location"))
	}
	if a := as("ann", "GET", "/"); a.StatusCode != 303 || a.Header.Get("Location") != "/login" {
		t.Errorf("ann goes on: got %d", a.StatusCode)
	}
	if a := as("bob", "POST", "/sessions/"+w.sessions.KeyOf(cookies["bob"].Value)+"/end"); a.Header.Get("Location") != "/login" {
		t.Errorf("one's own leads to %s", a.Header.Get("Location"))
	}
	last := (*w.tokens.audited)[len(*w.tokens.audited)-1]
	if last.Action != "session.end" || last.Who != "bob" || last.Detail != "bob" || !last.OK || len(*w.tokens.audited) != 2 {
		t.Errorf("audited %+v", *w.tokens.audited)
	}
}

func TestASessionEndsWhenItsTokenEndsOrChanges(t *testing.T) {
	for name, change := range map[string]func(*tokens){
		"revoked":      func(k *tokens) { delete(k.others, "ann") },
		"another role": func(k *tokens) { k.others["ann"] = v1.Identity{ID: "ann", Role: v1.RoleOperator} },
		"another scope": func(k *tokens) {
			k.others["ann"] = v1.Identity{ID: "ann", Role: v1.RoleViewer, Installations: []string{one}}
		},
		"its secret over": func(k *tokens) { k.others["ann"] = v1.Identity{ID: "ann", Role: v1.RoleViewer, Secret: 2} },
	} {
		w := newEnv(t)
		who := v1.Identity{ID: "ann", Role: v1.RoleViewer}
		w.tokens.others = map[string]v1.Identity{"ann": who}
		cookie := w.cookieOf(session.Session{Who: who})
		get := func() int {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(cookie)
			return w.send(r).StatusCode
		}
		if got := get(); got != 200 {
			t.Fatalf("%s: got %d before", name, got)
		}
		change(&w.tokens)
		if got := get(); got != 303 {
			t.Errorf("%s: got %d, want the log-in", name, got)
		}
	}
}

func TestALogInTakesThePlaceOfTheOneBefore(t *testing.T) {
	w := newEnv(t)
	before := w.cookie()
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(before)
	a := w.send(r)
	if len(a.Cookies()) != 1 || a.Cookies()[0].Value == before.Value {
		t.Fatalf("the session is kept: %v", a.Cookies())
	}
	if _, ok, _ := w.sessions.Find(t.Context(), before.Value, true); ok {
		t.Error("the session before goes on")
	}
	r = httptest.NewRequest(http.MethodPost, "/logout", nil)
	r.AddCookie(a.Cookies()[0])
	w.send(r)
	if _, ok, _ := w.sessions.Find(t.Context(), a.Cookies()[0].Value, true); ok {
		t.Error("the session goes on after the log-out")
	}
}
