package console

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

const deadLettersAt = "/installations/" + one + "/dead-letters"

func deadLetter(id, code string, ago time.Duration) v1.DeadLetter {
	kind, record, _ := strings.Cut(id, "-")
	return v1.DeadLetter{
		ID: id, Kind: kind, RecordID: record, Code: code, Detail: "name: too long", Attempts: 8, Title: "About " + code, Fix: "Mend " + code + ".",
		FirstAt: clockNow().Add(-ago - 12*time.Hour), LastAt: clockNow().Add(-ago),
	}
}

// given answers the list of dead letters with them.
func (w *env) given(all ...v1.DeadLetter) {
	w.answer("GET "+deadLettersAt, v1.Page[v1.DeadLetter]{Items: all})
	w.answer("GET /installations/"+one+"/records", v1.Page[v1.Record]{Items: []v1.Record{{Kind: v1.KindCompany, ID: "7", Name: "Maple Bakery"}}})
	w.answer("POST "+deadLettersAt+"/requeue", struct{}{})
}

func unreadable() v1.DeadLetter {
	l := deadLetter("callback-ab", "callback_unreadable", time.Hour)
	l.RecordID, l.Raw = "", `{"Id": <script>alert(1)</script>}`
	return l
}

func TestDeadLettersByCause(t *testing.T) {
	w := newEnv(t)
	w.given(deadLetter("company-7", "rejected", 2*time.Hour), unreadable(), deadLetter("contract-8", "rejected", time.Hour), deadLetter("contact-9", "row_unreadable", time.Hour))
	a := w.get(deadLettersAt)
	if a.StatusCode != 200 || a.doc.Find("section.issue").Length() != 3 {
		t.Fatalf("%d: %s", a.StatusCode, a.html)
	}
	first := a.text("section.issue:first-of-type")
	for _, want := range []string{"About rejected", "What to do: Mend rejected.", "2 records", "first seen 14 hours ago, last 1 hour ago", "Try all 2 again", "Client Maple Bakery", "name: too long"} {
		if !strings.Contains(first, want) {
			t.Errorf("the cause lacks %q: %s", want, first)
		}
	}
	if strings.Index(first, "Contract 8") > strings.Index(first, "Maple Bakery") {
		t.Error("the latest failure is not the first")
	}
	if href, _ := a.doc.Find("section.issue tbody tr:last-child th a").Attr("href"); href != "/installations/"+one+"/records/company/7" {
		t.Errorf("the record is at %q", href)
	}
	var codes []string
	for _, n := range a.doc.Find(".head input[name=code]").Nodes {
		for _, attr := range n.Attr {
			if attr.Key == "value" {
				codes = append(codes, attr.Val)
			}
		}
	}
	if diff := cmp.Diff([]string{"rejected", "row_unreadable"}, codes); diff != "" {
		t.Errorf("all that can be tried again: %s", diff)
	}
	if n := a.doc.Find(`form[action$=requeue] input[value="callback_unreadable"], form[action$=requeue] input[value="callback-ab"]`).Length(); n != 0 {
		t.Error("a body that nobody could read can be tried again")
	}
	if strings.Contains(a.html, "Id&#34;") || strings.Contains(a.html, "alert(1)") {
		t.Error("the list shows a body")
	}
}

func TestDeadLettersOfOneCause(t *testing.T) {
	w := newEnv(t)
	var all []v1.DeadLetter
	for i := range 120 {
		all = append(all, deadLetter(fmt.Sprintf("company-%d", i), "rejected", time.Duration(i)*time.Minute))
	}
	w.given(append(all, deadLetter("company-500", "not_pushable", time.Minute))...)
	if a := w.get(deadLettersAt); a.doc.Find("tbody tr").Length() != perCause+1 || a.doc.Find(`a[href="?code=rejected"]`).Length() != 1 {
		t.Errorf("all causes: %d rows", a.doc.Find("tbody tr").Length())
	}
	for from, want := range map[string]string{
		"":       "1 to 50 of 120 Next",
		"50":     "Previous 51 to 100 of 120 Next",
		"100":    "Previous 101 to 120 of 120",
		"10":     "Previous 11 to 60 of 120 Next",
		"120":    "1 to 50 of 120 Next",
		"-1":     "1 to 50 of 120 Next",
		"<what>": "1 to 50 of 120 Next",
	} {
		a := w.get(deadLettersAt + "?code=rejected&from=" + url.QueryEscape(from))
		if got := a.text(".pager"); got != want || a.doc.Find("section.issue").Length() != 1 {
			t.Errorf("from %q: got %q, want %q", from, got, want)
		}
	}
	if got := w.get(deadLettersAt + "?code=ambiguous_match").text(".empty"); !strings.Contains(got, "Nothing with this cause is left") {
		t.Errorf("a cause that is gone: %q", got)
	}
}

func TestNoDeadLetters(t *testing.T) {
	w := newEnv(t)
	w.given()
	if got := w.get(deadLettersAt).text(".empty h2"); got != "Nothing has failed permanently" {
		t.Errorf("got %q", got)
	}
}

func TestTryingAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		fields url.Values
		wrote  []string
		say    string
	}{
		"one":    {url.Values{"id": {"company-7"}}, []string{`{"ids":["company-7"]}`}, "It is being tried again."},
		"cause":  {url.Values{"code": {"rejected"}}, []string{`{"code":"rejected"}`}, "They are being tried again."},
		"causes": {url.Values{"code": {"rejected", "row_unreadable"}}, []string{`{"code":"rejected"}`, `{"code":"row_unreadable"}`}, "They are being tried again."},
	} {
		w := newEnv(t)
		w.given()
		a := w.post(deadLettersAt+"/requeue", tc.fields)
		if a.StatusCode != 303 || a.Header.Get("Location") != deadLettersAt || !strings.HasPrefix(a.flash(t).Text, tc.say) {
			t.Errorf("%s: %d to %s, %+v", name, a.StatusCode, a.Header.Get("Location"), a.flash(t))
		}
		var want []string
		for _, body := range tc.wrote {
			want = append(want, "POST "+deadLettersAt+"/requeue "+body)
		}
		if diff := cmp.Diff(want, w.wrote()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	w := newEnv(t)
	w.given()
	if a := w.post(deadLettersAt+"/requeue", url.Values{"back": {deadLettersAt}}); !a.flash(t).Problem || len(w.wrote()) != 0 {
		t.Errorf("nothing named: %+v, asked %q", a.flash(t), w.wrote())
	}
	w.answer("POST "+deadLettersAt+"/requeue", v1.NotFound("There is no dead letter company-7."))
	a := w.post(deadLettersAt+"/requeue", url.Values{"id": {"company-7"}, "back": {deadLettersAt + "?code=rejected"}})
	if f := a.flash(t); !f.Problem || f.Text != "There is no dead letter company-7." || a.Header.Get("Location") != deadLettersAt+"?code=rejected" {
		t.Errorf("refused: %+v to %s", f, a.Header.Get("Location"))
	}
}

func TestOneDeadLetter(t *testing.T) {
	w := newEnv(t)
	w.given(deadLetter("company-7", "rejected", time.Hour), unreadable())
	w.answer("GET /installations/"+one+"/records/company/7", v1.RecordDetail{Record: v1.Record{Kind: v1.KindCompany, ID: "7", Name: "Maple Bakery"}})
	a := w.get(deadLettersAt + "/company-7")
	if a.StatusCode != 200 || !strings.Contains(a.text("main"), "ClientMaple Bakery") || a.doc.Find("#body-title").Length() != 0 {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	w.answer("GET /installations/"+one+"/records/company/7", v1.NotFound("There is no such record."))
	if a := w.get(deadLettersAt + "/company-7"); a.StatusCode != 200 || !strings.Contains(a.text("main"), "Client7") {
		t.Errorf("of an unknown record: %d: %s", a.StatusCode, a.text("main"))
	}

	if a := w.get(deadLettersAt + "/callback-ab"); a.doc.Find("pre, form[action$=requeue]").Length() != 0 || !strings.Contains(a.text("main"), "33 bytes long") {
		t.Errorf("a callback: %s", a.text("main"))
	}
	shown := w.get(deadLettersAt + "/callback-ab?body=show")
	shown.clean(t)
	if shown.doc.Find("pre").Text() != unreadable().Raw {
		t.Errorf("its body: %s", shown.text("main"))
	}
	if a := w.get(deadLettersAt + "/company-99"); a.StatusCode != 404 || !strings.Contains(a.text("main"), "no longer on the list") {
		t.Errorf("one that is gone: %d: %s", a.StatusCode, a.text("main"))
	}
}

func TestDismissingAsksFirst(t *testing.T) {
	w := newEnv(t)
	w.given(unreadable())
	w.answer("POST "+deadLettersAt+"/bulk", v1.BulkResult{Count: 1, Done: 1})
	asks := w.get(deadLettersAt + "/callback-ab/dismiss")
	action, _ := asks.doc.Find("main form").Attr("action")
	if action != deadLettersAt+"/callback-ab/dismiss" || !strings.Contains(asks.text("main"), "permanently deleted") || len(w.wrote()) != 0 {
		t.Fatalf("to %s: %s", action, asks.text("main"))
	}
	a := w.post(action, fieldsOfForm(asks))
	want := "POST " + deadLettersAt + `/bulk {"action":"dismiss","ids":["callback-ab"],"asOf":"2026-11-23T15:04:05Z"}`
	if diff := cmp.Diff([]string{want}, w.wrote()); diff != "" || a.Header.Get("Location") != deadLettersAt || a.flash(t).Problem {
		t.Errorf("to %s, %+v: %s", a.Header.Get("Location"), a.flash(t), diff)
	}
	w.answer("POST "+deadLettersAt+"/bulk", v1.BulkResult{NotPossible: []v1.NotPossible{{Count: 1, Reason: "it failed again since the list was shown"}}})
	if said := w.post(action, fieldsOfForm(asks)).flash(t).Text; said != "It is not dismissed: 1 left: it failed again since the list was shown." {
		t.Errorf("one that failed again since says %q", said)
	}
}

func TestDismissingACauseAsksFirst(t *testing.T) {
	w := newEnv(t)
	w.given(deadLetter("company-7", "rejected", 2*time.Hour), deadLetter("contract-8", "rejected", time.Hour), deadLetter("contact-9", "row_unreadable", time.Minute))
	w.answer("POST "+deadLettersAt+"/bulk", v1.BulkResult{Count: 2, Sample: []v1.BulkItem{{ID: "company-7", Kind: "company", Name: "Rejected"}}, Job: "j-1"})
	list := w.get(deadLettersAt)
	ask := list.doc.Find("section.issue .actions a.button")
	href, _ := ask.Attr("href")
	if ask.Length() != 1 || href != deadLettersAt+"/bulk?action=dismiss&of=filter&code=rejected&asOf=2026-11-23T15%3a04%3a05Z" || !strings.HasPrefix(ask.Text(), "Dismiss all 2…") {
		t.Fatalf("the list asks %d times, %q at %q", ask.Length(), ask.Text(), href)
	}
	asks := w.get(href)
	asks.clean(t)
	if got := asks.text("main h1"); got != "Dismiss: 2 dead letters?" || !strings.Contains(asks.text("main"), "And 1 more") || !strings.Contains(asks.text("main"), "evaluated when the job begins") {
		t.Fatalf("it asks %q: %s", got, asks.text("main"))
	}
	a := w.post(asks.doc.Find("main form").AttrOr("action", ""), fieldsOfForm(asks))
	want := []string{
		"POST " + deadLettersAt + `/bulk {"action":"dismiss","filter":{"code":"rejected"},"asOf":"2026-11-23T15:04:05Z","dryRun":true}`,
		"POST " + deadLettersAt + `/bulk {"action":"dismiss","filter":{"code":"rejected"},"expect":2,"asOf":"2026-11-23T15:04:05Z"}`,
	}
	if diff := cmp.Diff(want, w.wrote()); diff != "" || a.Header.Get("Location") != "/installations/"+one+"/jobs/j-1" || a.flash(t).Problem {
		t.Errorf("to %s, %+v: %s", a.Header.Get("Location"), a.flash(t), diff)
	}
}

// fieldsOfForm are the hidden fields of the page's last form.
func fieldsOfForm(p *answered) url.Values {
	fields := url.Values{}
	for _, field := range p.doc.Find("main form").Last().Find("input[type=hidden]").EachIter() {
		fields.Add(field.AttrOr("name", ""), field.AttrOr("value", ""))
	}
	return fields
}

func TestDeadLettersAreText(t *testing.T) {
	w := newEnv(t)
	l := deadLetter("company-7", mean, time.Hour)
	l.Detail, l.Title, l.Fix, l.Raw = mean, mean, mean, mean
	odd := deadLetter("company-8", "rejected", time.Hour)
	odd.ID, odd.RecordID, odd.Kind = mean, mean, mean
	w.given(l, odd)
	name := v1.Record{Kind: v1.KindCompany, ID: "7", Name: mean + strings.Repeat("x", 200)}
	w.answer("GET /installations/"+one+"/records", v1.Page[v1.Record]{Items: []v1.Record{name}})
	w.answer("GET /installations/"+one+"/records/company/7", v1.RecordDetail{Record: name})
	for _, path := range []string{"", "?code=" + url.QueryEscape(mean), "/company-7?body=show", "/company-7/dismiss"} {
		a := w.get(deadLettersAt + path)
		a.clean(t)
		if a.StatusCode != 200 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

// TestAllOfACauseAreTriedAgainAsFarAsTheyWereSeen: by the button of a cause, and by that of all.
func TestAllOfACauseAreTriedAgainAsFarAsTheyWereSeen(t *testing.T) {
	w := newEnv(t)
	w.given(deadLetter("company-7", "rejected", 2*time.Hour), deadLetter("contract-8", "rejected", time.Hour), deadLetter("company-9", "row_unreadable", time.Hour))
	forms := w.get(deadLettersAt).doc.Find(`form[action$="/requeue"]`)
	codes := 0
	for _, form := range forms.EachIter() {
		if form.Find("input[name=code]").Length() == 0 {
			continue // of one, which tries it again and harms nothing
		}
		codes++
		fields := url.Values{}
		for _, field := range form.Find("input[type=hidden]").EachIter() {
			fields.Add(field.AttrOr("name", ""), field.AttrOr("value", ""))
		}
		before := len(w.wrote())
		w.post(deadLettersAt+"/requeue", fields)
		for _, wrote := range w.wrote()[before:] {
			if !strings.Contains(wrote, `"until":"2026-11-23T15:04:05Z"`) {
				t.Errorf("wrote %s", wrote)
			}
		}
		if len(w.wrote()) == before {
			t.Errorf("%v does nothing", fields)
		}
	}
	if codes != 2 {
		t.Errorf("%d forms are of causes, want two", codes)
	}
	if a := w.post(deadLettersAt+"/requeue", url.Values{"code": {"rejected"}, "asOf": {"yesterday"}}); a.StatusCode != 422 {
		t.Errorf("a time that is none: %d", a.StatusCode)
	}
}
