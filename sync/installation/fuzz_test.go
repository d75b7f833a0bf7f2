package installation

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"channelsync/events/kv"
	"channelsync/sync/seal"
)

// memoryKeys holds the sealed keys of a fuzzed store.
type memoryKeys map[string][]byte

func (m memoryKeys) Get(_ context.Context, key string) (kv.Entry, error) {
	if v, ok := m[key]; ok {
		return kv.Entry{Key: key, Value: v}, nil
	}
	return kv.Entry{}, kv.ErrNotFound
}

func (m memoryKeys) Create(_ context.Context, key string, value []byte) (uint64, error) {
	m[key] = value
	return 1, nil
}

func (m memoryKeys) Update(_ context.Context, key string, value []byte, _ uint64) (uint64, error) {
	m[key] = value
	return 1, nil
}

func (m memoryKeys) Erase(_ context.Context, key string) error {
	delete(m, key)
	return nil
}

// memoryVault is a vault without a store, and the ring of the one installation.
func memoryVault(f *testing.F) (*seal.Vault, *seal.Ring) {
	f.Helper()
	master, err := seal.NewRing(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		f.Fatal(err)
	}
	vault, err := seal.OpenVault(f.Context(), master, memoryKeys{})
	if err != nil {
		f.Fatal(err)
	}
	ring, err := vault.Ring(f.Context(), inst)
	if err != nil {
		f.Fatal(err)
	}
	return vault, ring
}

// FuzzStored: whatever lies under an installation's key is an installation, one
// that is being erased, or an error; it can be copied and stored again.
func FuzzStored(f *testing.F) {
	vault, ring := memoryVault(f)
	good, err := json.Marshal(example(inst))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, true)
	f.Add([]byte(`{"registrations":[{}],"secrets":null,"options":{"include":[1]}}`), true)
	f.Add([]byte(`{"id":"x","leaving":true}`), false)
	f.Add([]byte(`{"sealed":"AAAA"}`), false)
	f.Add([]byte(`null`), true)
	f.Fuzz(func(t *testing.T, content []byte, sealed bool) {
		if sealed {
			wrapped, err := json.Marshal(stored{ID: inst, Sealed: ring.Seal(inst, content)})
			if err != nil {
				t.Fatal(err)
			}
			content = wrapped
		}
		s := &Store{vault: vault}
		in, err := s.decode(t.Context(), kv.Entry{Key: inst, Value: content})
		if err != nil || in == nil {
			return
		}
		kept := in.in.Clone()
		kept.ID = inst
		again, err := s.encode(t.Context(), kept, in.extra)
		if err != nil {
			t.Fatalf("store again: %v", err)
		}
		if _, err := s.decode(t.Context(), kv.Entry{Key: inst, Value: again}); err != nil {
			t.Errorf("read again: %v", err)
		}
	})
}
