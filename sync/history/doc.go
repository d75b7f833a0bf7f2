// Package history counts what each installation did, by the hour, for the last
// 24 hours: the small chart of the console.
//
// It counts in memory, and stores the counts of an installation at most once a
// minute and when it stops. So a crash loses only a minute of a chart, and nobody
// waits for it. It stores numbers by hour, which do not identify clients, so they
// are not sealed. It reads no record: sync/control classifies events and calls it.
package history
