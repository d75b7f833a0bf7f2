// Package notify notifies one receiver, by signed POSTs, of the issues somebody has
// to act on: once when an issue has stayed open, once when it has cleared.
//
// It polls the open issues, and keeps its notifications in a table, so that a restart
// neither notifies twice nor forgets a recovery. Nothing else waits for a notification: a
// receiver that is away costs one post at a time, with growing backoff, on one goroutine.
//
// It never decides what an issue is or what to do about it (sync/control does),
// and never keeps the name of an installation or the detail of an issue on disk:
// those may tell who the clients are. Made and run by cmd/channelsync/app.
package notify
