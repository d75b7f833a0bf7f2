package tour

import (
	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/harness/service"
)

// WalkAsTenant leads a page that nobody is logged in at through the console of one installation, as its viewer, its
// operator and its admin see it. At its end the installation is erased.
func WalkAsTenant(w *service.Harness, p *chrome.Page, tenant Tenant, visit Visit) {
	w.T.Helper()
	t := &tour{w: w, p: p, tenant: tenant, visit: visit, in: w.Install()}
	t.drain()
	t.asTenant(v1.RoleViewer)
	p.See("In sync", "You can look at everything here.")
	t.hasNo("Stop", "Start", "Install", "Uninstall…")
	t.stop("tenant-viewer")
	p.Follow("Manage Clients")
	p.See("found")
	t.stop("tenant-clients")
	p.Open("/")
	p.Follow("View")
	p.See("Last 24 hours")
	t.stop("tenant-view")

	t.asTenant(v1.RoleOperator)
	t.hasNo("Uninstall…")
	p.Press("Stop")
	p.See("The integration is stopped.", "Changes are kept, and Start delivers them")
	t.stop("tenant-stopped")
	p.Press("Start")
	p.See("The integration is started.")
	t.until("runs again", func(in v1.Installation) bool { return in.State == v1.StateLive })

	t.asTenant(v1.RoleAdmin)
	t.stop("tenant-admin")
	p.Follow("History")
	p.See("Somebody else")
	t.stop("tenant-history")
	t.open("tenant-failed-records", "/dead-letters", "Failed records")
	t.open("tenant-sync-again", "/replay", "Sync again")
	t.open("tenant-edits", "/drift", "Edits in Channel Program")
	t.open("tenant-settings", "/settings", "Channel Program")
	p.Open("/tokens")
	p.See("Ask your Channel Program contact.")
	t.stop("tenant-refused")
	p.Open("/")
	p.Follow("Uninstall…")
	p.See("Uninstall Autotask", "both syncs stop")
	t.stop("tenant-uninstall")
	p.Press("Uninstall")
	p.See("The integration is uninstalled.")
	t.stop("tenant-view-uninstalled")
	p.Open("/")
	p.See("Install brings it back")
	t.stop("tenant-uninstalled")
	p.Press("Install")
	p.See("The integration is installed again with the settings it had.")
	t.until("live again", func(in v1.Installation) bool { return in.State == v1.StateLive })
	t.drain()
	p.Open("/installations/" + t.in.ID + "/erase")
	p.See("Only your Channel Program contact can install it again.")
	t.stop("tenant-erase")
	p.Fill("Type the name of the integration to go on", t.in.Name)
	p.Press("Erase for good")
	p.See("Autotask is not installed here, or was uninstalled and erased.", "Ask your Channel Program contact to install it.")
	t.stop("tenant-gone")
}

// asTenant logs in with a token of a role for the one installation.
func (t *tour) asTenant(role v1.Role) {
	t.w.T.Helper()
	made, err := t.w.Admin.CreateToken(t.w.T.Context(), v1.CreateToken{Name: "our " + string(role), Role: role, Installations: []string{t.in.ID}})
	if err != nil {
		t.w.T.Fatal(err)
	}
	t.p.Open("/login")
	t.p.Fill("Access token", made.Token)
	t.p.Press("Log in")
	t.p.At("/")
	t.p.See("Autotask PSA", "our "+string(role))
}

// hasNo fails where a button is shown that is not for whoever is logged in.
func (t *tour) hasNo(names ...string) {
	t.w.T.Helper()
	for _, name := range names {
		if t.p.Has("button", name) || t.p.Has("link", name) {
			t.w.T.Errorf("%q is shown at %s", name, t.p.Path())
		}
	}
}
