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
// across a call to the table or the vault. What must not overlap although it makes calls
// passes a gate, which a caller leaves with its context: Ledger.writing (one write of an
// installation at a time, so that the index sees writes in the order of the table), then
// nothing else; index.loading (one load of an index at a time), then nothing else.
package ledger
