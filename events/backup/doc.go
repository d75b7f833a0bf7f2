// Package backup copies a store: Write puts all of it into an archive while it is at work,
// Restore makes a store of one, and Migrate carries an embedded store over into a cluster.
// Copies are the server's own snapshots, which keep sequences, times and consumers.
//
// The order of what is copied makes a restore repeat work and never skip it. The package
// knows no key and looks into no message; what the archive looks like is archive's matter.
// cmd calls it.
package backup
