// Package autotask speaks to the vendor's Autotask PSA REST API: it finds the
// zone of a user, queries records in bulk and registers webhooks. Package callback
// reads what those webhooks send.
//
// Three things make it more than a thin wrapper. Errors get one bounded Kind
// each, because the vendor answers most errors as HTTP 500 with a text.
// Rejected credentials stop every later call before they lock the API user out.
// The hourly request threshold belongs to the whole database, so the client
// keeps to a share of it and says when it may resume.
//
// The package never writes records at Autotask, never follows a redirect with
// credentials, never decides what syncs, and keeps nothing on disk. Sync and cmd
// call it.
package autotask
