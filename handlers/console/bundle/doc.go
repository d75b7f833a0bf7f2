// Package bundle builds the support bundle of a record: what a supporter needs to know, and
// nothing that identifies the client. It contains ids, codes, states and times. Names,
// addresses and amounts are masked, and texts that may quote them are left out.
// It is pure. handlers/console uses it.
package bundle
