// Package kv is tables of keys and values on JetStream, the buckets that the nats tools
// know: reads and writes of one key or of many, compare-and-set batches that are written
// as a whole or not at all, watching, and erasing a value from the disk itself.
//
// What a table holds is opaque: callers seal what identifies clients. A reading may
// be some milliseconds old where a table has replicas; whoever must not build on that
// writes with Create, Update or UpdateMany, and tries again with RetryConflict.
//
// Package events opens tables for the layers above; lease keeps its own in two of them, and
// store reads the manifest of a cluster's store from one.
package kv
