// Package ledger stores what was last pushed for each record, how its last
// reconcile ended, and its latest steps. Because of it, an edit that changes nothing
// pushes nothing. Entries are sealed with the installation's own key, because they
// identify clients; lists, search and counts come from an
// index in memory, built per installation when first asked for.
// It decides nothing; sync/reconcile writes it, sync/control reads it.
//
// # Locks
//
// Two mutexes guard memory alone: Ledger.mu (claims, and which indexes are kept) and
// index.mu (what an index holds). Neither is ever held together with the other, and neither
// across a call to the table or the vault. Work that makes calls and must not overlap
// passes a gate, where a waiter leaves when its context ends: Ledger.writing (one write of an
// installation at a time, so that the index sees writes in the order of the table) or
// index.loading (one load of an index at a time). Whoever passed one of them passes no other.
package ledger
