// Package sessions has what the sessions of a console lie in, for tests without a store.
package sessions

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"sync"

	"channelsync/events/kv"
	"channelsync/sync/seal"
)

// Memory is a table that ends with the process.
type Memory struct {
	mu       sync.Mutex
	revision uint64
	rows     map[string]kv.Entry
}

// NewMemory returns an empty one.
func NewMemory() *Memory { return &Memory{rows: map[string]kv.Entry{}} }

// Get returns a row.
func (m *Memory) Get(_ context.Context, key string) (kv.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.rows[key]
	if !ok {
		return e, kv.ErrNotFound
	}
	return e, nil
}

// Create makes a row that is not there.
func (m *Memory) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return m.Update(ctx, key, value, 0)
}

// Update replaces a row as of a revision.
func (m *Memory) Update(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[key].Revision != revision {
		return 0, kv.ErrConflict
	}
	m.revision++
	m.rows[key] = kv.Entry{Key: key, Value: slices.Clone(value), Revision: m.revision}
	return m.revision, nil
}

// Delete removes a row.
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows, key)
	return nil
}

// Each goes through all rows.
func (m *Memory) Each(_ context.Context, _ string, fn func(kv.Entry) error) error {
	m.mu.Lock()
	all := slices.Collect(maps.Values(m.rows))
	m.mu.Unlock()
	for _, e := range all {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// Ring seals sessions with a key of its own, which ends with the process.
func Ring() *seal.Ring {
	key := make([]byte, seal.KeySize)
	_, _ = rand.Read(key) // never fails
	ring, err := seal.NewRing(key)
	if err != nil {
		panic(err) // the key has the right length
	}
	return ring
}
