// Package store holds the simulated tenant's rows in memory: ids, indexes, the vendor's modification times, and one listener
// that hears of every change in order.
//
// It knows no HTTP, no webhooks and no rule about which fields a caller may write. The simulator's facade owns one.
package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"channelsync/test/sim/autotask/query"
	"channelsync/test/sim/autotask/schema"
)

// ErrNotFound is the answer to an id that no row has.
var ErrNotFound = errors.New("no such row")

// Action is what happened to a row, spelled as callouts spell it.
type Action string

// The actions a change can be.
const (
	Create Action = "Create"
	Update Action = "Update"
	Delete Action = "Delete"
)

// Change is one committed change. Old is nil on Create, New on Delete; Changed lists the positions that differ.
type Change struct {
	Entity  *schema.Entity
	Action  Action
	Old     schema.Record
	New     schema.Record
	Changed []int
	At      time.Time
}

// ID is the id of the row that changed.
func (c Change) ID() int64 {
	if c.New != nil {
		return c.New.ID()
	}
	return c.Old.ID()
}

// Reader reads rows while a change is being announced.
type Reader interface {
	// Find lists the rows whose whole number at pos is value, ascending by id; pos 0 is the id.
	Find(e *schema.Entity, pos int, value int64) []schema.Record
	// Rows lists every row, ascending by id.
	Rows(e *schema.Entity) []schema.Record
}

// Config is what a store needs. Listen may be nil; it runs while the store is locked, so it hears changes in their
// order, reads through the Reader only and must not block.
type Config struct {
	Schema *schema.Schema
	Now    func() time.Time
	Listen func(Reader, Change)
}

// Store is safe for concurrent use.
type Store struct {
	cfg    Config
	mu     sync.RWMutex
	tables map[*schema.Entity]*table
}

// New makes an empty store.
func New(cfg Config) *Store {
	s := &Store{cfg: cfg, tables: map[*schema.Entity]*table{}}
	for _, e := range cfg.Schema.Entities {
		s.tables[e] = newTable(e)
	}
	return s
}

// Insert adds a row made of values by position, under the id at position 0 or the next free one. Defaults and times
// fill what values lack.
func (s *Store) Insert(e *schema.Entity, values map[int]any) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, now := s.tables[e], e.Truncate(s.cfg.Now())
	row := make(schema.Record, len(e.Fields))
	for pos, f := range e.Fields {
		v, ok := values[pos]
		switch {
		case ok:
			row[pos] = v
		case e.Created == pos && pos > 0, slices.Contains(e.Modified, pos):
			row[pos] = now
		default:
			row[pos] = f.Default
		}
	}
	if row[0] == nil {
		row[0] = t.next
	}
	if _, taken := t.rows[row.ID()]; taken {
		return 0, fmt.Errorf("insert into %s: id %d is taken", e.Name, row.ID())
	}
	t.add(row)
	s.announce(Change{Entity: e, Action: Create, New: row, At: now})
	return row.ID(), nil
}

// Update sets values by position and sets the modification times that values do not set themselves. It reports whether
// anything differs now; if nothing does, the modification times stay and the listener is not called.
func (s *Store) Update(e *schema.Entity, id int64, values map[int]any) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, now := s.tables[e], e.Truncate(s.cfg.Now())
	old, ok := t.rows[id]
	if !ok {
		return false, fmt.Errorf("update %s %d: %w", e.Name, id, ErrNotFound)
	}
	row := slices.Clone(old)
	for pos, v := range values {
		if pos != 0 {
			row[pos] = v
		}
	}
	changed := differences(old, row)
	if len(changed) == 0 {
		return false, nil
	}
	for _, pos := range e.Modified {
		if _, given := values[pos]; !given {
			row[pos] = now
		}
	}
	t.replace(old, row)
	s.announce(Change{Entity: e, Action: Update, Old: old, New: row, Changed: differences(old, row), At: now})
	return true, nil
}

// Delete removes a row and reports whether there was one.
func (s *Store) Delete(e *schema.Entity, id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[e]
	old, ok := t.rows[id]
	if !ok {
		return false
	}
	t.remove(old)
	s.announce(Change{Entity: e, Action: Delete, Old: old, At: e.Truncate(s.cfg.Now())})
	return true
}

func (s *Store) announce(c Change) {
	if s.cfg.Listen != nil {
		s.cfg.Listen(locked{s}, c)
	}
}

// Get is one row.
func (s *Store) Get(e *schema.Entity, id int64) (schema.Record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	row, ok := s.tables[e].rows[id]
	return row, ok
}

// Len is how many rows an entity has.
func (s *Store) Len(e *schema.Entity) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.tables[e].ids)
}

// Rows lists every row, ascending by id.
func (s *Store) Rows(e *schema.Entity) []schema.Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return locked{s}.Rows(e)
}

// Find lists the rows whose whole number at pos is value, ascending by id.
func (s *Store) Find(e *schema.Entity, pos int, value int64) []schema.Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return locked{s}.Find(e, pos, value)
}

// Page says which of the matches to return: ids from From on, at most Limit of them (0 = all), none that Skip names.
type Page struct {
	From  int64
	Limit int
	Skip  func(id int64) bool
}

// Select lists matches ascending by id.
func (s *Store) Select(e *schema.Entity, q *query.Query, p Page) []schema.Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var rows []schema.Record
	s.tables[e].scan(q, p.From, func(row schema.Record) bool {
		if p.Skip == nil || !p.Skip(row.ID()) {
			rows = append(rows, row)
		}
		return p.Limit == 0 || len(rows) < p.Limit
	})
	return rows
}

// locked reads a store whose lock its user holds.
type locked struct{ s *Store }

func (l locked) Rows(e *schema.Entity) []schema.Record {
	t := l.s.tables[e]
	rows := make([]schema.Record, 0, len(t.ids))
	for _, id := range t.ids {
		rows = append(rows, t.rows[id])
	}
	return rows
}

func (l locked) Find(e *schema.Entity, pos int, value int64) []schema.Record {
	var rows []schema.Record
	l.s.tables[e].scan(query.Where(pos, value), 0, func(row schema.Record) bool {
		rows = append(rows, row)
		return true
	})
	return rows
}
