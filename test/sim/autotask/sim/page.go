package sim

import (
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/schema"
)

//go:embed page.html
var pageHTML string

// shownCompanies is how many companies the page lists; a search narrows them down.
const shownCompanies = 100

// shownCallouts is how many callouts and error-log rows the page lists, newest first.
const shownCallouts = 30

type pageData struct {
	Username  string
	Search    string
	Refresh   bool
	Counts    []pageCount
	Companies []pageCompany
	More      int
	Webhooks  []Webhook
	Errors    []Row
	Requests  []pageCount
	Stats     Stats
	Used      int
	Callouts  []callout.Delivery
	Faults    []Fault
	Locked    bool
}

type pageCount struct {
	Name string
	N    int
	Ops  map[string]int
}

type pageCompany struct {
	Row       Row
	Type      string
	Contacts  []Row
	Contracts []pageContract
}

type pageContract struct {
	Row  Row
	Type string
}

// servePage shows people what the simulator holds and what has happened to it. It refreshes itself unless ?still is
// set.
func (s *Sim) servePage(w http.ResponseWriter, r *http.Request) {
	page, err := template.New("page").Parse(pageHTML)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
	_ = page.Execute(w, s.pageData(r)) // a browser that has gone is none of our business
}

func (s *Sim) pageData(r *http.Request) pageData {
	d := pageData{
		Username: s.cfg.Username, Search: r.URL.Query().Get("q"), Refresh: !r.URL.Query().Has("still"),
		Webhooks: s.Webhooks(), Stats: s.Stats(), Used: s.limits.used(), Faults: s.Faults(), Locked: s.Locked(),
	}
	for _, e := range s.schema.Entities {
		d.Counts = append(d.Counts, pageCount{Name: e.Name, N: s.store.Len(e)})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Stats.Requests)) {
		c := pageCount{Name: name, Ops: d.Stats.Requests[name]}
		for _, n := range c.Ops {
			c.N += n
		}
		d.Requests = append(d.Requests, c)
	}
	d.Companies, d.More = s.pageCompanies(strings.ToLower(d.Search))
	d.Callouts = newest(s.Callouts())
	d.Errors = newest(s.All("WebhookEventErrorLogs"))
	return d
}

// newest is the last few entries, latest first.
func newest[T any](list []T) []T {
	list = slices.Clone(list[max(0, len(list)-shownCallouts):])
	slices.Reverse(list)
	return list
}

// pageCompanies lists the most recently edited companies whose name holds the search, and how many more there are.
func (s *Sim) pageCompanies(search string) ([]pageCompany, int) {
	companies, contacts, contracts := s.schema.Must("Companies"), s.schema.Must("Contacts"), s.schema.Must("Contracts")
	name, modified := companies.Must("companyName"), companies.Must("lastTrackedModifiedDateTime")
	rows := slices.DeleteFunc(s.store.Rows(companies), func(row schema.Record) bool {
		return !strings.Contains(strings.ToLower(row.Text(name)), search)
	})
	slices.SortStableFunc(rows, func(a, b schema.Record) int { return timeOf(b, modified).Compare(timeOf(a, modified)) })
	more := max(0, len(rows)-shownCompanies)
	var list []pageCompany
	for _, row := range rows[:len(rows)-more] {
		c := pageCompany{Row: toRow(companies, row), Type: s.label(companies, row, "companyType")}
		for _, contact := range s.store.Find(contacts, contacts.Must("companyID"), row.ID()) {
			c.Contacts = append(c.Contacts, toRow(contacts, contact))
		}
		for _, contract := range s.store.Find(contracts, contracts.Must("companyID"), row.ID()) {
			kind := s.label(contracts, contract, "contractType")
			c.Contracts = append(c.Contracts, pageContract{toRow(contracts, contract), kind})
		}
		list = append(list, c)
	}
	return list, more
}

// label is a picklist value's label.
func (s *Sim) label(e *schema.Entity, row schema.Record, field string) string {
	pos := e.Must(field)
	value, _ := row.Int(pos)
	for _, c := range s.schema.Choices(e.Fields[pos]) {
		if c.Value == value {
			return c.Label
		}
	}
	return "?"
}

func timeOf(row schema.Record, pos int) time.Time { t, _ := row[pos].(time.Time); return t }
