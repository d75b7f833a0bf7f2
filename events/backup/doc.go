// Package backup copies a store: Write puts all of it into an archive while the service runs,
// Restore turns an archive into a store, and Migrate moves an embedded store into a cluster.
// Copies are the server's own snapshots, which keep sequences, times and consumers.
//
// The order of copying makes a restore repeat work and never skip it. The package knows no
// keys and reads no message; package archive defines the file. cmd calls it.
package backup
