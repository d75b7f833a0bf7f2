package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
)

func TestDriftShowsTheirsAndOurs(t *testing.T) {
	w := newEnv(t)
	in := anInstallation()
	in.Drift = v1.DriftCounts{Open: 1, Repaired: 12}
	in.Options.Drift = "report"
	w.installed(in)
	at, next := "/installations/"+one, "c2"
	w.answer("GET "+at+"/drift", v1.Page[v1.Drift]{NextCursor: &next, Items: []v1.Drift{
		{Kind: v1.KindCompany, ID: "7", Name: "Acme" + mean, State: v1.DriftOpen, FoundAt: clockNow(), Fields: []v1.DriftField{
			{Field: "name", Theirs: new("Mine" + mean), Due: "Acme"}, {Field: "phones[0].value", Theirs: new(""), Due: "518-555-0100"},
		}},
		{Kind: v1.KindContract, ID: "8", Name: "Care", State: v1.DriftRepaired, FoundAt: clockNow(), Fields: []v1.DriftField{{Field: "overallCost.amount", Due: "12.50"}}},
	}})
	a := w.get(at + "/drift?state=open")
	a.clean(t)
	for _, want := range []string{"Waits for you (1)", "Repaired (12)", "Mine", "Phone number", "nothing", "overwritten before it was read", "Overall cost", "12.50", "Nothing is pushed over an edit"} {
		if !strings.Contains(a.text("main"), want) {
			t.Errorf("the page does not say %q: %s", want, a.text("main"))
		}
	}
	if n := a.doc.Find("form[action$='/push-ours']").Length(); n != 1 {
		t.Errorf("%d buttons, want one for what is open", n)
	}
	if href, _ := a.doc.Find("a[rel=next]").Attr("href"); href != at+"/drift?cursor=c2&state=open" {
		t.Errorf("the next page is %q", href)
	}
	push := at + "/records/company/7/push-ours"
	w.answer("POST "+push, nil)
	done := w.post(push, url.Values{"back": {at + "/drift"}})
	if done.StatusCode != http.StatusSeeOther || done.Header.Get("Location") != at+"/drift" || !strings.Contains(done.flash(t).Text, "sent") {
		t.Errorf("got %d to %s: %+v", done.StatusCode, done.Header.Get("Location"), done.flash(t))
	}
	w.answer("POST "+push, v1.Conflict("nothing waits", "Look again."))
	if f := w.post(push, url.Values{"back": {at + "/drift"}}).flash(t); !f.Problem || f.Text != "nothing waits" {
		t.Errorf("refused: %+v", f)
	}
}
