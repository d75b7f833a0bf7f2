package events

import js "channelsync/events/internal/jetstream"

// The errors that callers distinguish with errors.Is, beside those of the journal.
var (
	// ErrNotFound: the dead letters hold nothing under that name.
	ErrNotFound = js.ErrNotFound
	// ErrBadName: an installation, kind, id or cursor is none.
	ErrBadName = js.ErrBadName
	// ErrClosed: the store is closing or closed.
	ErrClosed = js.ErrClosed
)
