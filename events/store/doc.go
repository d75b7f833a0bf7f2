// Package store opens and closes the event store: a NATS server inside the process, or
// external servers. It locks the data directory. Before it touches a store it refuses one that
// must not be used (a newer format, another master key, a moved store, a full disk). It writes
// the manifest that describes the store, and reports the server's state (Health, AwaitStuck).
//
// It knows the names of the streams, which define the format, but never their contents.
// Package events opens its streams on a store; backup copies one; cmd decides when.
package store
