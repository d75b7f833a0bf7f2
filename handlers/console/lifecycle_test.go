package console

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

func TestLifecycle(t *testing.T) {
	at := "/installations/" + one
	for _, tc := range []struct {
		path   string
		fields url.Values
		asks   string
		to     string
		says   string
	}{
		{at + "/stop", nil, "POST " + at + "/stop", at, "is stopped"},
		{at + "/start", url.Values{"back": {at + "/settings"}}, "POST " + at + "/start", at + "/settings", "is started"},
		{at + "/start", url.Values{"back": {"https://evil.example"}}, "POST " + at + "/start", "/", "is started"},
		{at + "/reinstall", nil, "POST " + at + "/reinstall", at, "is reinstalled"},
		{at + "/syncs/active_customers/stop", nil, "POST " + at + "/syncs/active_customers/stop", at, "Active Customers is stopped"},
		{at + "/syncs/active_customers/install", nil, "POST " + at + "/syncs/active_customers/install", at, "Active Customers is installed"},
		{at + "/uninstall", nil, "POST " + at + "/uninstall", at, "can be reinstalled"},
		{at + "/uninstall", url.Values{"sync": {"active_customers"}}, "POST " + at + "/syncs/active_customers/uninstall", at, "Active Customers is uninstalled"},
		{at + "/erase", url.Values{"name": {"Acme MSP"}}, "POST " + at + "/erase", "/", "erased"},
		{at + "/webhooks/repair", nil, "POST " + at + "/webhooks/repair", at, "being checked"},
		{at + "/webhooks/rotate-secret", nil, "POST " + at + "/webhooks/rotate-secret", at, "new secrets"},
		{at + "/held/approve", nil, "POST " + at + "/held/approve", at, "approved"},
		{at + "/held/discard", nil, "POST " + at + "/held/discard", at, "discarded"},
	} {
		w := newEnv(t)
		w.answer(tc.asks, struct{}{})
		a := w.post(tc.path, tc.fields)
		if a.StatusCode != 303 || a.Header.Get("Location") != tc.to || !strings.Contains(a.flash(t).Text, tc.says) {
			t.Errorf("%s %v: %d to %q, %+v", tc.path, tc.fields, a.StatusCode, a.Header.Get("Location"), a.flash(t))
		}
		if got := w.wrote(); !slices.Equal(got, []string{tc.asks}) {
			t.Errorf("%s: asked %q, want %q", tc.path, got, tc.asks)
		}
	}
}

func TestARefusedButtonSaysWhy(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	w.answer("POST "+at+"/reinstall", v1.NewProblem(409, v1.CodeConflict, "Autotask refused the stored credentials.", "Set the credentials first."))
	a := w.post(at+"/reinstall", url.Values{"back": {at}})
	if f := a.flash(t); a.StatusCode != 303 || !f.Problem || f.Text != "Autotask refused the stored credentials." || f.Hint != "Set the credentials first." {
		t.Errorf("%d, %+v", a.StatusCode, f)
	}
	shown := w.do("GET", at, nil, a.Cookies()...)
	if got := shown.text("main [role=alert]"); got != "Autotask refused the stored credentials. Set the credentials first." {
		t.Errorf("the page says %q", got)
	}
	if a := w.post(at+"/reinstall", nil); a.StatusCode != 409 || !strings.Contains(a.text("main"), "Set the credentials first.") {
		t.Errorf("without a page to go back to: %d, %s", a.StatusCode, a.text("main"))
	}
	if a := w.post(at+"/syncs/nonsense/stop", nil); a.StatusCode != 404 {
		t.Errorf("a sync that is none: %d", a.StatusCode)
	}
}

func TestConfirmPages(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	for path, says := range map[string]string{
		at + "/uninstall":                       "The webhooks at Autotask are removed",
		at + "/uninstall?sync=active_customers": "The other sync continues",
		at + "/erase":                           "cannot be brought back",
	} {
		a := w.get(path)
		if a.StatusCode != 200 || !strings.Contains(a.text("main"), says) || a.doc.Find("main form[method=post] button").Length() != 1 {
			t.Errorf("%s: %d: %s", path, a.StatusCode, a.text("main"))
		}
	}
	if got := w.wrote(); len(got) != 0 {
		t.Errorf("looking did %q", got)
	}
	a := w.post(at+"/erase", url.Values{"name": {"acme"}})
	if a.StatusCode != 422 || a.doc.Find("#problem").Length() != 1 || len(w.wrote()) != 0 {
		t.Errorf("erase with the wrong name: %d, %q", a.StatusCode, w.wrote())
	}
}

func TestOverview(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	in := anInstallation()
	in.Name = mean
	in.Issues = []v1.Issue{
		{Code: "mass_change_held", Severity: v1.SeverityAct, Title: "Many records would stop syncing at once" + mean, Detail: mean, Fix: mean, FirstAt: clockNow(), LastAt: clockNow()},
		{Code: "cost_unknown", Severity: v1.SeverityAct, Title: "The cost is not known", Records: 6, FirstAt: clockNow(), LastAt: clockNow()},
	}
	in.Jobs = []v1.Job{{ID: "j", Type: "backfill", State: v1.JobRunning, Total: 4, Done: 1, StartedAt: clockNow(), Detail: mean}}
	in.Webhooks[0].Entity = mean
	w.installed(in)
	a := w.get(at)
	a.clean(t)
	if got := a.text(".name"); got != strings.Join(strings.Fields(mean), " ") {
		t.Errorf("the name is shown as %q", got)
	}
	for selector, n := range map[string]int{
		`form[action="` + at + `/held/approve"]`: 1, `form[action="` + at + `/held/discard"]`: 1,
		`a[href="` + at + `/records?reason=cost_unknown"]`: 1, "progress[value='25']": 1, "#syncs article": 2, "svg.chart g": 2,
		`form[action="` + at + `/syncs/active_customers/stop"]`: 1, "#recommend[hidden]": 1,
	} {
		if got := a.doc.Find(selector).Length(); got != n {
			t.Errorf("%s: got %d, want %d", selector, got, n)
		}
	}
	in = anInstallation()
	in.Syncs = map[v1.Sync]v1.SyncStatus{v1.SyncActiveCustomerContracts: {State: v1.SyncStopped}}
	in.Webhooks = nil
	w.installed(in)
	a = w.get(at)
	for selector, n := range map[string]int{
		`form[action="` + at + `/syncs/active_customers/install"]`:        1,
		`form[action="` + at + `/syncs/active_customer_contracts/start"]`: 1, "#recommend strong": 1,
	} {
		if got := a.doc.Find(selector).Length(); got != n {
			t.Errorf("one sync: %s: got %d, want %d", selector, got, n)
		}
	}
	in.State = v1.StateUninstalled
	w.installed(in)
	in.Issues = []v1.Issue{{Code: "cost_unknown", Severity: v1.SeverityAct, Title: "The cost is not known", Records: 6}}
	w.installed(in)
	if a = w.get(at); a.doc.Find(`form[action="`+at+`/reinstall"]`).Length() != 1 || a.doc.Find("#syncs form").Length() != 0 ||
		a.doc.Find("#issues li").Length() != 0 || a.doc.Find("#webhooks form").Length() != 0 {
		t.Errorf("uninstalled: %s", a.text("main"))
	}
}

// TestAPageContradictsNothing wants no part of the overview to say that all is well
// beside one that says that it is not.
func TestAPageContradictsNothing(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	in := anInstallation()
	soon := clockNow().Add(time.Minute)
	in.State, in.ResumesAt = v1.StateNeedsCredentials, &soon
	in.Issues = []v1.Issue{{Code: "credentials_refused", Severity: v1.SeverityAct, Title: "Autotask refuses the credentials"}}
	w.installed(in)
	a := w.get(at)
	if got := a.text("#syncs"); strings.Contains(got, "Running") || !strings.Contains(got, "Waiting") {
		t.Errorf("without credentials the syncs are: %s", got)
	}
	if got := a.text("#freshness"); strings.Contains(got, "hourly limit") {
		t.Errorf("without credentials: %s", got)
	}
	in = anInstallation()
	in.ResumesAt, in.Issues = &soon, []v1.Issue{{Code: "throttled", Severity: v1.SeverityRetrying, Title: "The limit is near"}}
	w.installed(in)
	if got := w.get(at).text("#freshness"); !strings.Contains(got, "hourly limit is used up; work continues in 1 minute.") {
		t.Errorf("throttled: %s", got)
	}
}

// TestTheOverviewSaysHowFreshPartsAre: nobody should take a unit for in sync that was not compared for hours.
func TestTheOverviewSaysHowFreshPartsAre(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	in := anInstallation()
	w.installed(in)
	if got := w.get(at).text("#freshness"); strings.Contains(got, "ervices") {
		t.Errorf("nothing is compared: %s", got)
	}
	since, next := clockNow().Add(-130*time.Minute), clockNow().Add(time.Minute)
	in.Parts = &v1.PartsFreshness{ComparedSince: &since, NextAt: &next, EverySeconds: 131 * 60, Contracts: 1900, Requests: 417}
	w.installed(in)
	want := "Services and units compared within the last 2 h 10 min, next within 1 min; each contract about every 2 h 11 min."
	if got := w.get(at).text("#freshness"); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestIntegrations(t *testing.T) {
	w := newEnv(t)
	w.answer("GET /installations", map[string]any{"items": []v1.Installation{}})
	if a := w.get("/"); a.doc.Find(`a[href^="/install"]`).Length() < 3 || !strings.Contains(a.text(".empty"), "Nothing is installed yet") {
		t.Errorf("empty: %s", a.text("main"))
	}
	w.installed(anInstallation())
	if a := w.get("/"); a.doc.Find("ul.cards > li").Length() != 1 || a.doc.Find("form[role=search], table").Length() != 0 || a.text(".badges") != "1 in sync" {
		t.Errorf("one: %s", a.text("main"))
	}
}

// aListOf is an answer of the API with so many installations on its page.
func aListOf(items, found, total int, next string) v1.InstallationList {
	list := v1.InstallationList{Counts: &v1.InstallationCounts{
		Total: total, Found: found, Standings: map[v1.Standing]int{v1.StandingInSync: total - 14, v1.StandingActionRequired: 14},
		Issues: []v1.IssueCount{
			{Code: "credentials_refused", Severity: v1.SeverityAct, Title: "Autotask credentials refused " + mean, Installations: 14},
			{Code: "throttled", Severity: v1.SeverityRetrying, Title: "Autotask throttles", Installations: 1, Records: 3},
		},
	}}
	for range items {
		list.Items = append(list.Items, anInstallation())
	}
	if next != "" {
		list.NextCursor = &next
	}
	return list
}

// TestIntegrationsOfManyInstallations: filters, order and pages are in the URL and work without
// a script; issues are grouped.
func TestIntegrationsOfManyInstallations(t *testing.T) {
	w := newEnv(t)
	asked := func(query string, list v1.InstallationList) { w.answer("GET /installations?"+query, list) }
	asked("counts=true&cursor=0&limit=50&sort=standing", aListOf(50, 1000, 1000, "50"))
	a := w.get("/")
	a.clean(t)
	if got := a.doc.Find("table tbody tr").Length(); got != perList {
		t.Errorf("%d are shown, want %d", got, perList)
	}
	if got := a.text(".badges"); got != "14 action required 986 in sync" {
		t.Errorf("the counts are %q", got)
	}
	if got := a.text(".pager"); got != "1 to 50 of 1,000 Next page" {
		t.Errorf("the pager says %q", got)
	}
	if got := a.text("#issues li"); !strings.Contains(got, "14 installations with the issue") || !strings.Contains(got, "1 installation with the issue Autotask throttles, 3 records") {
		t.Errorf("the issues are %q", got)
	}
	if href, _ := a.doc.Find("#issues li a").First().Attr("href"); href != "/?issue=credentials_refused" {
		t.Errorf("an issue leads to %q", href)
	}
	if href, _ := a.doc.Find("a.badge").First().Attr("href"); href != "/?standing=action_required" {
		t.Errorf("a state leads to %q", href)
	}
	if href, _ := a.doc.Find("a[rel=next]").Attr("href"); href != "/?page=2" {
		t.Errorf("the next page is %q", href)
	}

	asked("counts=true&cursor=50&issue=credentials_refused&limit=50&q=msp+11&sort=-change&standing=action_required", aListOf(3, 53, 1000, ""))
	a = w.get("/?q=msp+11&standing=action_required&issue=credentials_refused&sort=-change&page=2")
	if got := a.text(".pager"); got != "Previous page 51 to 53 of 53" || a.text("#installations") != "53 installations found" {
		t.Errorf("a filtered page: %q, %s", got, a.text("#installations"))
	}
	if href, _ := a.doc.Find("a[rel=prev]").Attr("href"); href != "/?issue=credentials_refused&q=msp+11&sort=-change&standing=action_required" {
		t.Errorf("the page before is %q", href)
	}
	for name, want := range map[string]string{"standing": "action_required", "issue": "credentials_refused", "sort": "-change"} {
		if got, _ := a.doc.Find("select#" + name + " option[selected]").Attr("value"); got != want {
			t.Errorf("%s: %q is selected, want %q", name, got, want)
		}
	}

	// A page that there is no more.
	asked("counts=true&cursor=950&limit=50&sort=standing", aListOf(0, 60, 1000, ""))
	if a = w.get("/?page=20"); a.text(".pager") != "Previous page 51 to 51 of 60" && a.doc.Find("table tbody tr").Length() == 0 {
		t.Errorf("a page that is gone: %s", a.text("main"))
	}

	w.answer("GET /installations", aListOf(0, 0, 1000, ""))
	a = w.get("/?q=" + url.QueryEscape(mean+"nobody"))
	if !strings.Contains(a.text(".empty"), "No installation fits these filters.") || a.doc.Find("form[role=search]").Length() != 1 {
		t.Errorf("nothing found: %s", a.text("main"))
	}
	a.clean(t)
}
