package browser

import (
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
)

// TestEveryPageOfATenant walks the console of one installation, below a path of another site whose proxy strips it.
func TestEveryPageOfATenant(t *testing.T) {
	t.Parallel()
	w, base := tour.StartBelow(t, true)
	tenant := tour.Realistic(w, 5)
	p := tab(t, w, chrome.Options{Base: base})
	stops := 0
	tour.WalkAsTenant(w, p, tenant, func(stop string, p *chrome.Page) {
		stops++
		everythingHolds(t, stop, p)
		for _, word := range []string{"channelsync", "Readiness", "Metrics", "root", "dead letter", "--"} {
			if strings.Contains(p.Text(), word) {
				t.Errorf("%s: a tenant is shown %q", stop, word)
			}
		}
	})
	if stops < 15 {
		t.Errorf("only %d pages were seen", stops)
	}
	for _, c := range p.Cookies() {
		if c.Path != "/integrations/autotask" {
			t.Errorf("a cookie goes to %s", c.Path)
		}
	}
	p.Open("/")
	other := p.Tab(chrome.Options{Base: base})
	other.Open("/")
	other.Press("Log out")
	p.At("/login") // without anybody touching it
}

// TestATenantWithoutScripts on a phone: looks, stops, starts, uninstalls and installs.
func TestATenantWithoutScripts(t *testing.T) {
	t.Parallel()
	w, base := tour.StartBelow(t, false)
	w.Company("Northwind Dental")
	in := w.Install()
	w.Quiesce(in.ID)
	made, err := w.Admin.CreateToken(t.Context(), v1.CreateToken{Name: "acme", Role: v1.RoleAdmin, Installations: []string{in.ID}})
	if err != nil {
		t.Fatal(err)
	}
	p := tab(t, w, chrome.Options{Base: base, NoScript: true, Width: 375})
	p.Open(at(in, "/records"))
	p.At("/login")
	p.Fill("Access token", made.Token)
	p.Press("Log in")
	p.At(at(in, "/records"))
	p.See("Northwind Dental")
	p.Open("/")
	p.Press("Stop")
	p.See("The integration is stopped.")
	p.Press("Start")
	p.See("The integration is started.")
	w.Until(in.ID, "runs again", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
	p.Open("/")
	p.Follow("Uninstall…")
	p.Press("Uninstall")
	p.See("The integration is uninstalled.")
	p.Open("/")
	p.Press("Install")
	p.See("The integration is installed again")
	w.Until(in.ID, "live again", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
	p.Press("Log out")
	p.At("/login")
}
