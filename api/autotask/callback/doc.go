// Package callback is what Autotask posts when a record changes: the envelope of its body,
// read as leniently as live captures differ, and the signature over the raw bytes.
//
// It is pure: no request, no clock, no logger, and it never looks at the value of a field.
// Handlers verify and read what arrives with it; sync/watch reads with it what Autotask kept
// of callbacks that it could not deliver.
package callback
