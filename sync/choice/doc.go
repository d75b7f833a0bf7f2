// Package choice lists the values that a tenant offers for an installation's options (contract
// types, contract categories and company classifications, with the number of records for each)
// and finds the ids behind names. It asks Autotask and keeps nothing; sync/control calls it and
// caches the results.
package choice
