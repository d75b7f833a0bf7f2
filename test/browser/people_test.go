package browser

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
)

// loggedOutWithin is how soon a session that is ended elsewhere is logged out.
const loggedOutWithin = 5 * time.Second

// TestPeopleLogInWithTheirOrganisation: two people with their roles, and one without.
func TestPeopleLogInWithTheirOrganisation(t *testing.T) {
	t.Parallel()
	w, org := tour.Organisation(t)
	id := w.Company("Northwind Dental")
	in := w.Install()
	w.Quiesce(in.ID)

	ann := tab(t, w, chrome.Options{})
	tour.SignIn(ann, org, "ann", at(in, ""))
	ann.At(at(in, ""))
	ann.See("In sync.", "ann@msp.example viewer")
	for _, page := range []string{at(in, ""), at(in, "/settings"), at(in, "/replay"), at(in, "/records/company/"+strconv.FormatInt(id, 10)), "/", "/audit"} {
		ann.Open(page)
		for _, name := range []string{"Stop both syncs", "Stop Active Customers", "Sync now", "Try it out", "Install Autotask", "Test now"} {
			if ann.Has("button", name) || ann.Has("link", name) {
				t.Errorf("a viewer is shown %q on %s", name, page)
			}
		}
	}
	// What she is not shown is refused all the same, for want of the role.
	ann.Open("/")
	chrome.Eval[int](ann, `(() => { const f = document.createElement("form"); f.method = "post"; f.action = "`+at(in, "/stop")+`"; document.body.append(f); f.submit(); return 0 })()`)
	ann.See("takes the role operator")
	if ann.Status() != 403 {
		t.Errorf("a viewer stops: %d, want 403", ann.Status())
	}

	bob := tab(t, w, chrome.Options{})
	tour.SignIn(bob, org, "bob", at(in, "/settings"))
	bob.At(at(in, "/settings"))
	bob.See("bob@msp.example operator")
	if bob.Has("button", "Change the name") || bob.Has("link", "Tokens") {
		t.Error("an operator is shown what takes an admin")
	}
	bob.Press("Stop both syncs")
	bob.See("The installation is stopped.")
	bob.Press("Start")
	w.Until(in.ID, "runs again", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })

	eve := tab(t, w, chrome.Options{})
	tour.SignIn(eve, org, "eve", "/")
	eve.See("You are known to", "eve@msp.example", "gives a role here")
	eve.Open("/")
	eve.At("/login")
}

// TestAnOperatorLogsSomebodyOut: a page that is open elsewhere is at the log-in within 5 s.
func TestAnOperatorLogsSomebodyOut(t *testing.T) {
	t.Parallel()
	w, org := tour.Organisation(t)
	in := w.Install()
	w.Quiesce(in.ID)
	ann, bob := tab(t, w, chrome.Options{}), tab(t, w, chrome.Options{})
	tour.SignIn(ann, org, "ann", at(in, ""))
	ann.At(at(in, ""))
	ann.See("In sync.")
	tour.SignIn(bob, org, "bob", "/sessions")
	bob.At("/sessions")
	bob.See("ann@msp.example", "(this session)")
	bob.Press("End the session of oidc:ann@msp.example from 127.0.0.1")
	ended := time.Now()
	ann.At("/login") // without anybody touching it
	if took := time.Since(ended); took > loggedOutWithin {
		t.Errorf("logged out after %s, want %s at most", took, loggedOutWithin)
	}
	bob.See("The session of oidc:ann@msp.example has ended.")
	ann.Open(at(in, ""))
	ann.At("/login")
	bob.Press("End the session of oidc:bob@msp.example from 127.0.0.1, this one")
	bob.At("/login")
}

// TestTokensInTheBrowser makes, renews and deletes a token, and logs in with it.
func TestTokensInTheBrowser(t *testing.T) {
	t.Parallel()
	w, org := tour.Organisation(t)
	in := w.Install()
	p := tab(t, w, chrome.Options{})
	p.Open("/login")
	org.Down(true)
	p.Open("/login")
	logIn(p)
	p.Follow("Tokens")
	p.See("There is no token except")
	p.Fill("Name", "nightly job")
	p.Click("Operator: also stops, starts, tests, syncs and tries again")
	p.Press("Make the token")
	p.See("Copy it now.")
	made := chrome.Eval[string](p, `document.getElementById("token-text").textContent`)
	other := tab(t, w, chrome.Options{})
	other.Open(at(in, "/settings"))
	other.Fill("Access token", made)
	other.Press("Log in")
	other.At(at(in, "/settings"))
	other.See("nightly job operator")
	p.Open("/tokens")
	p.SeeNot(made)
	p.Press("New secret for nightly job")
	p.See("The new secret of nightly job")
	p.Follow("Delete… nightly job")
	p.Press("Delete")
	p.See("The token nightly job is deleted.")
	other.Open(at(in, "/settings"))
	other.At("/login")
	for _, c := range p.Cookies() {
		if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || !strings.HasPrefix(c.Name, "channelsync_") || !strings.HasSuffix(c.Name, w.AdminURL[strings.LastIndex(w.AdminURL, ":")+1:]) {
			t.Errorf("a cookie is %+v", c)
		}
	}
}
