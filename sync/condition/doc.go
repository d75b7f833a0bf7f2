// Package condition decides whether a record syncs, and says why not.
//
// It is pure: the same facts give the same decision, whether a callback, a
// poll, a backfill, a sweep or a replay asked. It has no clock, no logger and
// no context, fetches nothing and changes nothing. A decision names every
// condition with the value it found, not only the first that failed, so that
// "why is this record not synced?" is answered from the same code that decides.
//
// The rules are the user's own (interfaces, §5) with the installation's options
// on top (§4). sync/reconcile calls it, and sync/watch calls it to see which
// records a backfill or a change of options concerns.
package condition
