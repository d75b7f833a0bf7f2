// Package sim is a simulated Channel Program: a complete implementation of the
// ingest API of openapi.yaml that keeps its data in memory, records every push,
// and misbehaves on request.
//
// It applies the whole contract (validation, ordering by observedAt, linking,
// idempotency, quotas), reports what a correct caller must never do (two writes
// of one record in flight at once), and lets a test play the people and the
// accidents on the other side: edits at the target, a wiped target, refusals,
// lost answers, hangs.
//
// It never imports code of the product it is used to test, so that a
// misunderstanding cannot hide on both sides, and it never writes to disk.
// The command beside it serves it as a program; tests and the sandbox mount
// [Sim.Handler] themselves.
package sim
