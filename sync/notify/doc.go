// Package notify sends signed POSTs to one receiver about issues that need action:
// once when an issue has stayed open, and once when it has cleared.
//
// It polls the open issues, and keeps its notifications in a table, so that a restart
// neither notifies twice nor forgets a recovery. Nothing else waits for a notification: a
// receiver that does not answer costs one post at a time, with growing backoff, on one
// goroutine.
//
// It never decides what an issue is or what to do about it (sync/control does), and
// never stores the name of an installation or the detail of an issue, because they may
// identify clients. cmd/channelsync/app creates and runs it.
package notify
