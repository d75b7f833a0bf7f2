// Package history counts what each installation did, by the hour, for the last
// 24 hours: the small chart of the console.
//
// It counts in memory and stores the counts of an installation at most once a
// minute, and when it stops, so a crash loses a minute of a chart and nothing
// else; nobody waits for it. What is stored are numbers by hour and says nothing
// of who the clients are, so it is not sealed. It never decides what counts as
// what and reads no record: sync/control does, and calls it.
package history
