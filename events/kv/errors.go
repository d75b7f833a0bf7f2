package kv

import js "channelsync/events/internal/jetstream"

// The errors that callers distinguish with errors.Is.
var (
	// ErrNotFound: the table holds nothing under that key.
	ErrNotFound = js.ErrNotFound
	// ErrConflict: the key is at another revision than the caller believed.
	ErrConflict = js.ErrConflict
	// ErrBadName: a key cannot stand in a subject.
	ErrBadName = js.ErrBadName
)

// What a write is refused with.
type (
	// TooLargeError says that an entry is larger than the server takes.
	TooLargeError = js.TooLargeError
	// RefusedError says which of several entries the server does not take; all others are stored.
	RefusedError = js.RefusedError
)
