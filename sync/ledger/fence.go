package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"channelsync/events"
	"channelsync/sync/seal"
)

// ErrNotClaimed says that another process may write entries of the installation by now.
var ErrNotClaimed = errors.New("the ledger of this installation is not claimed by this process")

// FencedTable is a table that several processes write to.
type FencedTable interface {
	Table
	Get(ctx context.Context, key string) (events.Entry, error)
	Create(ctx context.Context, key string, value []byte) (uint64, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Delete(ctx context.Context, key string) error
	PutFenced(ctx context.Context, entries []events.KeyValue, fence events.KeyValue, revision uint64) (uint64, error)
}

// fences keep a process from writing once another has claimed an installation, even
// if what it sent before that arrives after it: each write moves the fence on and
// demands that nobody else has.
type fences struct {
	table FencedTable
	owner []byte // who claims; for people who look at the table

	mu sync.Mutex
	at map[string]uint64 // by claimed installation: the fence's revision
}

// NewShared makes a ledger on a table that other processes write to as well: an
// installation is claimed before it is written to. Owner names this process.
func NewShared(table FencedTable, vault *seal.Vault, owner string) *Ledger {
	l := New(table, vault)
	l.fences = &fences{table: table, owner: []byte(owner), at: map[string]uint64{}}
	return l
}

// Claim makes this process the only one that writes entries of an installation,
// until another claims it. It forgets what it knew of the entries.
func (l *Ledger) Claim(ctx context.Context, installation string) error {
	if l.fences == nil {
		return nil
	}
	revision, err := l.fences.claim(ctx, fenceKey(installation))
	if err != nil {
		return fmt.Errorf("claim ledger of installation %s: %w", installation, err)
	}
	l.Release(installation)
	l.fences.mu.Lock()
	defer l.fences.mu.Unlock()
	l.fences.at[installation] = revision
	return nil
}

func (f *fences) claim(ctx context.Context, key string) (uint64, error) {
	e, err := f.table.Get(ctx, key)
	switch {
	case errors.Is(err, events.ErrNotFound):
		return f.table.Create(ctx, key, f.owner)
	case err != nil:
		return 0, err
	default:
		return f.table.Update(ctx, key, f.owner, e.Revision)
	}
}

// Release forgets an installation's claim and entries: another process may go on.
func (l *Ledger) Release(installation string) {
	if l.fences == nil {
		return
	}
	l.fences.mu.Lock()
	delete(l.fences.at, installation)
	l.fences.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.indexes, installation)
}

// claimed says whether nobody but this process writes entries of the installation.
func (l *Ledger) claimed(installation string) bool {
	if l.fences == nil {
		return true
	}
	l.fences.mu.Lock()
	defer l.fences.mu.Unlock()
	_, ok := l.fences.at[installation]
	return ok
}

// fencedBatch is the most entries of one fenced write.
const fencedBatch = 499

// write stores what was sealed, behind the fence where there is one. Writes of one
// installation come one after the other: its index is locked.
func (l *Ledger) write(ctx context.Context, installation string, puts []events.KeyValue) error {
	if l.fences == nil {
		return l.table.PutMany(ctx, puts)
	}
	f := l.fences
	for len(puts) > 0 {
		f.mu.Lock()
		at, ok := f.at[installation]
		f.mu.Unlock()
		if !ok {
			return ErrNotClaimed
		}
		n := min(len(puts), fencedBatch)
		next, err := f.table.PutFenced(ctx, puts[:n], events.KeyValue{Key: fenceKey(installation), Value: f.owner}, at)
		if err != nil {
			return l.unsure(ctx, installation, err)
		}
		f.mu.Lock()
		f.at[installation] = next
		f.mu.Unlock()
		puts = puts[n:]
	}
	return nil
}

// unsure looks where the fence is after a write that failed: it may have been stored
// all the same. When another process has claimed it, ours is over.
func (l *Ledger) unsure(ctx context.Context, installation string, cause error) error {
	e, err := l.fences.table.Get(context.WithoutCancel(ctx), fenceKey(installation))
	if err != nil {
		return errors.Join(cause, err)
	}
	l.fences.mu.Lock()
	defer l.fences.mu.Unlock()
	if string(e.Value) != string(l.fences.owner) {
		delete(l.fences.at, installation)
		return fmt.Errorf("%w: %w", ErrNotClaimed, cause)
	}
	if _, ok := l.fences.at[installation]; ok {
		l.fences.at[installation] = e.Revision
	}
	return cause
}

// dropFence removes the fence of an installation that is erased.
func (l *Ledger) dropFence(ctx context.Context, installation string) error {
	if l.fences == nil {
		return nil
	}
	if err := l.fences.table.Delete(ctx, fenceKey(installation)); err != nil {
		return fmt.Errorf("drop fence of installation %s: %w", installation, err)
	}
	l.Release(installation)
	return nil
}

// fenceKey is not under the installation's own prefix, where entries are.
func fenceKey(installation string) string { return "fence." + installation }
