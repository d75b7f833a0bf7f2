package console

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

// someRecords are two on a page of more.
func (w *env) someRecords() {
	w.listed("company:9", aRecord("7", "Northwind", v1.OutcomePushed), aRecord("8", mean, v1.OutcomeDead))
}

func TestSelectedRecordsAreReconciled(t *testing.T) {
	w := newEnv(t)
	w.someRecords()
	w.answer("POST "+recordsAt+"/reconcile", v1.BulkResult{Count: 2, Done: 2, Sample: []v1.BulkItem{{ID: "7", Kind: "company", Name: mean}}})
	list := w.get(recordsAt + "?kind=company")
	list.clean(t)
	boxes := list.doc.Find(`td input[type=checkbox][form=pick][name=record]`)
	form := list.doc.Find("form#pick")
	if boxes.Length() != 2 || form.AttrOr("method", "") != "get" || form.AttrOr("action", "") != recordsAt+"/reconcile" ||
		form.Find("input[name=page]").AttrOr("value", "") != "company/7 company/8" || !strings.Contains(form.Text(), "all 1,412 that fit the filters") {
		t.Fatalf("%d boxes, form %s", boxes.Length(), form.Text())
	}
	asks := w.get(recordsAt + "/reconcile?of=selected&kind=company&record=company/7&record=company/8&page=company/7+company/8")
	asks.clean(t)
	if got := asks.text("main h1"); got != "Sync now: 2 records?" {
		t.Fatalf("it asks %q", got)
	}
	a := w.post(recordsAt+"/reconcile", fieldsOfForm(asks))
	named := `{"records":[{"kind":"company","id":"7"},{"kind":"company","id":"8"}]`
	if diff := cmp.Diff([]string{"POST " + recordsAt + "/reconcile " + named + `,"dryRun":true}`, "POST " + recordsAt + "/reconcile " + named + "}"}, w.wrote()); diff != "" {
		t.Error(diff)
	}
	if a.Header.Get("Location") != recordsAt+"?kind=company" || a.flash(t).Text != "2 are being synced now." {
		t.Errorf("to %s: %+v", a.Header.Get("Location"), a.flash(t))
	}
	if a := w.get(recordsAt + "/reconcile?of=selected"); a.StatusCode != 422 || !strings.Contains(a.text("main"), "Nothing is selected") {
		t.Errorf("nothing selected: %d", a.StatusCode)
	}
}

// A filter that there is not is refused, never taken for all records; its page leads back to the list.
func TestUnknownFiltersAreRefused(t *testing.T) {
	w := newEnv(t)
	w.someRecords()
	for path, back := range map[string]string{
		recordsAt + "/reconcile?of=filter&outcome=bogus&kind=company": recordsAt + "?kind=company",
		recordsAt + "?outcome=bogus":                                  recordsAt,
		recordsAt + "/reconcile?of=selected&outcome=dead":             recordsAt + "?outcome=dead",
	} {
		a := w.get(path)
		if a.StatusCode != 422 || a.doc.Find(`main a[href="`+back+`"]`).Length() != 1 {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text("main"))
		}
		if strings.Contains(path, "bogus") && !strings.Contains(a.text("main"), `outcome: there is no "bogus", want one of pushed`) {
			t.Errorf("%s does not name the field: %s", path, a.text("main"))
		}
	}
	if n := len(w.wrote()); n != 0 {
		t.Errorf("%d writes", n)
	}
}

// What was seen of dead letters goes with the question and the answer.
func TestDeadLettersAreDismissedAsTheyWereSeen(t *testing.T) {
	w := newEnv(t)
	w.answer("POST "+deadLettersAt+"/bulk", v1.BulkResult{Count: 1, Done: 1, Sample: []v1.BulkItem{{ID: "company-7", Kind: "company", Name: "Northwind", Cause: "Rejected"}}})
	asks := w.get(deadLettersAt + "/bulk?action=dismiss&id=company-7&asOf=2026-11-30T09:00:00.5Z")
	if text := asks.text("main"); !strings.Contains(text, "Northwind") || !strings.Contains(text, "Client") || !strings.Contains(text, "Rejected") {
		t.Errorf("it asks %s", text)
	}
	w.post(deadLettersAt+"/bulk", fieldsOfForm(asks))
	if wrote := w.wrote(); !strings.Contains(wrote[len(wrote)-1], `"asOf":"2026-11-30T09:00:00.5Z"`) {
		t.Errorf("wrote %q", wrote)
	}
}

func TestPageAndFilterOfRecords(t *testing.T) {
	w := newEnv(t)
	w.answer("POST "+recordsAt+"/reconcile", v1.BulkResult{Count: 123, Job: "j-7", Sample: []v1.BulkItem{}})
	w.answer("POST "+recordsAt+"/exclude", v1.BulkResult{
		Count: 2, Done: 2, Sample: []v1.BulkItem{}, NotPossible: []v1.NotPossible{{Count: 1, Reason: "a contract is excluded with its client"}}, Preview: &v1.Preview{Leave: 5}, InScope: 9,
	})
	asks := w.get(recordsAt + "/reconcile?of=filter&outcome=dead&q=acme&page=company/7")
	if !strings.Contains(asks.text("main"), "Sync now: 123 records?") || !strings.Contains(asks.text("main"), "found by “acme”") {
		t.Fatalf("it asks: %s", asks.text("main"))
	}
	a := w.post(recordsAt+"/reconcile", fieldsOfForm(asks))
	if wrote := w.wrote(); wrote[1] != "POST "+recordsAt+`/reconcile {"filter":{"outcome":"dead","q":"acme"},"expect":123}` || a.Header.Get("Location") != "/installations/"+one+"/jobs/j-7" {
		t.Errorf("%q, to %s", wrote, a.Header.Get("Location"))
	}
	asks = w.get(recordsAt + "/exclude?of=page&page=company/7+contract/8+company/9")
	if !strings.Contains(asks.text("main"), "5 of 9 records in scope would leave") || !strings.Contains(asks.text("main"), "more than 50 percent") || !strings.Contains(asks.text("main"), "1 left as they are: a contract is excluded") {
		t.Errorf("it asks: %s", asks.text("main"))
	}
	a = w.post(recordsAt+"/exclude", fieldsOfForm(asks))
	if !strings.HasPrefix(a.flash(t).Text, "2 clients excluded.") || !strings.HasSuffix(a.flash(t).Text, "1 left: a contract is excluded with its client.") {
		t.Errorf("said %q", a.flash(t).Text)
	}
	w.answer("POST "+recordsAt+"/reconcile", v1.Conflict("The filter finds 200 now, not 123. Nothing was done.", "Confirm it anew."))
	again := recordsAt + "/reconcile?of=filter"
	if a := w.post(recordsAt+"/reconcile", url.Values{"of": {"filter"}, "expect": {"123"}, "back": {again}}); a.Header.Get("Location") != again || !a.flash(t).Problem {
		t.Errorf("moved: to %s, %+v", a.Header.Get("Location"), a.flash(t))
	}
}

// Whoever may not do it is offered no boxes.
func TestViewersSelectNothing(t *testing.T) {
	w := newEnv(t)
	w.someRecords()
	w.as(v1.Identity{ID: "v", Name: "v", Role: v1.RoleViewer})
	if a := w.get(recordsAt); a.doc.Find("#pick, input[type=checkbox]").Length() != 0 || a.doc.Find("p.exports a").Length() != 3 {
		t.Error("a viewer is offered to act on several records, or no export")
	}
	w.as(v1.Identity{ID: "o", Name: "o", Role: v1.RoleOperator})
	if a := w.get(recordsAt); a.doc.Find("#pick button").Length() != 1 {
		t.Error("an operator is offered what takes an admin")
	}
}

func TestExportsPassOnWhatTheAPIWrites(t *testing.T) {
	w := newEnv(t)
	w.someRecords()
	link, _ := w.get(recordsAt + "?kind=company&q=a%26b&cursor=company:5").doc.Find("p.exports a").First().Attr("href")
	if want := recordsAt + "/export?format=csv-spreadsheet&kind=company&q=a%26b"; link != want {
		t.Errorf("the link is %s, want %s", link, want)
	}
	w.answer("GET "+recordsAt, http.HandlerFunc(func(to http.ResponseWriter, _ *http.Request) {
		to.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_, _ = io.WriteString(to, "a,b\r\n")
	}))
	if a := w.get(link); a.StatusCode != 200 || a.html != "a,b\r\n" || a.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("%d %v %q", a.StatusCode, a.Header, a.html)
	}
	if reads := w.reads(recordsAt); reads[len(reads)-1] != "?format=csv-spreadsheet&kind=company&q=a%26b" {
		t.Errorf("asked %q", reads)
	}
	w.answer("GET "+recordsAt, v1.Invalid("No such format."))
	if a := w.get(recordsAt + "/export?format=xls"); a.StatusCode != 422 || !strings.Contains(a.text("main"), "No such format") {
		t.Errorf("refused: %d %s", a.StatusCode, a.text("main"))
	}
	if a := w.get("/sessions/export?format=json"); a.StatusCode != 200 || !strings.Contains(a.html, `"logIn":"token"`) || strings.Contains(a.html, `"key"`) || !strings.Contains(a.html, `"count":`) {
		t.Errorf("sessions: %d %s", a.StatusCode, a.html)
	}
}

// While an integration is stopped, nothing is said to be synced now.
func TestWorkOfWhatIsStoppedIsSaidToWait(t *testing.T) {
	w := newEnv(t)
	in := anInstallation()
	in.State = v1.StateStopped
	w.installed(in)
	w.answer("POST "+recordsAt+"/reconcile", v1.BulkResult{Count: 1, Done: 1})
	w.answer("POST "+companyAt+"/reconcile", struct{}{})
	w.answer("POST "+deadLettersAt+"/requeue", struct{}{})
	for path, form := range map[string]url.Values{
		recordsAt + "/reconcile":   {"record": {"company/7"}},
		companyAt + "/reconcile":   {},
		deadLettersAt + "/requeue": {"id": {"company-7"}},
	} {
		if text := w.post(path, form).flash(t).Text; !strings.Contains(text, "it waits until you start it") || strings.Contains(text, "now") {
			t.Errorf("%s says %q", path, text)
		}
	}
}
