package browser

import (
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestSettings changes what can be changed of an installation.
func TestSettings(t *testing.T) {
	t.Parallel()
	w, id, in, p := begin(t)

	t.Run("the name", func(t *testing.T) {
		p := p.For(t)
		p.Open(at(in, "/settings"))
		p.Fill("Name of the installation", "Harbor Point IT")
		p.Press("Change the name")
		p.See("The name is changed.", "Harbor Point IT")
	})
	t.Run("wrong credentials change nothing and are not repeated", func(t *testing.T) {
		p := p.For(t)
		p.Open(at(in, "/settings"))
		form := p.In("Autotask credentials")
		form.Fill("Username (key)", service.Username)
		form.Fill("Password (secret)", "not-The-Secret-99")
		form.Fill("API tracking identifier", service.TrackingID)
		form.Press("Try and change")
		if p.Status() != 422 {
			t.Errorf("status %d, want 422", p.Status())
		}
		if got := form.Value("Username (key)"); got != service.Username {
			t.Errorf("the user name that was entered is gone: %q", got)
		}
		neverSays(t, p, "not-The-Secret-99", service.TrackingID)
		if _, name := p.Focus(); name == "" && !chrome.Eval[bool](p, `document.activeElement.id === "problem"`) {
			t.Error("the focus is not on what is wrong")
		}
	})
	t.Run("new credentials", func(t *testing.T) {
		p := p.For(t)
		w.Autotask.SetSecret("a-New-Secret-22")
		w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Dental Group"})
		w.Until(in.ID, "refused", soon, func(in v1.Installation) bool { return in.State == v1.StateNeedsCredentials })
		p.Open(at(in, ""))
		p.See("Action required")
		p.Follow("Enter new ones")
		form := p.In("Autotask credentials")
		form.Fill("Username (key)", service.Username)
		form.Fill("Password (secret)", "a-New-Secret-22")
		form.Fill("API tracking identifier", service.TrackingID)
		form.Press("Try and change")
		p.See("Autotask accepts the new credentials.")
		neverSays(t, p, "a-New-Secret-22", service.TrackingID)
		w.ClientBecomes(id, "what waited", soon, service.Named("Northwind Dental Group"))
	})
	t.Run("the connection", func(t *testing.T) {
		p := p.For(t)
		p.Open(at(in, "/settings"))
		form := p.In("Connection to Channel Program")
		form.Fill("Connection id", service.Connection)
		form.Fill("Connection token", "a-token-of-nobody")
		form.Press("Try and change")
		neverSays(t, p, "a-token-of-nobody")
		if p.Status() != 422 {
			t.Errorf("status %d, want 422", p.Status())
		}
		form.Fill("Connection token", service.Token)
		form.Press("Try and change")
		p.See("Channel Program accepts the connection.")
	})
	t.Run("a test of everything", func(t *testing.T) {
		p := p.For(t)
		p.Press("Test now")
		p.See("Log-in at Autotask", "Channel Program")
	})
	t.Run("options show what they would change first", func(t *testing.T) {
		p := p.For(t)
		p.Open(at(in, "/settings"))
		p.Click("Filters: contract types, categories, classifications, companies")
		p.Fill("Never these companies", service.Text(id))
		p.Press("Show what would change")
		p.See("What the new options would change", "Would leave", "Northwind Dental Group")
		p.Follow("Keep them as they are")
		if got, err := w.Admin.Installation(t.Context(), in.ID); err != nil || len(got.Options.Exclude) > 0 {
			t.Errorf("looking changed the options: %v, %v", got.Options, err)
		}
		p.Click("Filters: contract types, categories, classifications, companies")
		p.Fill("Never these companies", service.Text(id))
		p.Press("Show what would change")
		p.Press("Change the options")
		w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeNotMet })
	})
	t.Run("a bridge is shown once", func(t *testing.T) {
		p := p.For(t)
		p.Open(at(in, "/settings"))
		p.Press("Make a bridge")
		p.See("Copy these now.")
		secret := chrome.Eval[string](p, `document.getElementById("bridge-secret").textContent`)
		p.Open(at(in, "/settings"))
		neverSays(t, p, secret)
	})
}

// neverSays wants none of the texts anywhere in the page's source.
func neverSays(t *testing.T, p *chrome.Page, secrets ...string) {
	t.Helper()
	html := chrome.Eval[string](p, `document.documentElement.outerHTML`)
	for _, secret := range secrets {
		if secret == "" || strings.Contains(html, secret) {
			t.Errorf("the page at %s has the secret %q in it", p.Path(), secret)
		}
	}
}
