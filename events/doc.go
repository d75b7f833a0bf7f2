// Package events is the durable middle of channelsync, over NATS JetStream:
//
//   - the Journal (stream CHANGES): every hint that a record may differ,
//     append-only, de-duplicated, readable again for replay;
//   - the Worklist (stream WORKLIST): the set of records that are due, at most
//     one due entry for each, so that a burst of changes is one piece of work;
//   - the DeadLetters (stream DEADLETTERS): what is no longer retried.
//
// A Bus is an open store (package store) with all of these. It opens tables (package kv)
// for the state of the layers above.
//
// Dispatch carries changes from the journal to the worklist. When Publish
// returns nil the change is on disk: the embedded server flushes every write, and
// Health says what is known about an external one.
//
// The package never looks at what a record holds: changes carry identities and
// field names, never synced values, and what dead letters and tables hold is
// opaque (callers seal it). It knows no sync rule, no HTTP and no vendor.
// Handlers publish to it; the sync packages take work from it; only cmd opens
// and closes it.
package events
