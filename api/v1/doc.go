// Package v1 holds the requests and answers of the admin API, and the few types
// (Secret, Problem, Kind, Outcome) that every layer shares so that a word has one
// meaning everywhere.
//
// It holds data and its JSON forms only: no I/O, no rules of the sync. The
// admin API serves it, api/client reads it, and events, handlers and sync
// use its types. The pinned description of every shape is docs: interfaces §4.
package v1
