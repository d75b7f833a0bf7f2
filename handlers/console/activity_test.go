package console

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

func outcome(o v1.Outcome, pushed bool, reasons ...string) v1.FeedEvent {
	return v1.FeedEvent{
		At: clockNow().Add(-3 * time.Minute), Kind: v1.KindCompany, ID: "7", Name: "Maple Bakery", Outcome: o, Pushed: pushed,
		Reasons: reasons, Trigger: v1.TriggerCallback, Millis: 1200,
	}
}

func TestActivityFilters(t *testing.T) {
	company, contract := outcome(v1.OutcomePushed, true), outcome(v1.OutcomeDead, false)
	contract.Kind, contract.ID, contract.Name, contract.Trigger = v1.KindContract, "70", "Managed services", v1.TriggerPoll
	for query, want := range map[string]string{
		"":                             "company contract",
		"outcome=pushed":               "company",
		"kind=contract":                "contract",
		"trigger=poll":                 "contract",
		"q=MAPLE":                      "company",
		"q=7":                          "company", // an id fits only whole
		"q=+70+":                       "contract",
		"outcome=pushed&kind=contract": "",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range []v1.FeedEvent{company, contract} {
			if activityFilterOf(values).admits(e) {
				got = append(got, string(e.Kind))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q lets %v through, want %q", query, got, want)
		}
	}
}

func TestActivityPage(t *testing.T) {
	w := newEnv(t)
	dead := outcome(v1.OutcomeDead, false, "rejected")
	dead.Millis = 0
	w.answer("GET /installations/"+one+"/activity", v1.Activity{Items: []v1.FeedEvent{outcome(v1.OutcomePushed, true), dead}})
	a := w.get("/installations/" + one + "/activity")
	if a.StatusCode != 200 || a.doc.Find("#live tbody tr").Length() != 2 || a.doc.Find("h1").Length() != 1 {
		t.Fatalf("%d: %s", a.StatusCode, a.html)
	}
	row := a.text("tbody tr:first-child")
	for _, want := range []string{"3 minutes ago", "Client Maple Bakery", "Synced Sent to Channel Program.", "Autotask callback", "1.2 s"} {
		if !strings.Contains(row, want) {
			t.Errorf("the row lacks %q: %s", want, row)
		}
	}
	if href, _ := a.doc.Find("tbody tr:first-child th a").Attr("href"); href != "/installations/"+one+"/records/company/7" {
		t.Errorf("the record is at %s", href)
	}
	if href, _ := a.doc.Find("tbody tr:last-child td a").Attr("href"); href != "/installations/"+one+"/dead-letters" {
		t.Errorf("a failure leads to %s", href)
	}

	paused := w.get("/installations/" + one + "/activity?outcome=dead&q=maple&paused=1")
	if paused.doc.Find("#live").Length() != 0 || paused.doc.Find("tbody tr").Length() != 1 {
		t.Errorf("paused: %s", paused.html)
	}
	if href, _ := paused.doc.Find(".head a.button").Attr("href"); href != "/installations/"+one+"/activity?outcome=dead&q=maple" {
		t.Errorf("it goes on at %s", href)
	}
	if v, _ := paused.doc.Find("#outcome option[selected]").Attr("value"); v != "dead" {
		t.Errorf("the filter shows %q", v)
	}
	if none := w.get("/installations/" + one + "/activity?kind=contract"); !strings.Contains(none.text(".empty"), "fits these filters") {
		t.Errorf("nothing fits: %s", none.text("main"))
	}
}

func TestActivityIsBounded(t *testing.T) {
	w := newEnv(t)
	items := make([]v1.FeedEvent, maxActivity)
	for i := range items {
		items[i] = outcome(v1.OutcomePushed, true)
		items[i].ID = fmt.Sprint(i)
	}
	w.answer("GET /installations/"+one+"/activity", v1.Activity{Items: items})
	if n := w.get("/installations/" + one + "/activity").doc.Find("tbody tr").Length(); n != perActivity {
		t.Errorf("%d rows, want %d", n, perActivity)
	}
	less := w.get("/installations/" + one + "/activity?outcome=pushed&paused=1").doc.Find(`#activity p a.button`)
	if href, _ := less.Attr("href"); less.Text() != "Show all 200" || href != "/installations/"+one+"/activity?all=1&outcome=pushed&paused=1" {
		t.Errorf("%q leads to %q", less.Text(), href)
	}
	if all := w.get("/installations/" + one + "/activity?all=1"); all.doc.Find("tbody tr").Length() != maxActivity || all.doc.Find("#activity p a.button").Length() != 0 {
		t.Errorf("%d rows of all, want %d", all.doc.Find("tbody tr").Length(), maxActivity)
	}
	if got := strings.Join(w.asked, " "); !strings.Contains(got, "/activity?limit=200") {
		t.Errorf("asked %s", got)
	}
}

func TestActivityBeforeTheFirstChange(t *testing.T) {
	w := newEnv(t)
	w.answer("GET /installations/"+one+"/activity", v1.Activity{Items: []v1.FeedEvent{}})
	if got := w.get("/installations/" + one + "/activity").text(".empty"); !strings.HasPrefix(got, "Waiting for the first changeEdit any customer in Autotask to see it here.") {
		t.Errorf("got %q", got)
	}
}

func TestActivityIsText(t *testing.T) {
	w := newEnv(t)
	in := anInstallation()
	in.Name = mean
	w.installed(in)
	e := outcome(v1.OutcomeDead, false, "rejected", mean)
	e.Name, e.ID, e.Trigger = mean+strings.Repeat("x", 200), mean, v1.Trigger(mean)
	w.answer("GET /installations/"+one+"/activity", v1.Activity{Items: []v1.FeedEvent{e}})
	a := w.get("/installations/" + one + "/activity?q=" + url.QueryEscape(mean))
	a.clean(t)
	if a.StatusCode != 200 || a.doc.Find("tbody tr").Length() != 1 {
		t.Errorf("%d: %s", a.StatusCode, a.html)
	}
}
