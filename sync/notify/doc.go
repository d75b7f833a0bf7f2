// Package notify tells one receiver, by signed POSTs, of the issues somebody has
// to act on: once when an issue has stayed open, once when it has cleared.
//
// It looks at the open issues now and then, and remembers in a table what it
// told, so that a restart neither tells twice nor forgets a recovery. Whatever
// becomes of a notification, nothing else waits for it: a receiver that is away
// costs one post at a time, with growing pauses, on a goroutine of its own.
//
// It never decides what an issue is or what to do about it (sync/control does),
// and never keeps the name of an installation or the detail of an issue on disk:
// those may tell who the clients are. Made and run by cmd/channelsync/app.
package notify
