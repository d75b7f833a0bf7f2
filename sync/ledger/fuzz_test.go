package ledger

import (
	"bytes"
	"context"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
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

// FuzzEntry: whatever lies under a key, sealed or not, is an entry or an error,
// and an entry can be shown.
func FuzzEntry(f *testing.F) {
	vault, ring := memoryVault(f)
	key := keyOf(inst, v1.KindCompany, 174)
	f.Add([]byte(`{"kind":"company","id":174,"name":"Acme","outcome":"pushed","projection":{"name":"Acme"},"timeline":[{}]}`), true)
	f.Add([]byte(`{"fingerprint":":","reasons":null,"projection":null}`), true)
	f.Add([]byte(`null`), true)
	f.Add(ring.Seal("another place", []byte(`{}`)), false)
	f.Fuzz(func(t *testing.T, content []byte, sealed bool) {
		if sealed {
			content = ring.Seal(key, content)
		}
		e, err := New(nil, vault).open(t.Context(), inst, kv.Entry{Key: key, Value: content})
		if err != nil {
			return
		}
		if !sealed {
			t.Fatal("opened what nobody sealed")
		}
		e.Step(v1.TimelineStep{})
		if len(e.Timeline) > MaxSteps || e.Record().Reasons == nil || len(e.Details().Projection) == 0 || strings.Contains(e.ContentFingerprint(), ":") {
			t.Errorf("shown as %+v", e.Details())
		}
	})
}
