// Package channelprogram is the client of the Channel Program ingest API.
//
// The vendor publishes no ingest API. The one spoken here is this project's own
// port, described by openapi.yaml beside this file. The vendor's private API or
// a gateway must implement it.
//
// The package has the types of that API, one method per request, and the meaning of each
// answer ([Error], [Kind]). It never decides what is synced, never deletes, and never
// repeats a write by itself, with one exception that the contract requires: it repeats a
// request that the target is still working on, under the same key. (Below it, net/http
// repeats a request that a dead kept-alive connection never accepted, and a batch whose
// connection died, under the same key too.) The caller waits, backs off, and finds the
// failing record of a batch. sync/reconcile calls it to push and read back;
// sync/preflight and sync/control also call the handshake, to test a connection.
package channelprogram
