package export

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const inst = "01jxoneaaaaaaaaaaaaaaaaaaa"

// kept is an audit.
type kept struct {
	mu      sync.Mutex
	entries []v1.AuditEntry
}

func (k *kept) Audit(_ context.Context, e v1.AuditEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.entries = append(k.entries, e)
}

func (k *kept) details() (out []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.entries {
		out = append(out, fmt.Sprintf("%s %s %v", e.Action, e.Detail, e.OK))
	}
	return out
}

// serving is an API with an exporter before it.
func serving(t *testing.T, api http.Handler) (string, *kept) {
	t.Helper()
	audit := &kept{}
	r := chi.NewRouter()
	r.Mount("/api/v1", New(Config{API: api, Auditor: audit, Log: zap.NewNop(), Now: time.Now}))
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	return srv.URL + "/api/v1", audit
}

func fetch(t *testing.T, url string) (*http.Response, string, error) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// records is an API with n records on pages of the size that is asked for; from the page broken on it fails.
func records(n, broken int) http.Handler {
	r := chi.NewRouter()
	r.Get("/installations/{id}/records", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from, _ := strconv.Atoi(q.Get("cursor"))
		size, _ := strconv.Atoi(q.Get("limit"))
		if q.Get("values") != "true" || q.Has("format") || from >= broken {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		page := v1.Page[v1.Record]{Items: []v1.Record{}}
		for i := from; i < min(n, from+size); i++ {
			page.Items = append(page.Items, v1.Record{
				Kind: v1.KindCompany, ID: strconv.Itoa(i), Name: "=Client, " + strconv.Itoa(i), Outcome: v1.OutcomePushed, Reasons: []string{"a", "b"},
				Values: json.RawMessage(`{"name":"Sent","phones":[{"value":"+1"},{"value":"+2"}],"overallCost":{"amount":"10.50","currency":"EUR"}}`),
			})
		}
		if from+size < n {
			next := strconv.Itoa(from + size)
			page.NextCursor = &next
		}
		_ = json.NewEncoder(w).Encode(page)
	})
	return r
}

func TestExportIsTheWholeList(t *testing.T) {
	url, audit := serving(t, records(1234, 9999))
	resp, text, err := fetch(t, url+"/installations/"+inst+"/records?format=csv&outcome=pushed&q=secret+name")
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		resp.Header.Get("Content-Disposition") != `attachment; filename="records.csv"` {
		t.Fatalf("%v %v %v", err, resp.StatusCode, resp.Header)
	}
	rows, err := parse(text)
	if err != nil || len(rows) != 1235 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	value := func(row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	for name, want := range map[string]string{
		"id": "1233", "name": "=Client, 1233", "reasons": "a; b", "sentName": "Sent", "phones": "+1; +2", "overallCost": "10.50", "currency": "EUR", "city": "",
	} {
		if got := value(1234, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	_, text, err = fetch(t, url+"/installations/"+inst+"/records?format=json")
	var all struct {
		Items []v1.Record `json:"items"`
		Count int         `json:"count"`
	}
	if bad := json.Unmarshal([]byte(text), &all); err != nil || bad != nil || all.Count != 1234 || len(all.Items) != 1234 {
		t.Errorf("JSON: %v, %v, %d of %d", err, bad, len(all.Items), all.Count)
	}
	resp, text, _ = fetch(t, url+"/installations/"+inst+"/records?format=csv-spreadsheet")
	if !strings.HasPrefix(text, "\ufeffkind,") || !strings.Contains(text, `"'=Client, 7"`) || !strings.Contains(resp.Header.Get("Content-Disposition"), "records-spreadsheet.csv") {
		t.Errorf("%s %.300s", resp.Header.Get("Content-Disposition"), text)
	}
	want := []string{
		"export records as csv, outcome pushed, a search: 1234 true", "export records as json, all: 1234 true",
		"export records as csv-spreadsheet, all: 1234 true",
	}
	if got := audit.details(); !slices.Equal(got, want) {
		t.Errorf("audited %q", got)
	}
}

func TestExportThatBreaksOffIsSeenToBe(t *testing.T) {
	for _, format := range Formats {
		url, audit := serving(t, records(1234, 1000))
		resp, text, err := fetch(t, url+"/installations/"+inst+"/records?format="+string(format))
		if err == nil || resp.StatusCode != 200 || strings.Contains(text, `"count"`) {
			t.Errorf("%s: got %d, %d bytes and %v, want it to be cut", format, resp.StatusCode, len(text), err)
		}
		if got := audit.details(); len(got) != 1 || got[0] != "export records as "+string(format)+", all: 1000, broken off false" {
			t.Errorf("%s: audited %q", format, got)
		}
	}
	url, audit := serving(t, records(1234, 0)) // before it has begun
	if resp, _, err := fetch(t, url+"/installations/"+inst+"/records?format=csv"); err != nil || resp.StatusCode != 500 || len(audit.details()) != 0 {
		t.Errorf("got %d, %v, audited %q", resp.StatusCode, err, audit.details())
	}
}

func TestExportsThatAreRefused(t *testing.T) {
	url, _ := serving(t, records(1, 9))
	for _, query := range []string{"format=xls", "format=", "format=csv&format=json", "format=csv&limit=5", "format=csv&cursor=a", "format=csv&values=false"} {
		resp, text, _ := fetch(t, url+"/installations/"+inst+"/records?"+query)
		if resp.StatusCode != 422 || !strings.Contains(text, `"pointer":"?`) {
			t.Errorf("%s: got %d %s", query, resp.StatusCode, text)
		}
	}
	for _, query := range []string{"dead-letters?format=csv&code=unknown", "activity?format=json&trigger=magic", "activity?format=csv&kind=contact", "activity?format=csv&outcome=happy"} {
		resp, text, _ := fetch(t, url+"/installations/"+inst+"/"+query)
		if resp.StatusCode != 422 || !strings.Contains(text, "got another value, want one of ") {
			t.Errorf("%s: got %d %s", query, resp.StatusCode, text)
		}
	}
	if resp, _, _ := fetch(t, url+"/installations/"+inst+"/records/counts?format=csv"); resp.StatusCode != 404 { // it is the API's
		t.Errorf("no list: got %d", resp.StatusCode)
	}
}

func TestFiltersOfExportsAlone(t *testing.T) {
	api := chi.NewRouter()
	api.Get("/installations/{id}/activity", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "limit=500" {
			t.Errorf("asked %s", r.URL.RawQuery)
		}
		_, _ = io.WriteString(w, `{"items":[{"id":"1","name":"Acme","kind":"company","outcome":"pushed"},{"id":"2","name":"ACME two","kind":"contract"},{"id":"3","name":"x","kind":"company"}]}`)
	})
	url, _ := serving(t, api)
	for query, want := range map[string]int{"": 3, "&kind=company": 2, "&q=acme": 2, "&q=acme&kind=company&outcome=pushed": 1, "&q=3": 1, "&trigger=poll": 0} {
		_, text, _ := fetch(t, url+"/installations/"+inst+"/activity?format=csv"+query)
		if rows, err := parse(text); err != nil || len(rows)-1 != want {
			t.Errorf("%q: %d rows, %v", query, len(rows)-1, err)
		}
	}
}

func TestVersionsOfARecordAreAList(t *testing.T) {
	api := chi.NewRouter()
	api.Get("/installations/{id}/records/{kind}/{record}/versions", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("kind") != "company" || r.URL.RawQuery != "limit=500" {
			t.Errorf("asked %s", r.URL)
		}
		_ = json.NewEncoder(w).Encode(v1.VersionPage{Items: []v1.Version{{
			Number: 3, Kind: v1.VersionRepaired, Cause: v1.Cause{Trigger: v1.TriggerSweep, By: "ann"}, Projection: json.RawMessage(`{"name":"=Sent"}`),
			Changes: []v1.Difference{{Field: "name", From: "A", To: "=Sent"}, {Field: "phones[0].value", To: "+1"}},
			Edited:  []v1.DriftField{{Field: "name", Theirs: new("Mine"), Due: "=Sent"}},
		}}})
	})
	url, audit := serving(t, api)
	at := url + "/installations/" + inst + "/records/company/7/versions"
	resp, text, _ := fetch(t, at+"?format=csv")
	rows, err := parse(text)
	if err != nil || len(rows) != 2 || resp.Header.Get("Content-Disposition") != `attachment; filename="versions-company-7.csv"` {
		t.Fatalf("%v %v %s", err, resp.Header, text)
	}
	for name, want := range map[string]string{
		"number": "3", "trigger": "sweep", "by": "ann", "changed": "name; phones[0].value", "changedTo": "=Sent; +1", "theirs": "Mine", "sentName": "=Sent", "city": "",
	} {
		if got := rows[1][slices.Index(rows[0], name)]; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if _, text, _ = fetch(t, at+"?format=csv-spreadsheet"); !strings.Contains(text, ",'=Sent,") {
		t.Errorf("for a spreadsheet: %s", text)
	}
	if resp, _, _ := fetch(t, at+"?format=csv&at=2026-11-03"); resp.StatusCode != 422 {
		t.Errorf("of a day: %d", resp.StatusCode)
	}
	if got := audit.details(); len(got) != 2 || got[0] != "export versions-company-7 as csv, all: 1 true" {
		t.Errorf("audited %q", got)
	}
}

func TestRowsForEachElement(t *testing.T) {
	l, _, _ := find("/installations/" + inst + "/drift")
	rows, err := l.rows([]byte(`{"kind":"company","id":"7","name":"A","approved":true,"fields":[{"field":"name","theirs":null,"ours":"A"},{"field":"city","theirs":"X","ours":""}]}`))
	if err != nil || fmt.Sprint(rows) != "[[company 7 A     true name  A] [company 7 A     true city X ]]" {
		t.Errorf("%v %v", rows, err)
	}
	if rows, err := l.rows([]byte(`{"id":"7","fields":[]}`)); err != nil || len(rows) != 1 {
		t.Errorf("%v %v", rows, err)
	}
}

// TestColumnsAreOfTheTypes finds a column whose value is nowhere, and a field of a list that no column has.
func TestColumnsAreOfTheTypes(t *testing.T) {
	types := map[string]any{
		"/installations": v1.Installation{}, "/status": v1.InstallationStatus{}, "/installations/{id}/issues": v1.Issue{},
		"/installations/{id}/records": v1.Record{}, "/installations/{id}/records/{kind}/{record}/versions": v1.Version{}, "/installations/{id}/dead-letters": v1.DeadLetter{}, "/installations/{id}/drift": v1.Drift{},
		"/installations/{id}/jobs": v1.Job{}, "/installations/{id}/activity": v1.FeedEvent{}, "/installations/{id}/bridges": v1.BridgeStatus{},
		"/audit": v1.AuditEntry{}, "/tokens": v1.Token{},
	}
	// What an export leaves out: what is not of a row, and what an export of its own has.
	without := map[string][]string{
		"/installations": {"webhooks", "options", "repaired", "resumesAt", "goesOnAt", "parts", "jobs"},
		"/status":        {"freshness", "parts"}, "/installations/{id}/jobs": {"replay", "bulk"},
	}
	for _, l := range lists {
		item := types[l.path]
		if item == nil {
			t.Errorf("%s has no type here", l.path)
			continue
		}
		fields := map[string]bool{}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(item)) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[name] = name != "" && name != "-"
		}
		used := map[string]bool{}
		for _, c := range l.columns {
			if !fields[c.path[0]] {
				t.Errorf("%s: the column %s is of no field", l.path, c.name)
			}
			used[c.path[0]] = true
		}
		for name, is := range fields {
			if is && !used[name] && !slices.Contains(without[l.path], name) {
				t.Errorf("%s: no column has %s", l.path, name)
			}
		}
	}
}
