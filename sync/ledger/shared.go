package ledger

import (
	"context"
	"errors"

	"channelsync/events/kv"
	"channelsync/sync/seal"
)

// ErrNotClaimed says that this process does not work for the installation (any more).
var ErrNotClaimed = errors.New("the ledger of this installation is not claimed by this process")

// SharedTable is a table that several processes write to.
type SharedTable interface {
	Table
	UpdateMany(ctx context.Context, entries []kv.Entry) error
}

// NewShared makes a ledger on a table that other processes write to as well. An
// installation is claimed before it is written to. The claim itself keeps nobody else
// away: what another process wrote is never written over unread, however late a message
// of the one before arrives.
func NewShared(table SharedTable, vault *seal.Vault) *Ledger {
	l := New(table, vault)
	l.shared = table
	return l
}

// Claim lets entries of an installation be written, and its index be kept. What was
// known of the entries is forgotten.
func (l *Ledger) Claim(installation string) {
	if l.shared == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claimed++
	l.claims[installation] = l.claimed
	delete(l.indexes, installation)
	delete(l.texts, installation)
}

// Release forgets an installation: another process goes on with it.
func (l *Ledger) Release(installation string) {
	if l.shared == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.claims, installation)
	delete(l.indexes, installation)
	delete(l.texts, installation)
}

// claimOf returns the claim of an installation; false when this process has none and needs one.
func (l *Ledger) claimOf(installation string) (claim uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	claim = l.claims[installation]
	return claim, claim != 0 || l.shared == nil
}
