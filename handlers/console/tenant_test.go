package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	v1 "channelsync/api/v1"
)

// tenantOf is somebody who sees the one installation.
func tenantOf(role v1.Role) v1.Identity {
	return v1.Identity{ID: "t-1", Name: "acme", Role: role, Installations: []string{one}}
}

// TestTheFrontPageOfATenant is Channel Program's card, with what the role may do in the state that the integration is in.
func TestTheFrontPageOfATenant(t *testing.T) {
	for _, tc := range []struct {
		state                   v1.State
		viewer, operator, admin string
		says                    string
	}{
		{v1.StateInstalling, "View, Manage Clients", "View, Manage Clients, Stop", "View, Manage Clients, Stop, Uninstall…", "The webhooks are being registered"},
		{v1.StateBackfilling, "View, Manage Clients", "View, Manage Clients, Stop", "View, Manage Clients, Stop, Uninstall…", "The first sync is under way"},
		{v1.StateLive, "View, Manage Clients", "View, Manage Clients, Stop", "View, Manage Clients, Stop, Uninstall…", "In sync."},
		{
			v1.StateNeedsCredentials, "View, Manage Clients", "View, Manage Clients, Stop",
			"Enter new credentials, View, Manage Clients, Stop, Uninstall…", "Autotask refuses the credentials.",
		},
		{v1.StateStopped, "View, Manage Clients", "Start, View, Manage Clients", "Start, View, Manage Clients, Uninstall…", "Changes are kept, and Start delivers them"},
		{v1.StateUninstalled, "View", "View", "Install, View", "Settings are kept, so Install brings it back"},
	} {
		for role, want := range map[v1.Role]string{v1.RoleViewer: tc.viewer, v1.RoleOperator: tc.operator, v1.RoleAdmin: tc.admin} {
			w := newEnv(t)
			in := anInstallation()
			in.State = tc.state
			if tc.state == v1.StateNeedsCredentials {
				in.Issues = []v1.Issue{{Code: "credentials_refused", Severity: v1.SeverityAct, Title: "Autotask refuses the credentials", Fix: "f"}}
			}
			w.installed(in)
			w.as(tenantOf(role))
			a := w.get("/")
			var got []string
			a.doc.Find("#integration .actions").Find("a, button").Each(func(_ int, s *goquery.Selection) { got = append(got, s.Text()) })
			if strings.Join(got, ", ") != want || !strings.Contains(a.text("#integration"), tc.says) {
				t.Errorf("%s, %s: got %q, want %q and %q in %q", tc.state, role, strings.Join(got, ", "), want, tc.says, a.text("#integration"))
			}
			if a.text("h1") != "Integrations" || !strings.HasPrefix(a.text("title"), "Integrations – Autotask for Channel Program") {
				t.Errorf("%s, %s: the page is %q, %q", tc.state, role, a.text("title"), a.text("h1"))
			}
		}
	}
}

// TestATenantWhoseInstallationIsGone is said so, and whom to ask.
func TestATenantWhoseInstallationIsGone(t *testing.T) {
	w := newEnv(t)
	w.answer("GET /installations/"+one, v1.NotFound("There is no such installation."))
	w.as(tenantOf(v1.RoleAdmin))
	a := w.get("/")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.text("#integration"), "Not installed") || !strings.Contains(a.text("#integration"), "Ask your Channel Program contact") ||
		a.doc.Find("#integration form, #integration a").Length() != 0 {
		t.Errorf("got %d: %s", a.StatusCode, a.text("main"))
	}
	if a := w.get("/installations/" + one); a.StatusCode != http.StatusNotFound || !strings.Contains(a.text("main"), "There is no such integration.") {
		t.Errorf("its page: %d %s", a.StatusCode, a.text("main"))
	}
}

// TestATenantSeesNothingOfTheService on any page, in any state and role; nor a word that is ours and not Channel Program's.
func TestATenantSeesNothingOfTheService(t *testing.T) {
	at := "/installations/" + one
	for _, state := range []v1.State{v1.StateLive, v1.StateStopped, v1.StateUninstalled} {
		for _, role := range []v1.Role{v1.RoleViewer, v1.RoleOperator, v1.RoleAdmin} {
			w := full(t, state)
			entries := []v1.AuditEntry{
				{At: clockNow(), Who: v1.SomebodyElse, Actor: "cli", Action: "installation.stop", Installation: one, OK: true},
				{At: clockNow(), Who: "acme", Actor: "console", Action: "installation.start", Installation: one, Address: "198.51.100.7", OK: true},
			}
			w.answer("GET /audit", v1.Page[v1.AuditEntry]{Items: entries})
			w.as(tenantOf(role))
			pages := []string{
				"/", "/audit", "/audit?installation=01jxotherrrrrrrrrrrrrrrrrr", "/sessions", "/nothing", at, at + "/welcome", at + "/activity", at + "/records", at + "/records/company/7", at + "/drift", at + "/replay",
				at + "/jobs/j-1", at + "/jobs/j-2", at + "/dead-letters", at + "/dead-letters/company-7", at + "/settings", at + "/uninstall", at + "/erase",
				"/tokens", "/install", // refused
			}
			for _, path := range pages {
				a := w.get(path)
				a.doc.Find("#bundle").Remove() // a file for the service's support
				html, err := a.doc.Html()
				if err != nil {
					t.Fatal(err)
				}
				text := a.doc.Find("body").Text() + a.doc.Find("title").Text()
				for _, word := range []string{"channelsync", "--", "NATS", "Readiness", "Metrics", "Tokens", "Erased:", "every instance", "under Replay", "dead letter", "Dead letter", "limited to", "Reinstall", "reinstall"} {
					if strings.Contains(text, word) {
						t.Errorf("%s, %s, %s: says %q: %s", state, role, path, word, around(text, word))
					}
				}
				for _, link := range []string{`"/readyz"`, `"/metrics"`, `"/tokens"`, `"/install"`} {
					if strings.Contains(html, link) {
						t.Errorf("%s, %s, %s leads to %s", state, role, path, link)
					}
				}
			}
			if a := w.get("/audit"); !strings.Contains(a.text("main"), "Somebody else") || !strings.Contains(a.text("main"), "198.51.100.7") {
				t.Errorf("the history: %s", a.text("main"))
			}
		}
	}
}

// TestTheLogInPageSaysNothingOfTheService to whoever comes there: nobody is known yet. Whoever runs a service that has
// its host to itself is shown where the first token is, folded; below a path nobody is.
func TestTheLogInPageSaysNothingOfTheService(t *testing.T) {
	for address, own := range map[string]bool{"": true, "https://console.example": true, "https://apps.example" + apart: false} {
		w := newEnvAt(t, address)
		wrong := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token=wrong"))
		wrong.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for what, r := range map[string]*http.Request{"before": httptest.NewRequest(http.MethodGet, "/login", nil), "a wrong token": wrong} {
			a := w.send(r)
			folded := a.doc.Find("main details").Text()
			if strings.Contains(folded, "--admin-token") != own {
				t.Errorf("%q, %s: whoever runs it is told %q", address, what, folded)
			}
			a.doc.Find("main details").Remove()
			text := a.doc.Find("body").Text()
			for _, word := range []string{"--", "admin-token", "data directory", "Admin", "Readiness", "Metrics", "/readyz", "/metrics"} {
				if strings.Contains(text, word) || a.doc.Find(`[href*="`+word+`"]`).Length() != 0 {
					t.Errorf("%q, %s: says %q: %s", address, what, word, around(text, word))
				}
			}
			if label := a.text("label[for=token]"); label != "Access token" {
				t.Errorf("%q, %s: the field is called %q", address, what, label)
			}
			if named := strings.Contains(text+a.text("title"), "channelsync"); named != own || strings.Contains(a.text("title"), "Autotask for Channel Program") == own {
				t.Errorf("%q, %s: the page is %q: %s", address, what, a.text("title"), text)
			}
			if version := a.text("footer"); strings.Contains(version, "channelsync") {
				t.Errorf("%q, %s: the foot says %q", address, what, version)
			}
		}
	}
}

func around(text, word string) string {
	i := strings.Index(text, word)
	return text[max(0, i-60):min(len(text), i+60)]
}

// TestWhatATenantIsRefused says whom to ask, and not how the service is set.
func TestWhatATenantIsRefused(t *testing.T) {
	at := "/installations/" + one
	for _, tc := range []struct {
		name   string
		role   v1.Role
		answer any // to a stop
		path   string
		want   []string
	}{
		{"for want of a role", v1.RoleViewer, nil, at + "/stop", []string{"takes the role operator", "Ask a colleague who has that role"}},
		{"for being limited", v1.RoleAdmin, nil, at + "/syncs/active_customers/install", []string{"takes the role admin at Channel Program.", "Ask your Channel Program contact."}},
		{"another's", v1.RoleAdmin, nil, "/installations/01jxotherrrrrrrrrrrrrrrrrr/stop", []string{"There is no such integration."}},
		{
			"by a failure", v1.RoleAdmin, v1.NewProblem(500, v1.CodeInternal, "Something went wrong here that is not your doing.", "The log of channelsync has the cause."),
			at + "/stop",
			[]string{"Something went wrong", "If it fails again, ask your Channel Program contact."},
		},
		{
			"by a setting", v1.RoleAdmin, v1.NewProblem(422, v1.CodeInvalid, "It cannot be done.", "Start the service with --channel-program-url."),
			at + "/stop",
			[]string{"It cannot be done.", "Ask your Channel Program contact."},
		},
		{
			"by its state", v1.RoleAdmin, v1.Conflict("the installation is uninstalled", "Reinstall it first."),
			at + "/stop",
			[]string{"the integration is uninstalled", "Install it first."},
		},
	} {
		w := newEnv(t)
		w.answer("POST "+at+"/stop", tc.answer)
		w.as(tenantOf(tc.role))
		a := w.post(tc.path, nil)
		for _, want := range tc.want {
			if !strings.Contains(strings.ToLower(a.text("main")), strings.ToLower(want)) {
				t.Errorf("%s: got %q, want %q", tc.name, a.text("main"), want)
			}
		}
		if detail := a.text("main .lead"); detail == "" || strings.ToUpper(detail[:1]) != detail[:1] {
			t.Errorf("%s: the sentence %q begins in lower case", tc.name, detail)
		}
		if strings.Contains(a.html, "channelsync") || strings.Contains(a.html, "--") {
			t.Errorf("%s: %s", tc.name, a.text("main"))
		}
	}
}

// TestASyncOfATenant that was installed once is installed again by its admin; one that never was, by somebody else.
func TestASyncOfATenant(t *testing.T) {
	for state, want := range map[v1.SyncState]string{v1.SyncUninstalled: "/reinstall", "": ""} {
		w := newEnv(t)
		in := anInstallation()
		delete(in.Syncs, v1.SyncActiveCustomerContracts)
		if state != "" {
			in.Syncs[v1.SyncActiveCustomerContracts] = v1.SyncStatus{State: state}
		}
		w.installed(in)
		w.as(tenantOf(v1.RoleAdmin))
		a := w.get("/installations/" + one)
		var to []string
		a.doc.Find(`form[action*="/syncs/active_customer_contracts/"]`).Each(func(_ int, f *goquery.Selection) { to = append(to, f.AttrOr("action", "")) })
		wanted := []string(nil)
		if want != "" {
			wanted = []string{"/installations/" + one + "/syncs/active_customer_contracts" + want}
		}
		asks := strings.Contains(a.text("#recommend"), "Ask your Channel Program contact to install the other one.")
		if !slices.Equal(to, wanted) || asks != (want == "") {
			t.Errorf("%q: the page leads to %v and says %q", state, to, a.text("#recommend"))
		}
	}
}

// TestSeveralInstallationsAreAFleet: whoever sees two has the list of those, in an operator's words.
func TestSeveralInstallationsAreAFleet(t *testing.T) {
	w := newEnv(t)
	who := tenantOf(v1.RoleOperator)
	who.Installations = append(who.Installations, "01jxtwoaaaaaaaaaaaaaaaaaaa")
	w.as(who)
	if a := w.get("/"); !strings.Contains(a.text("#list"), "Acme MSP") || a.doc.Find("#integration").Length() != 0 || a.doc.Find(`a[href="/install"]`).Length() != 0 {
		t.Errorf("got %s", a.text("main"))
	}
}

// TestATenantReadsOfNoResyncAndNoReplay on any page: in names of jobs, hidden texts of buttons, lists that are empty, and
// the causes of versions and steps.
func TestATenantReadsOfNoResyncAndNoReplay(t *testing.T) {
	at := "/installations/" + one
	for _, reports := range []string{"repair", "report"} {
		w := full(t, v1.StateLive)
		in := anInstallation()
		in.Options.Drift, in.Webhooks = reports, nil
		in.Issues = []v1.Issue{{Code: "backfill_throttled", Severity: v1.SeverityRetrying, Title: "The backfill waits for Autotask's hourly limit", Detail: "Backfills, sweeps and resyncs may use only a part."}}
		job := v1.Job{ID: "j-1", Type: "resync", State: v1.JobRunning, StartedAt: clockNow()}
		replayed := v1.Job{ID: "j-2", Type: "replay", State: v1.JobDone, DryRun: true, StartedAt: clockNow(), FinishedAt: new(clockNow()), Replay: &v1.ReplayRequest{Kind: v1.KindCompany}}
		in.Jobs = []v1.Job{job, replayed}
		w.installed(in)
		for _, j := range in.Jobs {
			w.answer("GET "+at+"/jobs/"+j.ID, j)
		}
		if w.answer("GET "+at+"/jobs", v1.JobList{Items: in.Jobs}); reports == "report" {
			w.answer("GET "+at+"/jobs", v1.JobList{})
		}
		w.answer("GET "+at+"/activity", v1.Activity{Items: []v1.FeedEvent{{At: clockNow(), Kind: v1.KindCompany, ID: "7", Outcome: v1.OutcomePushed, Trigger: v1.TriggerReplay, Pushed: true}}})
		w.answer("GET "+at+"/records/company/7", v1.RecordDetail{
			Record:   v1.Record{Kind: v1.KindCompany, ID: "7", Name: "Seven", Outcome: v1.OutcomeDead, Reasons: []string{"rejected"}},
			Fix:      `It is no longer retried automatically: an edit in Autotask or "Sync now" tries it again.`,
			Timeline: []v1.TimelineStep{{At: clockNow(), Step: "changed", Trigger: v1.TriggerReplay}},
		})
		w.answer("GET "+at+"/records/company/7/versions", v1.VersionPage{Items: []v1.Version{
			{Number: 3, Kind: v1.VersionSent, Cause: v1.Cause{Trigger: v1.TriggerReplay}},
			{Number: 2, Kind: v1.VersionSent, Cause: v1.Cause{Trigger: v1.TriggerManual, Job: "j-9", By: "ann"}},
			{Number: 1, Kind: v1.VersionRepaired, Cause: v1.Cause{Trigger: v1.TriggerManual, Job: "j-9"}},
		}})
		w.answer("GET "+at+"/drift", v1.Page[v1.Drift]{})
		w.answer("GET /audit", v1.Page[v1.AuditEntry]{Items: []v1.AuditEntry{
			{At: clockNow(), Who: "acme", Action: "resync", Installation: one, OK: true},
			{At: clockNow(), Who: "acme", Action: "replay", Installation: one, OK: true},
			{At: clockNow(), Who: "acme", Action: "dead-letters.dismiss", Installation: one, OK: true},
		}})
		w.as(tenantOf(v1.RoleAdmin))
		pages := []*answered{w.post(at+"/replay", url.Values{"form": {"resync"}}), w.post(at+"/replay", url.Values{"form": {"replay"}, "from": {"never"}})}
		for _, path := range []string{
			"/", "/audit", at, at + "/activity", at + "/records", at + "/records/company/7", at + "/records/company/7/versions", at + "/drift", at + "/replay",
			at + "/jobs/j-1", at + "/jobs/j-2", at + "/dead-letters", at + "/dead-letters/company-7/dismiss", at + "/settings",
		} {
			pages = append(pages, w.get(path))
		}
		for i, a := range pages {
			if want := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusOK}[i < 2]; a.StatusCode != want {
				t.Errorf("%s: got %d, want %d", a.text("title"), a.StatusCode, want)
			}
			a.doc.Find("#bundle").Remove()
			text := strings.ToLower(a.doc.Find("body").Text() + a.doc.Find("title").Text())
			a.doc.Find("[aria-label]").Each(func(_ int, s *goquery.Selection) { text += " " + strings.ToLower(s.AttrOr("aria-label", "")) })
			for _, word := range []string{"resync", "replay", "dead letter", "channelsync"} {
				if strings.Contains(text, word) {
					t.Errorf("%s (%d) says %q: %s", a.text("title"), a.StatusCode, word, around(text, word))
				}
			}
		}
	}
}

// TestATenantReadsOneWordForSyncAgain in the menu, in headings and in the names of jobs.
func TestATenantReadsOneWordForSyncAgain(t *testing.T) {
	w := full(t, v1.StateLive)
	at := "/installations/" + one
	w.answer("GET "+at+"/drift", v1.Page[v1.Drift]{})
	w.answer("GET "+at+"/jobs/j-1", v1.Job{ID: "j-1", Type: "bulk", State: "done", Bulk: &v1.BulkJob{Action: v1.ActionDismiss}})
	w.as(tenantOf(v1.RoleAdmin))
	headings := w.get(at + "/replay").doc.Find("main h1, main h2").Text()
	if !strings.HasPrefix(headings, "Sync again") || strings.Contains(headings, "Replay") || strings.Contains(headings, "Resync") {
		t.Errorf("the headings: %s", headings)
	}
	if text := w.get(at + "/drift").text("main"); !strings.Contains(text, "Sync again does it now") {
		t.Errorf("the list of edits: %s", text)
	}
	if a := w.get(at + "/jobs/j-1"); a.text("h1") != "Dismissal of failed records" || !strings.HasPrefix(a.text("title"), "Dismissal of failed records") {
		t.Errorf("the job: %q, %q", a.text("h1"), a.text("title"))
	}
}
