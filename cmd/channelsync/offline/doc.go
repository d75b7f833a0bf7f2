// Package offline works on a store while no service runs on it: it checks and restores
// a backup, and moves an embedded store into a cluster. It never overwrites a store, and
// never leaves an incomplete one where a service would find it. The command line calls
// it; package events/backup does the copying.
package offline
