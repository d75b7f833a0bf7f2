// Package vaults opens what seals records, for tests: vaults with one master key.
package vaults

import (
	"bytes"
	"context"
	"testing"

	"channelsync/events/kv"
	"channelsync/sync/seal"
	"channelsync/test/harness"
)

// Master is the ring of the master key, which is the same in every test.
func Master(t testing.TB) *seal.Ring {
	t.Helper()
	ring, err := seal.NewRing(bytes.Repeat([]byte{1}, seal.KeySize))
	harness.OK(t, err)
	return ring
}

// Open opens the vault whose keys are in a table.
func Open(t testing.TB, keys seal.Keys) *seal.Vault {
	t.Helper()
	v, err := seal.OpenVault(t.Context(), Master(t), keys)
	harness.OK(t, err)
	return v
}

// Memory holds the sealed keys of a vault without a store.
type Memory map[string][]byte

// Get returns a key's value.
func (m Memory) Get(_ context.Context, key string) (kv.Entry, error) {
	if v, ok := m[key]; ok {
		return kv.Entry{Key: key, Value: v}, nil
	}
	return kv.Entry{}, kv.ErrNotFound
}

// GetFromLeader is Get.
func (m Memory) GetFromLeader(ctx context.Context, key string) (kv.Entry, error) {
	return m.Get(ctx, key)
}

// GetOrCreate is Get of a key that gets a value if it has none.
func (m Memory) GetOrCreate(ctx context.Context, key string, value func() []byte) (kv.Entry, error) {
	if _, ok := m[key]; !ok {
		m[key] = value()
	}
	return m.Get(ctx, key)
}

// Update replaces a value.
func (m Memory) Update(_ context.Context, key string, value []byte, _ uint64) (uint64, error) {
	m[key] = value
	return 1, nil
}

// Erase removes a value.
func (m Memory) Erase(_ context.Context, key string) error {
	delete(m, key)
	return nil
}
