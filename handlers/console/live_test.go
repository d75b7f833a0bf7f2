package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/session"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
	"channelsync/test/harness"
)

func nopLog() *zap.Logger { return zap.NewNop() }

const two = "01jxtwoaaaaaaaaaaaaaaaaaaa"

// poll asks as the script of a page that is open does.
func (w *env) poll(cookie *http.Cookie, path, tag string) *answered {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", liveType)
	r.Header.Set("If-None-Match", tag)
	r.AddCookie(cookie)
	return w.send(r)
}

// pollFor is poll of somebody, for the block itself.
func (w *env) pollFor(cookie *http.Cookie, path string) string {
	w.t.Helper()
	a := w.poll(cookie, path, "")
	if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), liveType) || a.Header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("%s: got %d %v", path, a.StatusCode, a.Header)
	}
	if want := strconv.FormatInt(w.clock.UnixMilli(), 10); a.Header.Get(timeHeader) != want {
		w.t.Errorf("%s: the time is told as %s, want %s", path, a.Header.Get(timeHeader), want)
	}
	return a.html
}

func TestAPageThatIsOpenGetsWhatIsNew(t *testing.T) {
	w := newEnv(t)
	cookie, at := w.cookie(), "/installations/"+one
	first := w.poll(cookie, at, "")
	if !strings.Contains(first.html, "In sync. The last change took 1.2 s") || strings.Contains(first.html, "<html") {
		t.Errorf("first: %s", first.html)
	}
	tag := first.Header.Get("ETag")
	w.clock = w.clock.Add(2 * time.Second) // what the page counts on by itself is nothing new
	if a := w.poll(cookie, at, tag); a.StatusCode != http.StatusNotModified || a.html != "" {
		t.Errorf("nothing has changed: got %d %s", a.StatusCode, a.html)
	}
	in := anInstallation()
	in.State = v1.StateStopped
	w.installed(in)
	w.clock = w.clock.Add(2 * time.Second)
	if a := w.poll(cookie, at, tag); a.StatusCode != 200 || !strings.Contains(a.html, "Stopped") || a.Header.Get("ETag") == tag {
		t.Errorf("it was stopped: got %d %s", a.StatusCode, a.html)
	}
}

// TestAPageThatIsOpenIsToldWhyThereIsNothing: with a status and the type that its script knows,
// and without a page.
func TestAPageThatIsOpenIsToldWhyThereIsNothing(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	cookie := w.cookie()
	refused := func(what string, cookie *http.Cookie, path string, status int) {
		t.Helper()
		a := w.poll(cookie, path, "")
		if a.StatusCode != status || a.Header.Get("Content-Type") != liveType || a.html != "" {
			t.Errorf("%s: got %d %s %s, want %d", what, a.StatusCode, a.Header.Get("Content-Type"), a.html, status)
		}
	}
	refused("no session", &http.Cookie{Name: cookieName, Value: "none"}, at, 401)
	refused("an installation that is gone", cookie, "/installations/"+two, 404)
	w.answer("GET /installations/"+one, v1.NewProblem(503, v1.CodeUnavailable, "The store does not answer.", ""))
	refused("a store that is down", cookie, at, 503)
	w.installed(anInstallation()) // what failed is kept for nobody
	if got := w.pollFor(cookie, at); !strings.Contains(got, "In sync") {
		t.Errorf("once it answers: %s", got)
	}
	if err := w.sessions.EndCookie(t.Context(), cookie.Value); err != nil {
		t.Fatal(err)
	}
	refused("a session that was ended", cookie, at, 401)
}

func TestAPageThatIsOpenKeepsNobodyLoggedIn(t *testing.T) {
	w := newEnv(t)
	cookie := w.cookie()
	for range 7 {
		w.clock = w.clock.Add(session.Idle/7 + time.Second)
		w.poll(cookie, "/", "")
	}
	if a := w.poll(cookie, "/", ""); a.StatusCode != 401 {
		t.Errorf("after an hour of looking: got %d", a.StatusCode)
	}
}

// TestFiftyTabsCostOneRendering: all that look at the same within a second get the same, however
// many come at once.
func TestFiftyTabsCostOneRendering(t *testing.T) {
	w := newEnv(t)
	cookie, at := w.cookie(), "/installations/"+one
	for tick := 1; tick <= 3; tick++ {
		var tabs sync.WaitGroup
		for range 50 {
			tabs.Go(func() { w.pollFor(cookie, at) })
		}
		tabs.Wait()
		if got := len(w.reads(at + "/history")); got != tick {
			t.Errorf("after tick %d the API was asked %d times", tick, got)
		}
		w.clock = w.clock.Add(liveFor)
	}
	w.pollFor(cookie, at+"?other=1")
	if got := len(w.reads(at + "/history")); got != 4 {
		t.Errorf("another page is made by itself: the API was asked %d times", got)
	}
}

// TestWhoeverWroteSeesIt: no page shows anybody, after something was changed by this console,
// how it was before, not even one that was begun before and is made for others still.
func TestWhoeverWroteSeesIt(t *testing.T) {
	w := newEnv(t)
	cookie, at := w.cookie(), "/installations/"+one
	w.answer("POST "+at+"/stop", struct{}{})
	stopped := anInstallation()
	stopped.State = v1.StateStopped

	// A look that hangs in the API while somebody writes.
	hangs, goOn := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	api := w.handlerBefore(func(r *http.Request) {
		if r.Method == http.MethodGet && first.CompareAndSwap(false, true) {
			close(hangs)
			<-goOn
		}
	})
	var slow sync.WaitGroup
	slow.Go(func() {
		r := httptest.NewRequest(http.MethodGet, at, nil)
		r.Header.Set("Accept", liveType)
		r.AddCookie(cookie)
		api.ServeHTTP(httptest.NewRecorder(), r)
	})
	<-hangs
	w.handler = api
	if a := w.post(at+"/stop", nil); a.StatusCode != 303 {
		t.Fatalf("stop: %d", a.StatusCode)
	}
	w.installed(stopped)
	if got := w.pollFor(cookie, at); !strings.Contains(got, "Stopped") {
		t.Errorf("right after the write, beside a look that began before: %s", got)
	}
	close(goOn)
	slow.Wait()
	if got := w.pollFor(cookie, at); !strings.Contains(got, "Stopped") {
		t.Errorf("once that has ended: %s", got)
	}
	w.clock = w.clock.Add(2 * liveFor)
	if got := w.pollFor(cookie, at); !strings.Contains(got, "Stopped") {
		t.Errorf("later: %s", got)
	}
}

// handlerBefore is a console of the same tokens and sessions whose API does something before it answers.
func (w *env) handlerBefore(before func(*http.Request)) http.Handler {
	w.t.Helper()
	h, err := New(Config{
		API: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { before(r); w.serve(rw, r) }), Tokens: &w.tokens, Sessions: w.sessions,
		Key: token, Auditor: &w.tokens, Attempts: web.NewAttempts(), Version: "test", Log: nopLog(), Now: func() time.Time { return w.clock },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// TestAnswersOfASecondAgoAreTakenUnlessSomebodyWrote: what a view is made of may be shared too, and is
// not right after a write, nor for a page that somebody opens.
func TestAnswersOfASecondAgoAreTakenUnlessSomebodyWrote(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	w.answer("POST "+at+"/stop", struct{}{})
	var mu sync.Mutex
	var ages []string
	w.handler = w.handlerBefore(func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/api/v1/installations" {
			ages = append(ages, r.Header.Get("Cache-Control"))
		}
	})
	cookie := w.cookie()
	w.pollFor(cookie, "/")
	w.get("/")
	w.post(at+"/stop", nil)
	w.pollFor(cookie, "/")
	w.clock = w.clock.Add(2 * liveFor)
	w.pollFor(cookie, "/")
	if want := []string{"max-age=1", "", "", "max-age=1"}; !slices.Equal(ages, want) {
		t.Errorf("asked for answers of the ages %q, want %q", ages, want)
	}
}

// TestNobodySeesTheViewOfAnother has everybody look right after everybody else, at every page: each
// gets what is made for exactly what it may see, and nothing that names who it was made for.
func TestNobodySeesTheViewOfAnother(t *testing.T) {
	var made atomic.Int64
	everybody := []v1.Identity{
		{ID: "root", Name: "NAME-root", Role: v1.RoleAdmin},
		{ID: "t-2", Name: "NAME-operator", Role: v1.RoleOperator},
		{ID: "t-3", Name: "NAME-viewer", Role: v1.RoleViewer},
		{ID: "t-4", Name: "NAME-another-viewer", Role: v1.RoleViewer, Secret: 2},
		{ID: "t-5", Name: "NAME-admin-of-one", Role: v1.RoleAdmin, Installations: []string{one}},
		{ID: "t-6", Name: "NAME-viewer-of-one", Role: v1.RoleViewer, Installations: []string{one}},
		{ID: "t-7", Name: "NAME-viewer-of-two", Role: v1.RoleViewer, Installations: []string{two}},
		{ID: "t-8", Name: "NAME-viewer-of-both", Role: v1.RoleViewer, Installations: []string{one, two}},
		{ID: "t-9", Name: "NAME-the-same-turned-round", Role: v1.RoleViewer, Installations: []string{two, one}},
	}
	rights := func(who v1.Identity) string {
		of := slices.Sorted(slices.Values(who.Installations))
		return fmt.Sprintf("RIGHTS %s of %d %s", who.Role, len(of), strings.Join(of, "-and-"))
	}
	// The API shows whom it answers: in the name of the installation, which each page has.
	api := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		caller := identity.Of(r.Context())
		if caller.ID != "" || caller.Name != "" || caller.Address != "" {
			t.Errorf("a view that is shared is made for %+v", caller)
		}
		in := anInstallation()
		in.Name = rights(caller.Identity)
		in.Issues = []v1.Issue{{Code: "x", Severity: v1.SeverityAct, Title: rights(caller.Identity)}}
		made.Add(1)
		switch r.URL.Path {
		case "/api/v1/installations":
			web.JSON(rw, 200, v1.InstallationList{Items: []v1.Installation{in}})
		case "/api/v1/installations/" + one + "/history":
			web.JSON(rw, 200, v1.History{})
		default:
			if in.ID = strings.TrimPrefix(r.URL.Path, "/api/v1/installations/"); !caller.Sees(in.ID) {
				web.Problem(rw, v1.NotFound("There is no such installation."))
				return
			}
			web.JSON(rw, 200, in)
		}
	})
	w := newEnv(t)
	w.tokens.others = map[string]v1.Identity{}
	var err error
	w.handler, err = New(Config{API: api, Tokens: &w.tokens, Sessions: w.sessions, Key: token, Auditor: &w.tokens, Attempts: web.NewAttempts(), Log: nopLog(), Now: func() time.Time { return w.clock }})
	if err != nil {
		t.Fatal(err)
	}
	cookies := map[string]*http.Cookie{}
	for _, who := range everybody {
		w.tokens.others[who.ID] = who
		cookies[who.ID] = w.cookieOf(session.Session{Who: who})
	}
	w.as(v1.Identity{})
	for _, path := range []string{"/", "/installations/" + one} {
		for _, before := range everybody {
			for _, who := range everybody {
				w.clock = w.clock.Add(2 * liveFor)
				w.poll(cookies[before.ID], path, "")
				n := made.Load()
				a := w.poll(cookies[who.ID], path, "")
				switch {
				case path != "/" && !who.Sees(one):
					if a.StatusCode != 404 || a.html != "" {
						t.Errorf("%s: %s after %s: got %d %s", path, who.Name, before.Name, a.StatusCode, a.html)
					}
					continue
				case a.StatusCode != 200 || !strings.Contains(a.html, rights(who)) || strings.Count(a.html, "RIGHTS") != strings.Count(a.html, rights(who)):
					t.Errorf("%s: %s after %s: got %d %s", path, who.Name, before.Name, a.StatusCode, a.html)
				case strings.Contains(a.html, "NAME-"):
					t.Errorf("%s: %s after %s: somebody is named: %s", path, who.Name, before.Name, a.html)
				}
				if shared := made.Load() == n; shared != (rights(before) == rights(who)) {
					t.Errorf("%s: %s after %s: the view is shared: %v", path, who.Name, before.Name, shared)
				}
			}
		}
	}
}

// TestEveryLivePageIsMadeForNobody: no page's live part needs more of who looks than what it may see.
func TestEveryLivePageIsMadeForNobody(t *testing.T) {
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+recordsAt, v1.Page[v1.Record]{})
	w.answer("GET "+recordsAt+"/counts", v1.RecordCounts{})
	at := "/installations/" + one
	w.answer("GET "+at+"/activity", json.RawMessage(`{"items":[]}`))
	w.answer("GET "+at+"/jobs", json.RawMessage(`{"items":[]}`))
	w.answer("GET "+at+"/jobs/j1", v1.Job{ID: "j1", State: v1.JobDone, Type: "resync"})
	for _, path := range []string{"/", at, at + "/welcome", at + "/activity", at + "/records", companyAt, at + "/replay", at + "/jobs/j1"} {
		a := w.poll(w.cookie(), path, "")
		if a.StatusCode != 200 || !strings.Contains(a.html, "data-part") {
			t.Errorf("%s: got %d %s", path, a.StatusCode, a.html)
		}
	}
}

func TestALookThatNobodyWaitsForIsMadeForTheOthers(t *testing.T) {
	w := newEnv(t)
	hangs, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.handler = w.handlerBefore(func(r *http.Request) {
		if r.URL.Path == "/api/v1/installations" {
			once.Do(func() { close(hangs); <-goOn })
		}
	})
	cookie := w.cookie()
	ctx, leave := context.WithCancel(t.Context())
	ask := func(ctx context.Context) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.Header.Set("Accept", liveType)
		r.AddCookie(cookie)
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		return rec
	}
	var first, second sync.WaitGroup
	first.Go(func() { ask(ctx) })
	<-hangs
	var got *httptest.ResponseRecorder
	second.Go(func() { got = ask(t.Context()) })
	leave()
	close(goOn)
	first.Wait()
	second.Wait()
	if got.Code != 200 || !strings.Contains(got.Body.String(), "Acme MSP") {
		t.Errorf("the one who waited got %d %s", got.Code, got.Body)
	}
}

// TestAnAnswerNamesWhatItsPageIsMadeOf, as the page does: one that is of another build has it loaded anew.
func TestAnAnswerNamesWhatItsPageIsMadeOf(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	first := w.poll(w.cookie(), at, "")
	build := w.get(at).doc.Find("main").AttrOr("data-build", "")
	if got := first.Header.Get(buildHeader); build == "" || got != build {
		t.Errorf("the page is made of %q, its parts of %q", build, got)
	}
	if same := w.poll(w.cookie(), at, first.Header.Get("ETag")); same.StatusCode != http.StatusNotModified || same.Header.Get(buildHeader) != build {
		t.Errorf("nothing new: %d of %q", same.StatusCode, same.Header.Get(buildHeader))
	}
	files := fstest.MapFS{"pages/a.html": {Data: []byte("a")}}
	one, err := buildOf(files)
	harness.OK(t, err)
	files["pages/b.html"] = &fstest.MapFile{Data: []byte("b")}
	other, err := buildOf(files)
	harness.OK(t, err)
	if one == other || len(one) != len(build) {
		t.Errorf("another page makes %q of %q", other, one)
	}
}
