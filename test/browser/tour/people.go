package tour

import (
	"strings"
	"testing"

	"channelsync/test/browser/chrome"
	"channelsync/test/harness/issuer"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// Organisation is a service whose people log in at an issuer.
func Organisation(t testing.TB) (*service.Harness, *issuer.Issuer) {
	t.Helper()
	w, at := organisation(t, "")
	at.Redirect(w.AdminURL + "/login/oidc/callback")
	return w, at
}

// OrganisationBelow is Organisation below a path of another site, by a proxy that passes the path on; base is where people
// open the console.
func OrganisationBelow(t testing.TB) (w *service.Harness, at *issuer.Issuer, base string) {
	t.Helper()
	site := service.NewSite(t, below, false)
	w, at = organisation(t, site.URL)
	site.Leads(w)
	at.Redirect(site.URL + "/login/oidc/callback")
	return w, at, site.URL
}

func organisation(t testing.TB, adminURL string) (*service.Harness, *issuer.Issuer) {
	t.Helper()
	at := issuer.Start(t,
		issuer.Person{Name: "ann", Email: "ann@msp.example", Groups: []string{"staff", "finance"}},
		issuer.Person{Name: "bob", Email: "bob@msp.example", Groups: []string{"ops"}},
		issuer.Person{Name: "eve", Email: "eve@msp.example", Groups: []string{"staff"}},
	)
	w := service.New(t, service.Options{
		Autotask: atsim.Config{Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1}},
		Settings: map[string]string{
			"coalesce-window": "20ms", "oidc-issuer": at.URL, "oidc-client-id": issuer.ClientID, "oidc-client-secret": issuer.ClientSecret,
			"oidc-roles": "finance=viewer,ops=operator", "admin-url": adminURL,
		},
	})
	return w, at
}

// SignIn logs in as a person does: at the issuer, which leads back to the page that was asked for.
func SignIn(p *chrome.Page, at *issuer.Issuer, name, page string) {
	p.T.Helper()
	p.Open(page)
	p.At("/login")
	p.Follow("Log in with " + strings.TrimPrefix(at.URL, "http://"))
	p.See("The organisation")
	p.Fill("User name", name)
	p.Fill("Password", issuer.Password)
	p.Press("Sign in")
}

// withoutRole is somebody of the organisation to whom it gives no role here.
func (t *tour) withoutRole() {
	if t.tenant.People == nil {
		return
	}
	SignIn(t.p, t.tenant.People, "eve", "/")
	t.p.See("gives a role here")
	t.stop("login-without-a-role")
}

// tokens are made for programs, and their secrets shown once.
func (t *tour) tokens() {
	t.p.Open("/sessions")
	t.p.See("(this session)")
	t.stop("sessions")
	t.p.Open("/tokens")
	t.p.See("There is no token except")
	t.stop("tokens-empty")
	t.unchecked()
	t.p.Press("Make the token")
	t.stop("tokens-refused")
	name := strings.Repeat("nightly", 14)
	t.p.Fill("Name", name)
	t.p.Click("Operator: also stops, starts, tests, syncs and tries again")
	t.p.Click(t.in.Name)
	t.p.Press("Make the token")
	t.p.See("Copy it now.")
	t.stop("tokens-made")
	t.p.Press("New secret for " + name)
	t.p.See("The new secret of")
	t.stop("tokens-new-secret")
	t.p.Follow("Delete… " + name)
	t.stop("token-delete")
	t.p.Press("Delete")
	t.p.See("is deleted.")
}

// leave ends the session of the tour.
func (t *tour) leave() {
	t.p.Open("/sessions")
	t.p.Press("End the session of root from 127.0.0.1, this one")
	t.p.At("/login")
}
