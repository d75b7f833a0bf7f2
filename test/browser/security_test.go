package browser

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness/service"
)

// TestNamesAreText walks a tenant in which everything that can be named is named
// to break pages. A dialog, a script error or a breach of the policy fails it.
func TestNamesAreText(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	tenant := tour.Hostile(w)
	p := tab(t, w, chrome.Options{Width: least})
	shown := map[string]bool{}
	tour.Walk(w, p, tenant, func(stop string, p *chrome.Page) {
		if n := chrome.Eval[int](p, `document.querySelectorAll("img[src=x], [onerror], [onmouseover], [onclick], script:not([src]), a[href^='javascript:' i]").length`); n > 0 {
			t.Errorf("%s: a name became %d elements of the page", stop, n)
		}
		chrome.Eval[int](p, holds+"; 0")
		said(t, stop+" on a phone", p, `holds.width()`)
		p.Resize(desk)
		said(t, stop+" on a desk, with twice the text", p, `holds.largeText()`)
		p.Resize(least)
		text := p.Text()
		for _, name := range []string{tour.Script, tour.Image, tour.Braces, tour.Address} {
			if strings.Contains(text, name) {
				shown[stop+" "+name] = true
			}
		}
		if strings.Contains(text, "49") && stop == "record" && !strings.Contains(text, tour.Braces) {
			t.Errorf("%s: a name was worked out", stop)
		}
	})
	for _, want := range []string{
		"integrations " + tour.Script, "overview " + tour.Image, "records " + tour.Script, "record " + tour.Braces, "record " + tour.Address,
		"activity " + tour.Script, "record-contract " + tour.Image, "erase " + tour.Script, "audit " + tour.Script,
	} {
		if !shown[want] {
			t.Errorf("not to be seen as it is: %s", want)
		}
	}
}

// TestOtherSites has a page of another site do what it can with a browser that is
// logged in at the console.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	w.Company("Northwind Dental")
	in := w.Install()
	w.Quiesce(in.ID)
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path != "/" {
			http.NotFound(rw, r)
			return
		}
		stop := html.EscapeString(w.AdminURL + at(in, "/stop"))
		fmt.Fprintf(rw, `<!doctype html><title>A game</title><link rel="icon" href="data:,"><form method="post" action="%s"><button>Play</button></form><iframe title="frame" src="%s"></iframe>`,
			stop, html.EscapeString(w.AdminURL+at(in, "")))
	}))
	defer site.Close()
	// Cookies know no ports: from 127.0.0.1 the browser sends the session along, from localhost it does not.
	for name, url := range map[string]string{
		"a neighbour on the same host": site.URL + "/",
		"a stranger":                   strings.Replace(site.URL, "127.0.0.1", "localhost", 1) + "/",
	} {
		t.Run(name, func(t *testing.T) {
			p := tab(t, w, chrome.Options{})
			logIn(p)
			p.Open(url)
			framed := strings.Join(p.Complaints(), " ")
			if !strings.Contains(framed, "frame") {
				t.Errorf("the console can be framed; the browser says %q", framed)
			}
			for _, ask := range []string{
				`fetch(%q, {method: "POST", credentials: "include", mode: "no-cors"}).then(() => "sent", (e) => "refused " + e)`,
				`fetch(%q, {method: "POST", credentials: "include"}).then((r) => "read " + r.status, (e) => "refused " + e)`,
			} {
				if got := chrome.Eval[string](p, fmt.Sprintf(ask, w.AdminURL+at(in, "/stop"))); strings.HasPrefix(got, "read") {
					t.Errorf("another site reads an answer of the console: %s", got)
				}
			}
			if got := chrome.Eval[string](p, fmt.Sprintf(
				`fetch(%q, {credentials: "include"}).then((r) => r.text(), (e) => "refused")`, w.AdminURL+at(in, ""))); got != "refused" {
				t.Errorf("another site reads a page of the console: %.80s", got)
			}
			p.Press("Play")
			if p.Status() != http.StatusForbidden {
				t.Errorf("a form of another site: status %d, want 403", p.Status())
			}
			p.See("This form was sent from another site, so nothing was changed.")
			p.Complaints() // the browser names each refusal, as it should
			everythingHolds(t, "refused-other-site", p)
			if got := state(t, w, in.ID); got != v1.StateLive {
				t.Fatalf("another site made the installation %s", got)
			}
			p.Open(at(in, "/settings"))
			p.Press("Stop both syncs") // the same from the console itself
			p.See("The installation is stopped.")
			p.Press("Start")
		})
	}
}

// TestCookies looks at what the browser was given to keep.
func TestCookies(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	in := w.Install()
	p := tab(t, w, chrome.Options{})
	logIn(p)
	p.Open(at(in, "/settings"))
	for range 2 { // the second page takes what the first was given
		cookies := p.Cookies()
		if len(cookies) == 0 {
			t.Fatal("there is no cookie")
		}
		for _, c := range cookies {
			if !c.HTTPOnly || c.SameSite != "Lax" || c.Path != "/" || c.Domain != "127.0.0.1" {
				t.Errorf("cookie %s: HttpOnly %v, SameSite %q, path %s, domain %s", c.Name, c.HTTPOnly, c.SameSite, c.Path, c.Domain)
			}
			if strings.Contains(c.Value, service.AdminToken) {
				t.Errorf("cookie %s has the token in it", c.Name)
			}
		}
		p.Press("Check and repair")
	}
	if got := chrome.Eval[string](p, "document.cookie"); got != "" {
		t.Errorf("a script reads the cookies %q", got)
	}
	if got := chrome.Eval[int](p, "localStorage.length + sessionStorage.length"); got != 0 {
		t.Errorf("%d things are kept in the browser", got)
	}
}

func state(t *testing.T, w *service.Harness, id string) v1.State {
	t.Helper()
	in, err := w.Admin.Installation(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return in.State
}

// TestALinkFromAMailKeepsPeopleLoggedIn: who comes by a link of another site is not sent to the log-in.
func TestALinkFromAMailKeepsPeopleLoggedIn(t *testing.T) {
	t.Parallel()
	w, _, in, p := begin(t)
	mail := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(rw, `<!doctype html><title>A mail</title><link rel="icon" href="data:,"><a href="%s">Show it</a>`, html.EscapeString(w.AdminURL+at(in, "")))
	}))
	defer mail.Close()
	p.Open(strings.Replace(mail.URL, "127.0.0.1", "localhost", 1) + "/") // another site for the browser
	p.Follow("Show it")
	p.At(at(in, ""))
	p.See("In sync.")
}
