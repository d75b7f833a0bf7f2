package events

import js "channelsync/events/internal/jetstream"

// The errors that callers tell apart with errors.Is.
var (
	// ErrNotFound: the table or the dead letters hold nothing under that name.
	ErrNotFound = js.ErrNotFound
	// ErrConflict: the key is at another revision than the caller believed.
	ErrConflict = js.ErrConflict
	// ErrClosed: the store is closing or closed.
	ErrClosed = js.ErrClosed
	// ErrBadName: an installation, kind, id, key or message id cannot stand in a subject.
	ErrBadName = js.ErrBadName
)

// What a write is refused with.
type (
	TooLargeError = js.TooLargeError
	RefusedError  = js.RefusedError
)
