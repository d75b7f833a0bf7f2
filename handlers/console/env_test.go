package console

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"go.uber.org/zap/zaptest"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/oidc"
	"channelsync/handlers/console/session"
	"channelsync/handlers/internal/web"
	"channelsync/test/harness"
	"channelsync/test/harness/sessions"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	token = "the-right-token"
	one   = "01jxoneaaaaaaaaaaaaaaaaaaa"
)

// clockNow is what every test's clock shows.
func clockNow() time.Time { return time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC) }

// env is a console before an admin API that answers what a test tells it to.
type env struct {
	t        *testing.T
	handler  http.Handler
	tokens   tokens
	sessions *session.Store
	clock    time.Time

	mu      sync.Mutex
	answers map[string]any // "GET /installations/{id}" → body, or *v1.Problem
	asked   []string       // "POST /installations/{id}/stop {json}"
}

func newEnv(t *testing.T) *env { return newEnvFor(t, nil) }

func newEnvFor(t *testing.T, people *oidc.Provider) *env { return newEnvOf(t, people, "") }

// newEnvAt is a console that people open under an address.
func newEnvAt(t *testing.T, address string) *env { return newEnvOf(t, nil, address) }

func newEnvOf(t *testing.T, people *oidc.Provider, address string) *env {
	t.Helper()
	w := &env{t: t, answers: map[string]any{}, tokens: newTokens(), clock: clockNow()}
	now := func() time.Time { return w.clock }
	w.sessions = session.New(session.Config{Table: sessions.NewMemory(), Sealer: sessions.Ring(), Now: now})
	var err error
	w.handler, err = New(Config{
		API: http.HandlerFunc(w.serve), Tokens: &w.tokens, People: people, Sessions: w.sessions, URL: address, Key: token, Auditor: &w.tokens, Attempts: web.NewAttempts(),
		Version: "test", Log: zaptest.NewLogger(t), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.answer("GET /zones", map[string]any{"items": []v1.Zone{{Name: "America East 3", URL: "https://webservices3.autotask.net/atservicesrest"}}})
	w.installed(anInstallation())
	return w
}

// cookie is one of a session of whoever the test is.
func (w *env) cookie() *http.Cookie {
	w.t.Helper()
	return w.cookieOf(session.Session{Who: w.tokens.who()})
}

func (w *env) cookieOf(s session.Session) *http.Cookie {
	w.t.Helper()
	value, err := w.sessions.Begin(w.t.Context(), s)
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Cookie{Name: cookieName, Value: value}
}

// cookieName is what the cookie of a session is called at the address that tests ask.
const cookieName = "channelsync_session_80"

// as is a console for somebody of a role.
func (w *env) as(who v1.Identity) {
	w.tokens.mu.Lock()
	defer w.tokens.mu.Unlock()
	w.tokens.known[token] = who
}

var root = v1.Identity{ID: "root", Name: "root", Role: v1.RoleAdmin}

// tokens knows one token, and what was audited.
type tokens struct {
	mu      *sync.Mutex
	known   map[v1.Secret]v1.Identity
	others  map[string]v1.Identity // those of sessions, by id
	audited *[]v1.AuditEntry
}

func newTokens() tokens {
	return tokens{mu: &sync.Mutex{}, known: map[v1.Secret]v1.Identity{token: root}, audited: &[]v1.AuditEntry{}}
}

func (k *tokens) who() v1.Identity {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known[token]
}

func (k *tokens) Authenticate(text v1.Secret) (v1.Identity, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	who, ok := k.known[text]
	return who, ok
}

func (k *tokens) Current(id string, secret int) (v1.Identity, bool) {
	who := k.who()
	if who.ID != id {
		who = k.others[id]
	}
	return who, who.ID == id && who.Secret == secret
}

func (k *tokens) Audit(_ context.Context, e v1.AuditEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	*k.audited = append(*k.audited, e)
}

// answer sets what a call is answered; the key is method and path without the query.
func (w *env) answer(call string, body any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[call] = body
}

// installed sets the one installation there is.
func (w *env) installed(in v1.Installation) {
	w.answer("GET /installations", v1.InstallationList{
		Items: []v1.Installation{in}, Counts: &v1.InstallationCounts{Total: 1, Found: 1, Standings: map[v1.Standing]int{in.Standing(): 1}},
	})
	w.answer("GET /installations/"+in.ID, in)
	w.answer("GET /installations/"+in.ID+"/bridges", v1.BridgeList{Items: []v1.BridgeStatus{}})
	w.answer("GET /installations/"+in.ID+"/history", v1.History{Items: []v1.HistoryHour{
		{From: clockNow().Add(-time.Hour), Changes: 4, Pushed: 2}, {From: clockNow(), Changes: 1, Failed: 1},
	}})
}

func (w *env) serve(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	asked := r.Method + " " + path
	if r.URL.RawQuery != "" {
		asked += "?" + r.URL.RawQuery
	}
	w.mu.Lock()
	w.asked = append(w.asked, strings.TrimSpace(asked+" "+strings.TrimSpace(string(body))))
	answer, ok := w.answers[asked] // of this very question, before that of its path
	if !ok {
		answer, ok = w.answers[r.Method+" "+path]
	}
	w.mu.Unlock()
	if r.Header.Get("X-Channelsync-Actor") != "console" {
		w.t.Errorf("%s comes from %q, want console", asked, r.Header.Get("X-Channelsync-Actor"))
	}
	switch a := answer.(type) {
	case *v1.Problem:
		web.Problem(rw, a)
	case http.Handler:
		a.ServeHTTP(rw, r)
	case nil:
		if ok {
			rw.WriteHeader(http.StatusNoContent)
			return
		}
		web.Problem(rw, v1.NotFound("The fake has no "+asked+"."))
	default:
		web.JSON(rw, http.StatusOK, a)
	}
}

// wrote are the calls so far that were no reads.
func (w *env) wrote() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, a := range w.asked {
		if !strings.HasPrefix(a, "GET ") {
			out = append(out, a)
		}
	}
	return out
}

// get asks for a page as somebody who is logged in.
func (w *env) get(path string) *answered { return w.do(http.MethodGet, path, nil) }

// post sends a form as somebody who is logged in.
func (w *env) post(path string, fields url.Values) *answered {
	return w.do(http.MethodPost, path, fields)
}

func (w *env) do(method, path string, fields url.Values, cookies ...*http.Cookie) *answered {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(fields.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(w.cookie())
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return w.send(r)
}

func (w *env) send(r *http.Request) *answered {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	resp := rec.Result()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(rec.Body.String()))
	if err != nil {
		w.t.Fatal(err)
	}
	return &answered{resp, rec.Body.String(), doc}
}

// answered is a page as it came back.
type answered struct {
	*http.Response
	html string
	doc  *goquery.Document
}

// text is what a selector shows, with single spaces.
func (a *answered) text(selector string) string {
	return strings.Join(strings.Fields(a.doc.Find(selector).Text()), " ")
}

// flash is what the next page would say.
func (a *answered) flash(t *testing.T) flash {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range a.Cookies() {
		r.AddCookie(c)
	}
	f := (&visit{Console: &Console{}, w: httptest.NewRecorder(), r: r}).takeFlash()
	if f == nil {
		return flash{}
	}
	return *f
}

func anInstallation() v1.Installation {
	p50, p95, last, at := 0.4, 2.1, 1.2, clockNow().Add(-3*time.Minute)
	return v1.Installation{
		ID: one, Name: "Acme MSP", State: v1.StateLive, CreatedAt: clockNow().Add(-240 * time.Hour),
		Zone: v1.Zone{Name: "America East 3", URL: "https://webservices3.autotask.net/atservicesrest"},
		Syncs: map[v1.Sync]v1.SyncStatus{
			v1.SyncActiveCustomers:         {State: v1.SyncRunning, Counts: v1.Counts{InScope: 1187, Pushed: 1180, Unchanged: 7, NotMet: 225}},
			v1.SyncActiveCustomerContracts: {State: v1.SyncRunning, Counts: v1.Counts{InScope: 240, Pushed: 240}},
		},
		Webhooks:  []v1.Webhook{{Entity: "Companies", ID: 7, GUID: "g", Active: true, Ready: true, LastCallbackAt: &at}},
		Freshness: v1.Freshness{P50Seconds: &p50, P95Seconds: &p95, LastSeconds: &last, LastAt: &at},
	}
}

// mean is text that must never be taken for markup.
const mean = `"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'` + "\u202e"

// clean fails if a page has markup that came from data.
func (a *answered) clean(t *testing.T) {
	t.Helper()
	if n := a.doc.Find("script:not([src]), img[src=x], [onerror]").Length(); n > 0 {
		t.Errorf("%d elements came out of data:\n%s", n, a.html)
	}
}

// encode is v as the admin API would answer it.
func encode(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
