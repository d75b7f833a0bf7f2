// Package client speaks the admin API of channelsync (docs: interfaces §4) in
// the words of api/v1. The command line and the tests use it.
//
// It retries nothing, follows no redirect, keeps nothing between calls and sends
// the token to the one host that it was made for. A refusal by the API is a
// *v1.Problem; any other error says which operation failed and why.
package client
