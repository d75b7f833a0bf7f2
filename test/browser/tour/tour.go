package tour

import (
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// soon is how long anything may take that a user would call immediate; generous,
// since tests share their machine.
const soon = 20 * time.Second

// Visit is called at each stop with the page that was led there. It may resize it
// and change its scheme, and leaves it where it is.
type Visit func(stop string, p *chrome.Page)

// tour is one that is under way.
type tour struct {
	w      *service.Harness
	p      *chrome.Page
	tenant Tenant
	in     v1.Installation
	visit  Visit
}

// Walk leads a page that nobody is logged in at through all stops, in a harness in
// which nothing is installed. At its end the installation is erased.
func Walk(w *service.Harness, p *chrome.Page, tenant Tenant, visit Visit) {
	w.T.Helper()
	t := &tour{w: w, p: p, tenant: tenant, visit: visit}
	t.withoutRole()
	t.logIn()
	t.nothingYet()
	t.install()
	t.tokens()
	t.atWork()
	t.records()
	t.jobs()
	t.settings()
	t.ends()
	t.inTrouble()
	t.stopped()
	t.uninstalled()
	t.leave()
}

// stop is where the page is now.
func (t *tour) stop(name string) {
	t.w.T.Helper()
	t.visit(name, t.p)
}

// open opens a page of the installation, waits for what must be on it, and stops.
func (t *tour) open(name, page string, see ...string) {
	t.w.T.Helper()
	t.p.Open("/installations/" + t.in.ID + page)
	t.p.See(see...)
	t.stop(name)
}

func (t *tour) logIn() {
	t.p.Open("/installations/INST01/settings") // one asks for a page, and is sent to the log-in first
	t.p.At("/login")
	t.stop("login")
	t.p.Fill("Access token", "wrong")
	t.p.Press("Log in")
	t.p.See("This token is not valid.")
	t.stop("login-refused")
	t.p.Open("/login")
	t.p.Fill("Access token", service.AdminToken)
	t.p.Press("Log in")
	t.p.At("/")
}

func (t *tour) nothingYet() {
	t.p.See("Nothing is installed yet")
	t.stop("integrations-empty")
	t.p.Open("/audit")
	t.p.See("Refused") // the log-in before
	t.stop("audit-of-log-ins")
	t.p.Open("/no/such/page")
	t.p.See("This console has no such page.")
	t.stop("not-found")
	t.p.Open("/installations/01JZZZZZZZZZZZZZZZZZZZZZZZ")
	t.p.See("There is nothing here")
	t.stop("no-installation")
}

func (t *tour) install() {
	p := t.p
	p.Open("/install/preview") // the address of a step leads to the first
	p.At("/install")
	t.stop("install")
	t.unchecked()
	p.Press("Check the connections")
	p.See("Something is missing or cannot be used.")
	t.stop("install-missing")
	p.Fill("Name of this installation", t.tenant.Name)
	p.Fill("Username (key)", service.Username)
	p.Fill("Password (secret)", "not-The-Secret-99")
	p.Fill("API tracking identifier", service.TrackingID)
	p.Fill("Connection id", service.Connection)
	p.Fill("Connection token", service.Token)
	p.Press("Check the connections")
	p.See("Copy it again.")
	t.stop("install-refused")
	p.Fill("Password (secret)", service.Secret)
	p.Press("Check the connections")
	p.See("Check and preview", "will sync,") // the preview comes by itself
	t.stop("install-check")
	p.Press("Change what was entered")
	t.stop("install-entered")
	p.Press("Check the connections")
	p.See("will sync,")
	p.Press("Choose what syncs by name")
	p.Fill("Part of the name, or id", "r")
	p.Press("Find")
	p.See("Tick the companies to add")
	t.stop("install-choose")
	p.Press("Check the connections")
	p.See("will sync,")
	p.Press("Start the first sync")
	p.See("Done")
	t.stop("install-done")
	all, err := t.w.Admin.Installations(t.w.T.Context())
	if err != nil || len(all) != 1 {
		t.w.T.Fatalf("after the wizard: installations %v, %v", all, err)
	}
	t.in = all[0]
	t.drain()
}

// unchecked makes the page one in a browser that checks no fields, and sends forms as they are.
func (t *tour) unchecked() {
	chrome.Eval[int](t.p, `document.querySelectorAll("main form").forEach((f) => { f.noValidate = true; }); 0`)
}

// drain waits until nothing is on its way any more.
func (t *tour) drain() {
	t.w.T.Helper()
	t.w.DeliverAll(60 * time.Second)
	t.until("at rest", func(in v1.Installation) bool { return in.Backlog == 0 && len(in.Jobs) == 0 })
}

func (t *tour) until(what string, want func(v1.Installation) bool) {
	t.w.T.Helper()
	t.w.Until(t.in.ID, what, soon, want)
}

func (t *tour) edit(company int64, fields atsim.Row) {
	t.w.T.Helper()
	if err := t.w.Autotask.Edit("Companies", company, fields); err != nil {
		t.w.T.Fatal(err)
	}
}
