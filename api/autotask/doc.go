// Package autotask speaks to the vendor's Autotask PSA REST API: it finds the
// zone of a user, queries records in bulk and registers webhooks. What those
// webhooks send is package callback's matter.
//
// Three things make it more than a thin wrapper. Errors get one bounded Kind
// each, because the vendor says most of its errors as HTTP 500 with a text.
// Rejected credentials stop every later call before they lock the API user out.
// The hourly request threshold belongs to the whole database, so the client
// keeps to a share of it and says when it may go on.
//
// The package never writes records at Autotask, never follows a redirect with
// credentials, never decides what syncs, and keeps nothing on disk. Sync and cmd
// call it.
package autotask
