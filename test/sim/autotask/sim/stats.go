package sim

import (
	"maps"
	"sync"

	"channelsync/test/sim/autotask/callout"
)

// Stats is what has happened since the start or the last reset.
type Stats struct {
	Total         int                       `json:"total"`         // REST requests, discovery and refused ones too
	Requests      map[string]map[string]int `json:"requests"`      // by first path segment and operation
	Statuses      map[int]int               `json:"statuses"`      // by HTTP status; 0 = cut off
	LoginFailures int                       `json:"loginFailures"` // stale host too
	MaxConcurrent map[string]int            `json:"maxConcurrent"` // by first path segment, refused ones too
	Callouts      callout.Stats             `json:"callouts"`
	LostCallouts  int                       `json:"lostCallouts"` // by the faults gap and lose
}

// counters gathers Stats.
type counters struct {
	mu sync.Mutex
	s  Stats
}

func newCounters() *counters {
	c := &counters{}
	c.reset()
	return c
}

func (c *counters) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s = Stats{Requests: map[string]map[string]int{}, Statuses: map[int]int{}, MaxConcurrent: map[string]int{}}
}

func (c *counters) request(resource, op string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if resource == "" {
		resource = "unknown"
	}
	if c.s.Requests[resource] == nil {
		c.s.Requests[resource] = map[string]int{}
	}
	c.s.Total++
	c.s.Requests[resource][op]++
	c.s.Statuses[status]++
}

func (c *counters) concurrency(resource string, now int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.MaxConcurrent[resource] = max(c.s.MaxConcurrent[resource], now)
}

func (c *counters) loginFailure() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.LoginFailures++
}

func (c *counters) lostCallout() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.LostCallouts++
}

// Stats is a copy of the counters.
func (s *Sim) Stats() Stats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	all := s.stats.s
	all.Requests = make(map[string]map[string]int, len(s.stats.s.Requests))
	for resource, ops := range s.stats.s.Requests {
		all.Requests[resource] = maps.Clone(ops)
	}
	all.Statuses, all.MaxConcurrent = maps.Clone(all.Statuses), maps.Clone(all.MaxConcurrent)
	all.Callouts = s.sender.Stats()
	return all
}

// ResetStats sets the counters to zero. The hourly threshold and the log of callouts stay.
func (s *Sim) ResetStats() {
	s.stats.reset()
	s.sender.ResetStats()
}

// Webhook is one registration, for tests and people to look at.
type Webhook struct {
	Collection      string   `json:"collection"` // CompanyWebhooks or ContactWebhooks
	ID              int64    `json:"id"`
	GUID            string   `json:"guid"`
	Name            string   `json:"name"`
	URL             string   `json:"webhookUrl"`
	DeactivationURL string   `json:"deactivationUrl"`
	Secret          string   `json:"-"`
	Owner           int64    `json:"ownerResourceID"`
	Active          bool     `json:"isActive"`
	Ready           bool     `json:"isReady"`
	Creates         bool     `json:"creates"`
	Updates         bool     `json:"updates"`
	Deletes         bool     `json:"deletes"`
	Fields          []string `json:"fields"` // REST names of the watched fields; user-defined ones are not listed
}

// Webhooks lists every registration.
func (s *Sim) Webhooks() []Webhook {
	list := []Webhook{}
	for _, e := range s.schema.Entities {
		if e.Watches == "" {
			continue
		}
		watched, fields := s.schema.Must(e.Watches), s.hookFields(e)[0]
		for _, row := range s.store.Rows(e) {
			g := registration{e, row}
			w := Webhook{
				Collection: e.Name, ID: row.ID(), GUID: g.text("webhookGUID"), Name: g.text("name"), URL: g.text("webhookUrl"),
				DeactivationURL: g.text("deactivationUrl"), Secret: g.text("secretKey"),
				Owner: g.owner(), Active: g.is("isActive"), Ready: g.is("isReady"), Creates: g.is("isSubscribedToCreateEvents"),
				Updates: g.is("isSubscribedToUpdateEvents"), Deletes: g.is("isSubscribedToDeleteEvents"), Fields: []string{},
			}
			for _, field := range s.store.Find(fields, fields.Must("webhookID"), row.ID()) {
				id, _ := field.Int(fields.Must("fieldID"))
				if pos, ok := watched.HookField(id); ok {
					w.Fields = append(w.Fields, watched.Fields[pos].Name)
				}
			}
			list = append(list, w)
		}
	}
	return list
}
