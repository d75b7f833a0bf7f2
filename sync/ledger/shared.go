package ledger

import (
	"context"
	"errors"
	"sync"

	"channelsync/events"
	"channelsync/sync/seal"
)

// ErrNotClaimed says that this process does not work for the installation (any more).
var ErrNotClaimed = errors.New("the ledger of this installation is not claimed by this process")

// SharedTable is a table that several processes write to.
type SharedTable interface {
	Table
	UpdateMany(ctx context.Context, entries []events.Entry) error
}

// claims are the installations that this process works for. The claim itself keeps
// nobody else away: what another process wrote is never written over unread, however
// late a message of the one before arrives.
type claims struct {
	table SharedTable

	mu   sync.Mutex
	mine map[string]bool
}

// NewShared makes a ledger on a table that other processes write to as well. An
// installation is claimed before it is written to.
func NewShared(table SharedTable, vault *seal.Vault) *Ledger {
	l := New(table, vault)
	l.shared = &claims{table: table, mine: map[string]bool{}}
	return l
}

// Claim lets entries of an installation be written, and its index be kept. What was
// known of the entries is forgotten.
func (l *Ledger) Claim(installation string) { l.claim(installation, true) }

// Release forgets an installation: another process goes on with it.
func (l *Ledger) Release(installation string) { l.claim(installation, false) }

func (l *Ledger) claim(installation string, mine bool) {
	if l.shared == nil {
		return
	}
	l.shared.mu.Lock()
	defer l.shared.mu.Unlock()
	delete(l.shared.mine, installation)
	if mine {
		l.shared.mine[installation] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.indexes, installation)
}

// claimed says whether this process works for the installation.
func (l *Ledger) claimed(installation string) bool {
	if l.shared == nil {
		return true
	}
	l.shared.mu.Lock()
	defer l.shared.mu.Unlock()
	return l.shared.mine[installation]
}
