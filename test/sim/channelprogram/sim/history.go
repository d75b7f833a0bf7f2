package sim

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// OutcomeRefused stands in the history for a record of a request that was
// refused or dropped as a whole; no answer on the wire carries it.
const OutcomeRefused = "refused"

// Push is one record of one request that reached the simulator.
type Push struct {
	At            time.Time       `json:"at"`
	RequestID     string          `json:"requestId"`
	Connection    string          `json:"connection"`
	Operation     string          `json:"operation"`
	Entity        string          `json:"entity"`
	ExternalID    string          `json:"externalId"`
	Outcome       string          `json:"outcome"`
	Status        int             `json:"status"`         // of the whole answer; 0 if none was given
	Code          string          `json:"code,omitempty"` // why it was not taken
	Trigger       string          `json:"trigger,omitempty"`
	ObservedAt    time.Time       `json:"observedAt"` // zero if it could not be read
	Revision      int             `json:"revision,omitempty"`
	ChangedFields []string        `json:"changedFields,omitempty"`
	Replayed      bool            `json:"replayed,omitempty"` // a stored answer was given; nothing was written
	Lost          bool            `json:"lost,omitempty"`     // it was written, but the answer never left
	Body          json.RawMessage `json:"body"`
}

// history is what one connection was sent. Counts are never dropped, pushes are: the oldest, beyond most.
type history struct {
	most   int
	pushes []Push
	writes map[recordKey]map[string]int // by operation
}

func newHistory(most int) *history {
	return &history{most: most, writes: make(map[recordKey]map[string]int)}
}

func (h *history) add(p Push) {
	if len(h.pushes) >= h.most+h.most/8+1 {
		h.pushes = append(make([]Push, 0, cap(h.pushes)), h.pushes[len(h.pushes)-h.most+1:]...)
	}
	h.pushes = append(h.pushes, p)
	if p.Replayed || p.Outcome == OutcomeRefused {
		return
	}
	key := recordKey{p.Entity, p.ExternalID}
	if h.writes[key] == nil {
		h.writes[key] = make(map[string]int)
	}
	h.writes[key][p.Operation]++
}

func (h *history) list() []Push {
	return slices.Clone(h.pushes[max(0, len(h.pushes)-h.most):])
}

// readSource finds out what a push says about itself, as far as it can be read.
func (p *Push) readSource() {
	var body struct {
		Source struct {
			ObservedAt string `json:"observedAt"`
			Trigger    string `json:"trigger"`
		} `json:"source"`
	}
	if json.Unmarshal(p.Body, &body) != nil {
		return // an unreadable source is the push's own failure; the body stands in the history
	}
	p.Trigger = body.Source.Trigger
	if at, err := time.Parse(time.RFC3339, body.Source.ObservedAt); err == nil {
		p.ObservedAt = at
	}
}

// Pushes lists what a connection was sent, oldest first, one entry per record and request.
func (s *Sim) Pushes(conn string) []Push {
	var list []Push
	_ = s.with(conn, func(c *connection) error {
		list = c.history.list()
		return nil
	})
	return list
}

// PushesOf lists what a connection was sent about one external id, oldest first.
func (s *Sim) PushesOf(conn, externalID string) []Push {
	return slices.DeleteFunc(s.Pushes(conn), func(p Push) bool { return p.ExternalID != externalID })
}

// Writes counts, for each record ("client/174"), how often each operation wrote
// or tried to write it; replayed and refused requests do not count.
func (s *Sim) Writes(conn string) map[string]map[string]int {
	counts := make(map[string]map[string]int)
	_ = s.with(conn, func(c *connection) error {
		for key, byOperation := range c.history.writes {
			counts[key.String()] = maps.Clone(byOperation)
		}
		return nil
	})
	return counts
}

// Overlaps lists every moment when two requests wrote the same record at once.
func (s *Sim) Overlaps() []Overlap {
	list := []Overlap{}
	for _, c := range s.Connections() {
		_ = s.with(c.ID, func(c *connection) error {
			list = append(list, c.flights.overlaps...)
			return nil
		})
	}
	slices.SortStableFunc(list, func(a, b Overlap) int { return a.At.Compare(b.At) })
	return list
}
