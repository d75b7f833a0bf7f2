// Package callback reads what Autotask posts when a record changes: the envelope of the body,
// as leniently as live captures require, and the signature over the raw bytes.
//
// It is pure: no request, no clock, no logger, and it never looks at the value of a field.
// Handlers use it to verify and read callbacks; sync/watch uses it to read Autotask's log of
// callbacks that could not be delivered.
package callback
