package console

import (
	"strings"
	"testing"

	v1 "channelsync/api/v1"
)

func TestAuditPage(t *testing.T) {
	const gone = "01jxgoneaaaaaaaaaaaaaaaaaa"
	w := newEnv(t)
	two := anInstallation()
	two.ID, two.Name = "01jxtwoaaaaaaaaaaaaaaaaaaa", "Beta MSP"
	w.answer("GET /installations", map[string]any{"items": []v1.Installation{anInstallation(), two}})
	next := "c&2"
	w.answer("GET /audit", v1.Page[v1.AuditEntry]{NextCursor: &next, Items: []v1.AuditEntry{
		{At: clockNow(), Who: "ops", Actor: "console", Address: "203.0.113.7", Action: "sync.stop", Installation: one, Detail: "active_customers", OK: true},
		{At: clockNow(), Actor: "cli", Action: "installation.erase", Installation: gone, OK: true},
		{At: clockNow(), Actor: "api", Action: "installation.create", Detail: "credentials_rejected"},
		{At: clockNow(), Who: "ops", Actor: "console", Action: "log-out", OK: true, Unverified: true},
		{At: clockNow(), Actor: "api", Action: v1.ActionLogIn, Detail: "of many clients, left out here: unauthenticated", Count: 70},
	}})
	a := w.get("/audit")
	var rows []string
	for i := range a.doc.Find("tbody tr").Length() {
		rows = append(rows, strings.Join(strings.Fields(a.doc.Find("tbody tr").Eq(i).Text()), " "))
	}
	want := "just now Stopped the sync Active Customers of Acme MSP Done ops Console 203.0.113.7 | " +
		"just now Erased an erased installation " + gone + " Done unknown Command line | " +
		"just now Tried to install Refused credentials_rejected unknown API | " +
		"just now Logged out Unverified somebody else may have written it: run channelsync audit verify Done ops Console | " +
		"just now Logged in (of many clients, left out here) Refused unauthenticated 70 times unknown API"
	if got := strings.Join(rows, " | "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if a.doc.Find(`tbody a[href="/installations/`+one+`"]`).Length() != 1 || a.doc.Find(`tbody a[href*=gone]`).Length() != 0 {
		t.Error("the links are wrong")
	}
	if got := a.doc.Find(".pager a").AttrOr("href", ""); got != "/audit?cursor=c%262" || a.doc.Find(".pager a").Length() != 1 {
		t.Errorf("older: %s", got)
	}
	filtered := w.get("/audit?installation=" + one + "&cursor=c1")
	if got := filtered.doc.Find(".pager a:last-child").AttrOr("href", ""); got != "/audit?cursor=c%262&installation="+one ||
		filtered.doc.Find(".pager a:first-child").AttrOr("href", "") != "/audit?installation="+one ||
		filtered.doc.Find("#installation option[selected]").Text() != "Acme MSP" {
		t.Errorf("filtered: %s", got)
	}
	if got := strings.Join(w.asked, "; "); !strings.Contains(got, "GET /audit?cursor=c1&installation="+one+"&limit=50") {
		t.Errorf("asked %s", got)
	}
	if got := w.get("/audit?installation=" + gone).doc.Find("#installation option[selected]").Text(); got != "Erased: "+gone {
		t.Errorf("of an erased one: %q", got)
	}
}

func TestEmptyAudit(t *testing.T) {
	w := newEnv(t)
	w.answer("GET /audit", v1.Page[v1.AuditEntry]{Items: []v1.AuditEntry{}})
	for query, want := range map[string]string{
		"": "Nothing has been done yet", "?installation=" + one: "Nobody has changed this installation",
		"?cursor=c": "There is nothing older",
	} {
		if got := w.get("/audit" + query).text(".empty h2"); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

func TestAuditIsText(t *testing.T) {
	w := newEnv(t)
	in := anInstallation()
	in.Name = mean + strings.Repeat("x", 200)
	in2 := in
	in2.ID = "01jxtwoaaaaaaaaaaaaaaaaaaa"
	w.answer("GET /installations", map[string]any{"items": []v1.Installation{in, in2}})
	cursor := mean
	w.answer("GET /audit", v1.Page[v1.AuditEntry]{NextCursor: &cursor, Items: []v1.AuditEntry{
		{Actor: mean, Action: mean, Installation: one, Detail: mean, OK: true},
		{Actor: mean, Action: "sync." + mean, Installation: mean, Detail: mean + ": " + mean},
		{Action: "replay", Installation: one, Detail: mean, OK: true},
	}})
	a := w.get("/audit")
	a.clean(t)
	if a.StatusCode != 200 || a.doc.Find("tbody tr").Length() != 3 {
		t.Errorf("%d: %s", a.StatusCode, a.html)
	}
}
