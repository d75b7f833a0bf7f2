package sim

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
)

// How much of each list the page shows.
const (
	pageClients     = 300
	pagePushes      = 50
	pageConnections = 100
)

//go:embed page.html
var pageFiles embed.FS

// page is what page.html shows of one connection.
type page struct {
	Connection  Connection
	Others      []string // ids of the other connections
	Clients     []pageClient
	MoreClients int
	ClientCount int
	Contracts   int
	Pushes      []Push // newest first
	Stats       Stats
	Outcomes    []count
	Requests    []count
	Overlaps    []Overlap
	Faults      []Fault
	At          time.Time
}

type pageClient struct {
	Client
	Contracts []Contract
}

type count struct {
	Name string
	N    int
}

func (s *Sim) servePage(t *template.Template) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.page(r.URL.Query().Get("connection"))
		if !ok {
			http.Error(w, "There is no connection of that name.", http.StatusNotFound)
			return
		}
		var out bytes.Buffer
		if err := t.Execute(&out, p); err != nil {
			http.Error(w, "render page: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = out.WriteTo(w) // the browser may have gone
	}
}

func pageTemplate() *template.Template {
	return template.Must(template.New("page.html").Funcs(template.FuncMap{
		"time":   func(t time.Time) string { return t.UTC().Format("15:04:05.000") },
		"money":  showMoney,
		"name":   showName,
		"labels": showLabels,
		"join":   func(list []string) string { return strings.Join(list, ", ") },
	}).ParseFS(pageFiles, "page.html"))
}

func (s *Sim) page(id string) (page, bool) {
	conns := s.Connections()
	p := page{Stats: s.Stats(), Overlaps: s.Overlaps(), Faults: s.Faults(), At: s.now()}
	at := slices.IndexFunc(conns, func(c Connection) bool { return id == "" || c.ID == id })
	if at < 0 {
		return p, id == "" // no connection yet is a page with nothing on it
	}
	p.Connection = conns[at]
	for _, c := range conns {
		if c.ID != p.Connection.ID && len(p.Others) < pageConnections {
			p.Others = append(p.Others, c.ID)
		}
	}
	p.fillRecords(s.Clients(p.Connection.ID), s.Contracts(p.Connection.ID))
	p.Pushes = s.Pushes(p.Connection.ID)
	p.Pushes = p.Pushes[max(0, len(p.Pushes)-pagePushes):]
	slices.Reverse(p.Pushes)
	p.fillCounts()
	return p, true
}

func (p *page) fillRecords(clients []Client, contracts []Contract) {
	byClient := make(map[string][]Contract)
	for _, c := range contracts {
		byClient[c.ClientID] = append(byClient[c.ClientID], c)
	}
	p.ClientCount, p.Contracts = len(clients), len(contracts)
	for _, c := range clients[:min(len(clients), pageClients)] {
		p.Clients = append(p.Clients, pageClient{c, byClient[c.TargetID]})
	}
	p.MoreClients = len(clients) - len(p.Clients)
}

func (p *page) fillCounts() {
	for outcome, n := range p.Stats.Outcomes {
		p.Outcomes = append(p.Outcomes, count{outcome, n})
	}
	for op, byStatus := range p.Stats.Requests {
		for status, n := range byStatus {
			p.Requests = append(p.Requests, count{fmt.Sprintf("%s → %s", op, showStatus(status)), n})
		}
	}
	byName := func(a, b count) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(p.Outcomes, byName)
	slices.SortFunc(p.Requests, byName)
}

func showStatus(status int) string {
	if status == 0 {
		return "no answer"
	}
	return fmt.Sprint(status)
}

func showMoney(m *Money) string {
	if m == nil {
		return "not known"
	}
	return m.Amount + " " + m.Currency
}

func showName(c Contract) string {
	if c.Data.Name == nil {
		return c.Data.VendorName // as the real target names a contract without a name
	}
	return *c.Data.Name
}

func showLabels(list []Labelled) string {
	values := make([]string, len(list))
	for i, l := range list {
		values[i] = l.Value
	}
	return strings.Join(values, ", ")
}
