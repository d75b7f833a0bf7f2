package browser

import (
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness/service"
)

// TestWizard installs from nothing to a finished first sync.
func TestWizard(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	tour.Realistic(w, 12)
	p := tab(t, w, chrome.Options{})
	logIn(p)
	p.Follow("Install Autotask")

	p.Fill("Name of this installation", "Harbor Point IT")
	p.Fill("Username (key)", service.Username)
	p.Fill("Password (secret)", "not-The-Secret-99")
	p.Fill("API tracking identifier", service.TrackingID)
	p.Fill("Connection id", service.Connection)
	p.Fill("Connection token", service.Token)
	p.Press("Check the connections")
	if p.Status() != 422 {
		t.Errorf("status %d, want 422", p.Status())
	}
	p.See("Password (secret): Copy it again.")
	neverSays(t, p, "not-The-Secret-99", service.TrackingID, service.Token)
	if got := p.Value("Username (key)"); got != service.Username {
		t.Errorf("the user name that was entered is gone: %q", got)
	}
	nothingInstalled(t, w)

	p.Fill("Password (secret)", service.Secret) // the other secrets are kept
	p.Press("Check the connections")
	p.See("Check and preview", "Log-in at Autotask", "will sync,", "Company type is not Customer")
	neverSays(t, p, service.Secret, service.TrackingID, service.Token)
	nothingInstalled(t, w)
	if n := len(w.Target.Clients(service.Connection)); n > 0 {
		t.Errorf("a preview sent %d clients", n)
	}

	p.Press("Change what was entered")
	if got := p.Value("Name of this installation"); got != "Harbor Point IT" {
		t.Errorf("the name that was entered is gone: %q", got)
	}
	p.Press("Check the connections")
	p.See("will sync,") // what is below has its place now
	p.Press("Start the first sync")
	p.See("in Channel Program. ") // by itself
	finished(t, w)
	p.Follow("Go to the overview")
	p.See("Harbor Point IT", "Active Customers")
}

// TestWizardNamesWhatIsMissing sends the form with nothing in it, as a browser does
// that checks no fields.
func TestWizardNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	p := tab(t, w, chrome.Options{})
	logIn(p)
	p.Open("/install")
	chrome.Eval[int](p, `document.querySelectorAll("main form").forEach((f) => { f.noValidate = true; }); 0`)
	p.Press("Check the connections")
	p.See("Something is missing or cannot be used.", "Username (key): Enter it.", "Connection token: Enter it.")
	p.Click("Username (key)") // the link in the summary
	if _, name := p.Focus(); name != "Username (key)" {
		t.Errorf("the link leads to %q", name)
	}
	nothingInstalled(t, w)
}

func nothingInstalled(t *testing.T, w *service.Harness) {
	t.Helper()
	if all, err := w.Admin.Installations(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("installations %v, %v, want none", all, err)
	}
}

// finished wants the one installation live and both sides agreed.
func finished(t *testing.T, w *service.Harness) v1.Installation {
	t.Helper()
	all, err := w.Admin.Installations(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("installations %v, %v, want one", all, err)
	}
	in := w.Until(all[0].ID, "live", soon, func(in v1.Installation) bool { return in.State == v1.StateLive && in.Backlog == 0 })
	if n := len(w.Target.Clients(service.Connection)); n == 0 {
		t.Error("there are no clients in Channel Program")
	}
	return in
}
