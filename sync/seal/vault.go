package seal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/internal/gate"
)

// Keys stores the sealed keys, one per installation and the sentinel. Sealing anew
// replaces a value, so the table should overwrite on disk what it replaces.
type Keys interface {
	Get(ctx context.Context, key string) (kv.Entry, error)
	// GetFromLeader is Get past the replicas, which may lag behind.
	GetFromLeader(ctx context.Context, key string) (kv.Entry, error)
	// GetOrCreate is Get of a key that gets a value if it has none.
	GetOrCreate(ctx context.Context, key string, value func() []byte) (kv.Entry, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Erase(ctx context.Context, key string) error
}

// Vault hands out the ring of an installation and can destroy it.
type Vault struct {
	master *Ring
	keys   Keys

	keying gate.Keyed // by installation: its key is read, made or destroyed by one caller at a time

	mu        sync.Mutex // guards what follows; never held across a call
	rings     map[string]*Ring
	forgotten uint64 // counts Forget: what was read before is not kept after
}

// OpenVault checks that the master ring fits the store before anything is read with it.
func OpenVault(ctx context.Context, master *Ring, keys Keys) (*Vault, error) {
	v := &Vault{master: master, keys: keys, rings: map[string]*Ring{}}
	e, err := keys.GetOrCreate(ctx, store.SentinelKey, master.Sentinel)
	if err != nil {
		return nil, fmt.Errorf("read master key check: %w", err)
	}
	if err := master.Fits(e.Value); err != nil {
		return nil, err
	}
	if _, err = v.open(ctx, store.SentinelKey, e); err != nil {
		return nil, fmt.Errorf("read master key check: %w", err)
	}
	return v, nil
}

// Ring returns the ring of an installation, made on first use.
func (v *Vault) Ring(ctx context.Context, installation string) (*Ring, error) {
	return v.ring(ctx, installation, v.load)
}

// Existing is Ring for what was sealed before: it never makes a key, so that one
// which was destroyed is not followed by another. kv.ErrNotFound when there is none.
func (v *Vault) Existing(ctx context.Context, installation string) (*Ring, error) {
	return v.ring(ctx, installation, func(ctx context.Context, installation string) ([]byte, error) {
		e, err := v.keys.Get(ctx, installation)
		if errors.Is(err, kv.ErrNotFound) { // by a replica, which may not have it yet
			e, err = v.keys.GetFromLeader(ctx, installation)
		}
		if err != nil {
			return nil, fmt.Errorf("read key of installation %s: %w", installation, err)
		}
		return v.open(ctx, installation, e)
	})
}

// Destroyed says whether the store has no key of an installation any more, whatever is in memory here.
func (v *Vault) Destroyed(ctx context.Context, installation string) (bool, error) {
	_, err := v.keys.GetFromLeader(ctx, installation)
	if errors.Is(err, kv.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read key of installation %s: %w", installation, err)
	}
	return false, nil
}

// ring returns the ring that is in memory, or made of the key that load reads.
func (v *Vault) ring(ctx context.Context, installation string, load func(context.Context, string) ([]byte, error)) (*Ring, error) {
	if r, _ := v.known(installation); r != nil {
		return r, nil
	}
	leave, err := v.keying.Enter(ctx, installation)
	if err != nil {
		return nil, fmt.Errorf("read key of installation %s: %w", installation, err)
	}
	defer leave()
	known, before := v.known(installation)
	if known != nil {
		return known, nil
	}
	raw, err := load(ctx, installation)
	if err != nil {
		return nil, err
	}
	r, err := NewRing(raw)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.forgotten == before {
		v.rings[installation] = r
	}
	return r, nil
}

// known returns the ring that is in memory, nil when none is, and how often one was forgotten.
func (v *Vault) known(installation string) (r *Ring, forgotten uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.rings[installation], v.forgotten
}

func (v *Vault) load(ctx context.Context, installation string) ([]byte, error) {
	e, err := v.keys.GetOrCreate(ctx, installation, func() []byte { return v.master.Seal(installation, NewKey()) })
	if err != nil {
		return nil, fmt.Errorf("read key of installation %s: %w", installation, err)
	}
	return v.open(ctx, installation, e)
}

// open opens what the master ring sealed. What an older key of the ring sealed is
// sealed with the first one: once everything was opened, the older key can go.
func (v *Vault) open(ctx context.Context, name string, e kv.Entry) ([]byte, error) {
	plain, err := v.master.Open(name, e.Value)
	if err != nil || v.master.SealedLast(e.Value) {
		return plain, err
	}
	_, err = v.keys.Update(ctx, name, v.master.Seal(name, plain), e.Revision)
	if err != nil && !errors.Is(err, kv.ErrConflict) { // another instance did it
		return nil, fmt.Errorf("seal key of %s anew: %w", name, err)
	}
	return plain, nil
}

// Forget drops the ring of an installation whose key another instance destroyed:
// what it sealed is unreadable here, too.
func (v *Vault) Forget(installation string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forgotten++
	delete(v.rings, installation)
}

// Destroy erases the key of an installation by secure delete: what it sealed can never be read again.
func (v *Vault) Destroy(ctx context.Context, installation string) error {
	leave, err := v.keying.Enter(ctx, installation)
	if err != nil {
		return fmt.Errorf("erase key of installation %s: %w", installation, err)
	}
	defer leave()
	v.Forget(installation)
	if err := v.keys.Erase(ctx, installation); err != nil {
		return fmt.Errorf("erase key of installation %s: %w", installation, err)
	}
	return nil
}
