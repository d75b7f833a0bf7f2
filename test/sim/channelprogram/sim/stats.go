package sim

import (
	"maps"
	"sync"
)

// Stats counts what the ingest API was asked and what it did. Status 0 is a request that got no answer.
type Stats struct {
	Requests    map[string]map[int]int `json:"requests"` // by operation and status
	Total       int                    `json:"total"`
	Outcomes    map[string]int         `json:"outcomes"` // of records, refused ones too; replays not
	Replayed    int                    `json:"replayed"` // batches answered from store
	Lost        int                    `json:"lost"`     // answers dropped after commit
	Overlaps    int                    `json:"overlaps"`
	InFlight    int                    `json:"inFlight"`
	MaxInFlight int                    `json:"maxInFlight"`
}

type counters struct {
	mu sync.Mutex
	Stats
}

func newCounters() *counters {
	c := &counters{}
	c.reset()
	return c
}

func (c *counters) reset() {
	c.Stats = Stats{
		Requests: make(map[string]map[int]int), Outcomes: make(map[string]int),
		InFlight: c.InFlight, MaxInFlight: c.InFlight,
	}
}

func (c *counters) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.InFlight++
	c.MaxInFlight = max(c.MaxInFlight, c.InFlight)
}

func (c *counters) end(op operation, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.InFlight--
	c.Total++
	if c.Requests[string(op)] == nil {
		c.Requests[string(op)] = make(map[int]int)
	}
	c.Requests[string(op)][status]++
}

func (c *counters) note(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.Stats)
}

// Stats is the counters as they stand.
func (s *Sim) Stats() Stats {
	overlaps := len(s.Overlaps())
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	out := s.stats.Stats
	out.Overlaps = overlaps
	out.Outcomes = maps.Clone(out.Outcomes)
	out.Requests = make(map[string]map[int]int, len(s.stats.Requests))
	for op, byStatus := range s.stats.Requests {
		out.Requests[op] = maps.Clone(byStatus)
	}
	return out
}

// ResetStats starts the counters, the history and the overlaps again at nothing; the data stays.
func (s *Sim) ResetStats() {
	for _, c := range s.Connections() {
		_ = s.with(c.ID, func(c *connection) error {
			c.history = newHistory(c.history.most)
			c.flights.overlaps = nil
			return nil
		})
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	s.stats.reset()
}
