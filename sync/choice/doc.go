// Package choice finds what a tenant has that an installation's options choose from: contract
// types, contract categories and company classifications with how many records have each, and
// the ids of what people name. It asks Autotask and keeps nothing; sync/control calls it, and
// keeps what it found for a while.
package choice
