// Package client is a client of channelsync's admin API (docs: interfaces §4), with
// the types of api/v1. The command line and the tests use it.
//
// It retries nothing, follows no redirect, keeps nothing between calls and sends
// the token only to the host that it was created for. A refusal by the API is a
// *v1.Problem; any other error says which operation failed and why.
package client
