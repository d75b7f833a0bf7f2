// Package admin serves the admin API under /api/v1 (docs: interfaces §4): it
// reads and checks requests, hands them to the sync side through the interfaces
// below, writes answers and problems, and records every write in the audit.
//
// It holds no state and no rule of the sync, never shows the cause of an
// internal error and never repeats a secret. The token is checked before a
// request gets here (handlers.Admin). Each resource is a file of its own: its
// interface, its routes, its handlers.
package admin
