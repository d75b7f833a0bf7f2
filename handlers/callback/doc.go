// Package callback receives what Autotask, or a user's bridge, posts when a
// record changes: it verifies the signature, reads the envelope, and
// answers once the change is durable in the journal (docs: interfaces §3).
//
// It knows no sync rule, never calls Autotask, never looks at a synced value and
// never logs a body. A callback is only a hint: whatever it says, the record is
// fetched again before anything is pushed. handlers.Public mounts it.
package callback
