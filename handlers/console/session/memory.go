package session

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"maps"
	"slices"
	"sync"

	"channelsync/events/kv"
)

// memory is a table that ends with the process.
type memory struct {
	mu       sync.Mutex
	revision uint64
	rows     map[string]kv.Entry
}

func newMemory() *memory { return &memory{rows: map[string]kv.Entry{}} }

func (m *memory) Get(_ context.Context, key string) (kv.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.rows[key]
	if !ok {
		return e, kv.ErrNotFound
	}
	return e, nil
}

func (m *memory) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return m.Update(ctx, key, value, 0)
}

func (m *memory) Update(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[key].Revision != revision {
		return 0, kv.ErrConflict
	}
	m.revision++
	m.rows[key] = kv.Entry{Key: key, Value: slices.Clone(value), Revision: m.revision}
	return m.revision, nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows, key)
	return nil
}

func (m *memory) Each(_ context.Context, _ string, fn func(kv.Entry) error) error {
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

// briefly seals with a key that ends with the process.
type briefly struct{ cipher.AEAD }

func newBriefly() briefly {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has the right length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return briefly{aead}
}

func (b briefly) Seal(purpose string, plain []byte) []byte {
	return b.AEAD.Seal(nil, nil, plain, []byte(purpose))
}

func (b briefly) Open(purpose string, sealed []byte) ([]byte, error) {
	return b.AEAD.Open(nil, nil, sealed, []byte(purpose))
}
