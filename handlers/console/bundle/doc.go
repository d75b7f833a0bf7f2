// Package bundle makes the support bundle of a record: what somebody who helps needs
// to know, and nothing that tells who the client is. Ids, codes, states and times are in
// it; names, addresses and amounts only masked; words that may quote them are left out.
// Everything in it is pure. Used by handlers/console.
package bundle
