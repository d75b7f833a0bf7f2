package browser

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// liveType is what a page that is open asks for.
const liveType = "text/vnd.channelsync.live+html"

// front is a proxy before the console, over HTTP/1.1, that counts connections and can answer as
// one whose service is down.
type front struct {
	*httptest.Server
	down     atomic.Bool  // it answers 502
	portal   atomic.Bool  // it sends everybody elsewhere
	gone     atomic.Bool  // it cuts connections, as a network does that is gone
	build    atomic.Value // a string: what parts are said to be made of, instead of what they are; empty: nothing is changed
	under    atomic.Int64 // requests under way
	answered atomic.Int64 // of pages that are open, that were answered
	loaded   atomic.Int64 // whole pages of installations

	mu   sync.Mutex
	open map[net.Conn]bool
}

func before(w *service.Harness) *front {
	w.T.Helper()
	f := &front{open: map[net.Conn]bool{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			to, err := url.Parse(w.AdminURL) // it may be another one after a restart
			if err != nil {
				panic(err)
			}
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if build, _ := f.build.Load().(string); build != "" && r.Header.Get("Service-Build") != "" {
				r.Header.Set("Service-Build", build)
			}
			return nil
		},
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		f.under.Add(1)
		defer f.under.Add(-1)
		if f.down.Load() {
			http.Error(rw, "502 Bad Gateway", http.StatusBadGateway)
			return
		}
		if f.portal.Load() {
			http.Redirect(rw, r, "/portal", http.StatusFound)
			return
		}
		if f.gone.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(rw, r)
		if r.Header.Get("Accept") == liveType {
			f.answered.Add(1)
		} else if strings.HasPrefix(r.URL.Path, "/installations/") {
			f.loaded.Add(1)
		}
	}))
	f.Config.ConnState = func(c net.Conn, state http.ConnState) {
		f.mu.Lock()
		defer f.mu.Unlock()
		switch state {
		case http.StateNew:
			f.open[c] = true
		case http.StateClosed, http.StateHijacked:
			delete(f.open, c)
		}
	}
	f.Start()
	w.T.Cleanup(f.Close)
	return f
}

// behindFront starts a service with an installation behind a front, and logs in there.
func behindFront(t *testing.T) (*service.Harness, string, *front, *chrome.Page) {
	t.Helper()
	w := tour.Start(t)
	w.Company("Northwind Dental")
	in := w.Install()
	w.Quiesce(in.ID)
	f := before(w)
	p := tab(t, w, chrome.Options{})
	p = p.Based(f.URL)
	logIn(p)
	return w, in.ID, f, p
}

func act(t *testing.T, w *service.Harness, id, action string) {
	t.Helper()
	if err := w.Admin.Act(t.Context(), id, "", action); err != nil {
		t.Fatal(err)
	}
}

// connectionsOfBrowser is how many connections a browser keeps to a host over HTTP/1.1.
const connectionsOfBrowser = 6

// TestTwentyTabsAreAliveOverHTTP1, of different pages, on the few connections that a browser
// keeps, none of which any of them holds.
func TestTwentyTabsAreAliveOverHTTP1(t *testing.T) {
	t.Parallel()
	w, id, f, p := behindFront(t)
	tabs := []*chrome.Page{p}
	for range 19 {
		tabs = append(tabs, p.Tab(chrome.Options{Base: f.URL}))
	}
	pages := []string{"/", "/installations/" + id}
	for i, one := range tabs {
		one.Open(pages[i%len(pages)])
		one.See("In sync.")
	}
	act(t, w, id, "stop")
	for _, one := range tabs {
		one.See("Nothing is pushed.")
	}
	act(t, w, id, "start")
	for _, one := range tabs {
		one.See("In sync.")
		one.SeeNot("Not up to date")
	}
	harness.Eventually(t, "no more connections than a browser keeps", soon, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if n := len(f.open); n > connectionsOfBrowser {
			return fmt.Errorf("20 tabs have %d connections open", n)
		}
		return nil
	})
	harness.Eventually(t, "no connection is held", soon, func() error {
		if n := f.under.Load(); n > 0 {
			return fmt.Errorf("%d requests are under way", n)
		}
		return nil
	})
	tabs[1].Press("Log out")
	for _, one := range tabs {
		one.At("/login") // without anybody touching it
	}
}

// TestAPageSaysThatItIsBehindAndComesBack: after a proxy that answers for a service that is down,
// a restart, and a network that is gone, as after sleep. It is the same page all the time.
func TestAPageSaysThatItIsBehindAndComesBack(t *testing.T) {
	t.Parallel()
	w, id, f, p := behindFront(t)
	p.Open("/installations/" + id)
	p.See("In sync.")
	chrome.Eval[int](p, `window.kept = 7`)
	const behind = "Not up to date since "
	current := func(what string) {
		t.Helper()
		p.See(what)
		harness.Eventually(t, "the notice to be gone", soon, func() error {
			if chrome.Eval[string](p, `document.getElementById("behind").textContent`) != "" {
				return errors.New("it is there")
			}
			return nil
		})
		if got := chrome.Eval[int](p, `window.kept || 0`); got != 7 {
			t.Fatal("the page was loaded anew")
		}
	}
	p.SeeNot(behind)

	f.down.Store(true)
	act(t, w, id, "stop")
	p.See(behind, "; trying again…")
	p.SeeNot("Nothing is pushed.")
	everythingHolds(t, "behind", p)
	f.down.Store(false)
	current("Nothing is pushed.")

	w.Stop()
	p.See(behind)
	w.Start()
	current("Nothing is pushed.")
	act(t, w, id, "start")
	current("In sync.")

	f.gone.Store(true)
	p.See(behind)
	act(t, w, id, "stop")
	f.gone.Store(false)
	current("Nothing is pushed.")
	p.Complaints() // the browser names each answer that failed, as it should
}

// TestAPageGoesOnWhateverHasTheFocus: the focus on a link or something unfolded holds nothing back, and both stay as they
// were. What somebody has ticked or selected does, the page says so, and shows what is newer once they are done.
func TestAPageGoesOnWhateverHasTheFocus(t *testing.T) {
	t.Parallel()
	w, id, _, p := behindFront(t)
	p.Open("/")
	p.See("In sync.")
	// Something to unfold and something to tick, in what is answered from now on.
	chrome.Eval[int](p, `(window.fetch = (ask => async (...how) => {
		const answer = await ask(...how);
		if (!answer.ok) return answer;
		const html = (await answer.text()).replace("</section>", "<details><summary>More</summary>unfolded</details><label><input type=checkbox> Mine</label></section>");
		return new Response(html, { headers: answer.headers });
	})(window.fetch), document.querySelector("#list li .button").focus(), 0)`)
	focused := func(what string) {
		t.Helper()
		if got, want := chrome.Eval[string](p, `document.activeElement.className + " " + document.activeElement.getAttribute("href")`), "button /installations/"+id; got != want {
			t.Errorf("%s, the focus is on %q, want it on %q", what, got, want)
		}
	}
	focused("at first")
	act(t, w, id, "stop")
	p.See("Nothing is pushed.")
	focused("after it was stopped")

	chrome.Eval[int](p, `(document.querySelector("#list details").open = true, 0)`)
	act(t, w, id, "start")
	p.See("In sync.", "unfolded")
	focused("after it was started")

	const newer = "Something has changed since "
	p.SeeNot(newer)
	p.Click("Mine")
	act(t, w, id, "stop")
	p.See(newer, "once you are done", "In sync.")
	everythingHolds(t, "held back", p)
	p.Click("Mine")
	p.See("Nothing is pushed.")
	p.SeeNot(newer)

	chrome.Eval[int](p, `(document.getSelection().selectAllChildren(document.querySelector("#list h3")), 0)`)
	act(t, w, id, "start")
	p.See(newer, "Nothing is pushed.")
	chrome.Eval[int](p, `(document.getSelection().removeAllRanges(), 0)`)
	p.See("In sync.")
	p.SeeNot(newer)
}

// TestARedirectThatIsNotOursLeadsNobodyAway: a proxy or a hotel's network that sends everybody elsewhere is an answer
// that failed. Whoever is signed out is still led to the log-in.
func TestARedirectThatIsNotOursLeadsNobodyAway(t *testing.T) {
	t.Parallel()
	w, id, f, p := behindFront(t)
	p.Open("/installations/" + id)
	p.See("In sync.")
	f.portal.Store(true)
	p.See("Not up to date since ")
	p.At("/installations/" + id)
	act(t, w, id, "stop")
	f.portal.Store(false)
	p.See("Nothing is pushed.")
	p.SeeNot("Not up to date")
	other := p.Tab(chrome.Options{Base: f.URL})
	other.Open("/")
	other.Press("Log out")
	p.At("/login")
	p.Complaints()
}

// TestAPageOfAnotherVersionIsLoadedAnewOnce: it may lack parts that the service has now. While somebody is working in it, or
// the page that comes is still of the other version, as during an upgrade of several instances, it says so instead.
func TestAPageOfAnotherVersionIsLoadedAnewOnce(t *testing.T) {
	t.Parallel()
	w, id, f, p := behindFront(t)
	p.Open("/installations/" + id + "/activity")
	p.See("The latest outcomes")
	const newer = "There is a new version of this console."
	p.SeeNot(newer)
	p.Fill("Name or id", "half a wo")
	opened := f.loaded.Load()
	f.build.Store("another")
	p.See(newer)
	if f.loaded.Load() != opened || p.Value("Name or id") != "half a wo" {
		t.Error("the page was loaded anew while somebody was working in it")
	}
	everythingHolds(t, "of another version", p)
	chrome.Eval[int](p, `(document.getElementById("q").value = "", 0)`)
	harness.Eventually(t, "the page to be loaded anew", soon, func() error {
		if f.loaded.Load() == opened {
			return errors.New("it is the same")
		}
		return nil
	})
	p.See(newer) // the front still tells of another

	p.Open("/installations/" + id)
	p.See("In sync.", newer)
	opened = f.loaded.Load()
	act(t, w, id, "stop")
	p.See("Nothing is pushed.") // it is live all the same
	act(t, w, id, "start")
	p.See("In sync.")
	if f.loaded.Load() != opened {
		t.Error("the page was loaded anew again and again")
	}
	f.build.Store("")
	p.Open("/installations/" + id)
	p.See("In sync.")
	p.SeeNot(newer)
}
