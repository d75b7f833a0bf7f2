package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/access"
)

// full is a env in which every page has something on it that can be done.
func full(t *testing.T, state v1.State) *env {
	w := newEnv(t)
	in := anInstallation()
	in.State = state
	in.Issues = append(in.Issues, v1.Issue{Code: "mass_change_held", Severity: "act", Title: "t"},
		v1.Issue{Code: "credentials_refused", Severity: "act", Title: "t"})
	delete(in.Syncs, v1.SyncActiveCustomerContracts)
	w.installed(in)
	at := "/installations/" + one
	job := v1.Job{ID: "j-1", Type: "resync", State: v1.JobRunning, StartedAt: clockNow()}
	ended := job
	ended.ID, ended.State, ended.DryRun, ended.Pushed, ended.FinishedAt = "j-2", v1.JobDone, true, 3, &job.StartedAt
	w.answer("GET "+at+"/jobs", v1.JobList{Items: []v1.Job{job, ended}})
	w.answer("GET "+at+"/jobs/j-1", job)
	w.answer("GET "+at+"/jobs/j-2", ended)
	deadLetter := v1.DeadLetter{ID: "company-7", Kind: "company", RecordID: "7", Code: "rejected", Title: "t", Fix: "f"}
	second := deadLetter
	second.ID, second.RecordID = "company-8", "8"
	w.answer("GET "+at+"/dead-letters", v1.Page[v1.DeadLetter]{Items: []v1.DeadLetter{deadLetter, second}})
	w.answer("GET "+at+"/records/company/7", v1.RecordDetail{Record: v1.Record{Kind: v1.KindCompany, ID: "7", Name: "Seven", Outcome: v1.OutcomePushed}})
	w.answer("GET "+at+"/records", v1.Page[v1.Record]{Items: []v1.Record{}})
	w.answer("GET "+at+"/records/counts", v1.RecordCounts{})
	w.answer("GET "+at+"/drift", v1.Page[v1.Drift]{Items: []v1.Drift{{Kind: v1.KindCompany, ID: "7", State: v1.DriftOpen, Fields: []v1.DriftField{{Field: "name"}}}}})
	w.answer("GET "+at+"/activity", v1.Activity{Items: []v1.FeedEvent{}})
	w.answer("GET /audit", v1.Page[v1.AuditEntry]{Items: []v1.AuditEntry{}})
	w.answer("GET "+at+"/bridges", v1.BridgeList{Items: []v1.BridgeStatus{{GUID: "g-1", Name: "rule"}}})
	return w
}

func TestNobodyIsShownAButtonThatWouldBeRefused(t *testing.T) {
	at := "/installations/" + one
	table := access.New(access.Console())
	for _, state := range []v1.State{v1.StateLive, v1.StateStopped, v1.StateUninstalled} {
		shown := map[string]int{}
		for name, who := range map[string]v1.Identity{
			"viewer": {Role: v1.RoleViewer}, "operator": {Role: v1.RoleOperator}, "admin": {Role: v1.RoleAdmin},
			"scoped": {Role: v1.RoleAdmin, Installations: []string{one}},
		} {
			w := full(t, state)
			who.ID, who.Name = "t-1", name
			w.as(who)
			for _, path := range []string{
				"/", "/audit", "/sessions", at, at + "/welcome", at + "/activity", at + "/records", at + "/records/company/7", at + "/drift", at + "/replay",
				at + "/jobs/j-1", at + "/jobs/j-2", at + "/dead-letters", at + "/dead-letters?code=rejected", at + "/dead-letters/company-7", at + "/settings",
			} {
				page := w.get(path)
				if page.StatusCode != http.StatusOK {
					t.Errorf("%s %s: got %d\n%s", name, path, page.StatusCode, page.text("main"))
					continue
				}
				leads := func(method, to string) {
					u, err := url.Parse(to)
					if err != nil || u.IsAbs() || u.Path == "" || u.Path == "/readyz" || u.Path == "/metrics" {
						return
					}
					if method == http.MethodPost {
						shown[name]++
					}
					if !table.Allows(who, method, u.Path) {
						t.Errorf("%s, %s: the page %s offers %s %s", state, name, path, method, to)
					}
				}
				page.doc.Find("form").Each(func(_ int, f *goquery.Selection) {
					leads(strings.ToUpper(f.AttrOr("method", "get")), f.AttrOr("action", path))
				})
				page.doc.Find("[formaction]").Each(func(_ int, b *goquery.Selection) { leads(http.MethodPost, b.AttrOr("formaction", "")) })
				page.doc.Find("a[href]").Each(func(_ int, a *goquery.Selection) { leads(http.MethodGet, a.AttrOr("href", "")) })
			}
		}
		if shown["viewer"] >= shown["operator"] || shown["operator"] >= shown["scoped"] || shown["scoped"] > shown["admin"] {
			t.Errorf("%s: buttons shown %v, want more of them with each role", state, shown)
		}
	}
}

func TestARefusedPageNamesTheRole(t *testing.T) {
	w := full(t, v1.StateLive)
	w.as(v1.Identity{ID: "t-1", Name: "monitoring", Role: v1.RoleViewer})
	a := w.post("/installations/"+one+"/stop", nil)
	if a.StatusCode != http.StatusForbidden || !strings.Contains(a.text("main"), "takes the role operator") || len(w.wrote()) != 0 {
		t.Errorf("got %d, asked %q: %s", a.StatusCode, w.wrote(), a.text("main"))
	}
	if got := *w.tokens.audited; len(got) != 1 || got[0].OK || got[0].Who != "monitoring" || got[0].Actor != "console" || got[0].Action != "access" {
		t.Errorf("audited %+v", got)
	}
}
