// Package sim is a Channel Program that fits in a test: a complete, honest
// implementation of the ingest API of openapi.yaml, which keeps what it is sent
// in memory, remembers every push, and misbehaves on request.
//
// It applies the whole contract (validation, ordering by observedAt, linking,
// idempotency, quotas), reports what a correct caller must never do (two writes
// of one record in flight at once), and lets a test play the people and the
// accidents on the other side: edits at the target, a wiped target, refusals,
// lost answers, hangs.
//
// It never imports code of the product it is used to test, so that a
// misunderstanding cannot hide on both sides, and it never writes to disk.
// The command next to it serves it on its own; tests and the sandbox mount
// [Sim.Handler] themselves.
package sim
