package console

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

const recordsAt = "/installations/" + one + "/records"

func aRecord(id, name string, o v1.Outcome, reasons ...string) v1.Record {
	at := clockNow().Add(-3 * time.Minute)
	return v1.Record{
		Kind: v1.KindCompany, ID: id, Name: name, Outcome: o, Reasons: reasons, ChangedAt: &at, ReconciledAt: &at, PushedAt: &at,
	}
}

// listed has the API answer a list and the counts beside it.
func (w *env) listed(next string, items ...v1.Record) {
	page := v1.Page[v1.Record]{Items: items}
	if next != "" {
		page.NextCursor = &next
	}
	w.answer("GET "+recordsAt, page)
	counts := v1.RecordCounts{
		Total: 1412, Kinds: map[v1.Kind]int{v1.KindCompany: 1412, v1.KindContract: 240},
		Outcomes: map[v1.Outcome]int{v1.OutcomePushed: 1187, v1.OutcomeNotMet: 225},
		Reasons:  map[string]int{v1.ReasonTypeNotCustomer: 200, v1.ReasonStatusInactive: 25},
	}
	if len(items) == 0 {
		counts = v1.RecordCounts{}
	}
	w.answer("GET "+recordsAt+"/counts", counts)
}

func (w *env) reads(path string) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.asked {
		if strings.HasPrefix(a, "GET "+path) {
			out = append(out, strings.TrimPrefix(a, "GET "+path))
		}
	}
	return out
}

func TestRecords(t *testing.T) {
	w := newEnv(t)
	w.listed("company:29683581", aRecord("29683580", "Northwind Dental", v1.OutcomePushed),
		aRecord("29683581", "", v1.OutcomeNotMet, v1.ReasonTypeNotCustomer, v1.ReasonStatusInactive))
	a := w.get(recordsAt + "?kind=company&outcome=&reason=type_not_customer&q=+north%26+&cursor=company:5")
	if a.StatusCode != 200 || a.doc.Find("h1").Length() != 1 {
		t.Fatalf("%d: %s", a.StatusCode, a.html)
	}
	want := []string{"/counts?kind=company&q=north%26&reason=type_not_customer", "?cursor=company%3A5&kind=company&limit=50&q=north%26&reason=type_not_customer"}
	if diff := cmp.Diff(want, w.reads(recordsAt)); diff != "" {
		t.Errorf("the API was asked: %s", diff)
	}
	for selector, want := range map[string]string{
		"#found-title":                                  "1,412 records found",
		"tbody tr:nth-child(1) th":                      "Northwind Dental",
		"tbody tr:nth-child(1) td":                      "Client29683580Synced–none3 minutes ago3 minutes ago",
		"tbody tr:nth-child(2) th":                      "No name",
		`tbody tr:nth-child(2) td[data-label="Reason"]`: "Company type is not Customer; Company is inactive",
		"#kind option[selected]":                        "Clients (1,412)",
		"#outcome option[value=not_met]":                "Not synced (225)",
		"#reason option[selected]":                      "Company type is not Customer (200)",
		"#reason option:nth-child(3)":                   "Company is inactive (25)",
	} {
		if got := a.text(selector); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: got %q, want %q", selector, got, want)
		}
	}
	if got := a.doc.Find("#q").AttrOr("value", ""); got != "north&" {
		t.Errorf("the search shows %q", got)
	}
	links := map[string]string{
		"tbody tr:nth-child(1) th a": recordsAt + "/company/29683580",
		"a[rel=next]":                recordsAt + "?cursor=company%3A29683581&kind=company&q=north%26&reason=type_not_customer",
		".pager a:nth-child(1)":      recordsAt + "?kind=company&q=north%26&reason=type_not_customer",
		".filters .actions a":        recordsAt,
	}
	for selector, want := range links {
		if got := a.doc.Find(selector).AttrOr("href", ""); got != want {
			t.Errorf("%s leads to %q, want %q", selector, got, want)
		}
	}
	if n := a.doc.Find(".filters label").Length(); n != a.doc.Find(".filters input, .filters select").Length() {
		t.Errorf("%d labels of the filters", n)
	}
}

func TestRecordsWithNothingToShow(t *testing.T) {
	for name, tc := range map[string]struct {
		query string
		items []v1.Record
		says  string
		links []string
	}{
		"nothing seen yet": {"", nil, "No client or contract has been seen yet", []string{"/installations/" + one}},
		"a name":           {"?q=nobody", nil, "Nothing matches these filters.", []string{recordsAt}},
		"filters":          {"?outcome=dead", nil, "Choose fewer filters to see more.", []string{recordsAt}},
		"an id": {"?q=123", nil, "No record seen so far has the id or name “123”.", []string{
			recordsAt + "/company/123?explain=1", recordsAt + "/contract/123?explain=1", recordsAt,
		}},
		"an id of a kind": {"?q=123&kind=contract", nil, "Looking it up changes nothing", []string{recordsAt + "/contract/123?explain=1", recordsAt}},
		"an id that a name has too": {
			"?q=123",
			[]v1.Record{aRecord("7", "Studio 123", v1.OutcomePushed)},
			"Look up company 123 in Autotask",
			[]string{recordsAt + "/company/7", recordsAt + "/company/123?explain=1", recordsAt + "/contract/123?explain=1"},
		},
		"an id that is there": {"?q=7", []v1.Record{aRecord("7", "Studio", v1.OutcomePushed)}, "Studio", []string{recordsAt + "/company/7"}},
		"past the end":        {"?cursor=company:9", nil, "There are no more records after this page.", []string{recordsAt, recordsAt}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newEnv(t)
			w.listed("", tc.items...)
			a := w.get(recordsAt + tc.query)
			if a.StatusCode != 200 || !strings.Contains(a.text("#found"), tc.says) {
				t.Errorf("%d: %q lacks %q", a.StatusCode, a.text("#found"), tc.says)
			}
			for _, link := range tc.links {
				if a.doc.Find(`#found a[href="`+link+`"]`).Length() == 0 {
					t.Errorf("there is no link to %s:\n%s", link, a.html)
				}
			}
			if tc.query == "?q=7" && strings.Contains(a.text("#found"), "Look up") {
				t.Error("what is in the list is offered to be looked up")
			}
		})
	}
}

func TestRecordQuery(t *testing.T) {
	for query, want := range map[string]v1.RecordQuery{
		"": {Limit: 50},
		"kind=contract&outcome=dead&reason=rejected&q=a&cursor=c": {
			Kind: v1.KindContract, Outcome: v1.OutcomeDead, Reason: "rejected", Q: "a", Cursor: "c", Limit: 50,
		},
		"kind=contact&outcome=happy&limit=5&x=y": {Limit: 50},
		"q=+" + strings.Repeat("ä", 250):         {Q: strings.Repeat("ä", 200), Limit: 50},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, recordQuery(values)); diff != "" {
			t.Errorf("%.40s: %s", query, diff)
		}
	}
}

func TestLookUp(t *testing.T) {
	w := newEnv(t)
	if a := w.get(recordsAt + "/lookup?kind=contract&record=+29683580+"); a.Header.Get("Location") != recordsAt+"/contract/29683580?explain=1" {
		t.Errorf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	for _, query := range []string{"", "?kind=company&record=abc", "?kind=contact&record=5", "?kind=company&record=-1", "?kind=company&record=" + url.QueryEscape(mean)} {
		a := w.get(recordsAt + "/lookup" + query)
		if a.Header.Get("Location") != recordsAt || !strings.Contains(a.flash(t).Text, "is not an Autotask id") {
			t.Errorf("%s: %d to %q, saying %q", query, a.StatusCode, a.Header.Get("Location"), a.flash(t).Text)
		}
	}
}

func TestRecordsEscapeEverything(t *testing.T) {
	w := newEnv(t)
	in := anInstallation()
	in.Name = mean
	w.installed(in)
	r := aRecord("7", strings.Repeat(mean, 5), v1.Outcome(mean), mean)
	r.Kind, r.ID = v1.Kind(mean), mean
	w.listed(mean, r)
	w.answer("GET "+recordsAt+"/counts", v1.RecordCounts{Reasons: map[string]int{mean: 3}})
	a := w.get(recordsAt + "?q=" + url.QueryEscape(mean) + "&cursor=" + url.QueryEscape(mean))
	a.clean(t)
	if a.StatusCode != 200 || !strings.Contains(a.text("tbody th"), "<script>alert(1)</script>") {
		t.Errorf("%d: %s", a.StatusCode, a.text("tbody"))
	}
}

func TestRecordsOfAnAPIThatRefuses(t *testing.T) {
	w := newEnv(t)
	w.listed("")
	w.answer("GET "+recordsAt, v1.Invalid("The query of the request is not valid."))
	if a := w.get(recordsAt + "?cursor=theirs"); a.StatusCode != 422 || a.text("h1") != "This did not work" {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	if a := w.get("/installations/nowhere/records"); a.StatusCode != 404 {
		t.Errorf("got %d, want 404", a.StatusCode)
	}
}
