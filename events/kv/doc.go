// Package kv offers tables of keys and values on JetStream, the buckets of the nats tools.
// It reads and writes one key or many, writes compare-and-set batches entirely or not at
// all, watches tables, and erases values from the disk itself.
//
// The contents of a table are opaque: callers seal what identifies clients. If a table has
// replicas, a read may be some milliseconds old. Callers that need certainty write with
// Create, Update or UpdateMany, and retry with RetryConflict.
//
// Package events opens tables for the layers above; lease keeps its own in two of them, and
// store reads the manifest of a cluster's store from one.
package kv
