package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/gate"
	"channelsync/sync/seal"
)

// Table is where the entries lie.
type Table interface {
	GetMany(ctx context.Context, keys []string) (map[string]kv.Entry, error)
	PutMany(ctx context.Context, puts []kv.KeyValue) error
	Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error
	PurgePrefix(ctx context.Context, prefix string) error
}

// Ledger reads and writes entries, sealed.
type Ledger struct {
	table   Table
	vault   *seal.Vault
	shared  SharedTable // nil: this process is the only one that writes
	writing gate.Keyed  // by installation: the index must see writes in the order of the table

	mu      sync.Mutex // guards what follows
	indexes map[string]*index
	claims  map[string]uint64 // numbers of the claims of this process, from 1
	claimed uint64            // how many there were
	// What is kept to be searched in, by installation.
	texts     map[string]*texts
	mostTexts int
	searches  uint64 // how many there were
}

// New makes a ledger on a table that no other process writes to.
func New(table Table, vault *seal.Vault) *Ledger {
	return &Ledger{
		table: table, vault: vault, indexes: map[string]*index{}, claims: map[string]uint64{}, texts: map[string]*texts{}, mostTexts: mostTexts,
	}
}

// Read returns the entries of those records that have one.
func (l *Ledger) Read(ctx context.Context, installation string, kind v1.Kind, ids []int64) (map[int64]*Entry, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = keyOf(installation, kind, id)
	}
	found, err := l.table.GetMany(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	out := make(map[int64]*Entry, len(found))
	for _, e := range found {
		entry, err := l.open(ctx, installation, e)
		if errors.Is(err, seal.ErrWrongKey) {
			// Somebody else wrote it: the record is as one that was never reconciled, and what is stored next replaces it.
			id, _ := strconv.ParseInt(e.Key[strings.LastIndexByte(e.Key, '.')+1:], 10, 64) // one of the keys above
			entry, err = &Entry{Kind: kind, ID: id, Revision: e.Revision}, nil
		}
		if err != nil {
			return nil, err
		}
		out[entry.ID] = entry
	}
	return out, nil
}

// Write stores the entries in one atomic batch (as long as they are at most 500) and
// updates the index. A shared ledger returns kv.ErrConflict when another process
// has written one of them since it was read: then nothing is stored. An entry that does
// not fit into the table is cut down until it does, and says what was left out. What is
// refused all the same is named in a *RefusedError; all others are stored then.
func (l *Ledger) Write(ctx context.Context, installation string, entries []*Entry) error {
	if len(entries) == 0 {
		return nil
	}
	ring, err := l.vault.Ring(ctx, installation)
	if err != nil {
		return err
	}
	puts := make([]kv.Entry, len(entries))
	for i, e := range entries {
		e.regain()
		if puts[i], err = sealed(ring, installation, e); err != nil {
			return err
		}
	}
	leave, err := l.writing.Enter(ctx, installation)
	if err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	defer leave()
	claim, claimed := l.claimOf(installation)
	if !claimed {
		return fmt.Errorf("write ledger: %w", ErrNotClaimed)
	}
	err = l.storeCut(ctx, ring, installation, entries, puts)
	if err != nil {
		l.forget(installation) // what of it was written is not known: it is read again
		err = fmt.Errorf("write ledger: %w", err)
	}
	if _, partly := errors.AsType[*RefusedError](err); err != nil && !partly {
		return err
	}
	for i, e := range entries {
		e.Revision = puts[i].Revision
	}
	if err == nil {
		l.remember(installation, claim, entries)
	}
	return err
}

// sealed is an entry as the table keeps it.
func sealed(ring *seal.Ring, installation string, e *Entry) (kv.Entry, error) {
	e.bounded()
	b, err := json.Marshal(e)
	if err != nil {
		return kv.Entry{}, fmt.Errorf("encode ledger entry: %w", err)
	}
	key := keyOf(installation, e.Kind, e.ID)
	return kv.Entry{Key: key, Value: ring.Seal(key, b), Revision: e.Revision}, nil
}

// storeCut stores entries, and cuts down those that are refused for their size.
func (l *Ledger) storeCut(ctx context.Context, ring *seal.Ring, installation string, entries []*Entry, puts []kv.Entry) error {
	err := l.store(ctx, puts)
	refused, ok := errors.AsType[*kv.RefusedError](err)
	if !ok {
		return err
	}
	for i, e := range entries {
		one := refused.Refused[puts[i].Key]
		for {
			large, ok := errors.AsType[*kv.TooLargeError](one)
			if !ok || !e.shrink() {
				break
			}
			if puts[i], err = sealed(ring, installation, e); err != nil {
				return err
			}
			if large.Max > 0 && len(puts[i].Value) > large.Max {
				continue
			}
			err := l.store(ctx, puts[i:i+1])
			again, ok := errors.AsType[*kv.RefusedError](err)
			if err != nil && !ok {
				return err
			}
			delete(refused.Refused, puts[i].Key)
			if one = nil; ok {
				one = again.Refused[puts[i].Key]
				refused.Refused[puts[i].Key] = one
			}
		}
	}
	left := &RefusedError{Cause: refused}
	for i, e := range entries {
		if refused.Refused[puts[i].Key] != nil {
			left.Entries = append(left.Entries, e)
		}
	}
	if len(left.Entries) == 0 {
		return nil
	}
	return left
}

// RefusedError says which entries the table does not take in any form; all others of the
// write are stored.
type RefusedError struct {
	Entries []*Entry
	Cause   error
}

// Error says what the table says.
func (e *RefusedError) Error() string { return e.Cause.Error() }

// remember tells the index of entries that were stored under a claim. One that is not
// loaded, and whoever claims the installation anew, reads them.
func (l *Ledger) remember(installation string, claim uint64, entries []*Entry) {
	l.mu.Lock()
	ix := l.indexes[installation]
	if l.claims[installation] != claim {
		ix = nil
	}
	l.mu.Unlock()
	if ix != nil {
		ix.add(entries)
	}
}

// store writes what was sealed: with other processes beside this one, only over what was read.
func (l *Ledger) store(ctx context.Context, puts []kv.Entry) error {
	if l.shared == nil {
		all := make([]kv.KeyValue, len(puts))
		for i, p := range puts {
			all[i] = kv.KeyValue{Key: p.Key, Value: p.Value}
		}
		return l.table.PutMany(ctx, all)
	}
	all := &kv.RefusedError{Refused: map[string]error{}}
	for part := range slices.Chunk(puts, atomicMax) {
		err := l.shared.UpdateMany(ctx, part)
		refused, partly := errors.AsType[*kv.RefusedError](err)
		if err != nil && !partly {
			return err
		}
		if partly {
			maps.Copy(all.Refused, refused.Refused)
		}
	}
	if len(all.Refused) > 0 {
		return all
	}
	return nil
}

// atomicMax is how many entries are written as one.
const atomicMax = 500

// Purge drops every entry of an installation.
func (l *Ledger) Purge(ctx context.Context, installation string) error {
	return l.purge(ctx, installation, installation)
}

// PurgeKind drops every entry of one kind.
func (l *Ledger) PurgeKind(ctx context.Context, installation string, kind v1.Kind) error {
	return l.purge(ctx, installation, installation+"."+string(kind))
}

func (l *Ledger) purge(ctx context.Context, installation, prefix string) error {
	if err := l.table.PurgePrefix(ctx, prefix); err != nil {
		return fmt.Errorf("purge ledger: %w", err)
	}
	l.forget(installation)
	return nil
}

func (l *Ledger) open(ctx context.Context, installation string, e kv.Entry) (*Entry, error) {
	ring, err := l.vault.Ring(ctx, installation)
	if err != nil {
		return nil, err
	}
	plain, err := ring.Open(e.Key, e.Value)
	if err != nil {
		return nil, err
	}
	var out Entry
	if err := json.Unmarshal(plain, &out); err != nil {
		return nil, fmt.Errorf("decode ledger entry %s: %w", e.Key, err)
	}
	out.Revision = e.Revision
	return &out, nil
}

func keyOf(installation string, kind v1.Kind, id int64) string {
	return installation + "." + string(kind) + "." + strconv.FormatInt(id, 10)
}
