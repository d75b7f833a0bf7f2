// Package store is the life of the event store: a NATS server inside the process, or servers
// that run elsewhere. It locks the data directory, refuses a store that must not be used
// (a newer format, another master key, one that was moved, a full disk) before anything of
// it is touched, writes the manifest in which the store says what it is, and tells how the
// server stands (Health, AwaitStuck).
//
// It knows the names of the streams, since a format is which there are, and never what is in
// them. Package events opens its streams on a store; backup copies one; cmd decides when.
package store
