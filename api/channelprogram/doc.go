// Package channelprogram is the client of the Channel Program ingest API.
//
// The vendor publishes no ingest API. The one spoken here is this project's own
// port, described by openapi.yaml beside this file; bind it to the
// vendor's private API or to a gateway when you have one.
//
// The package knows the words of that API, one request per method, and what an
// answer means ([Error], [Kind]). It never decides what is synced, never
// deletes, and never repeats a write on its own, with one exception that the API's
// contract asks for: a request that the target is still working on is asked for again
// under the same key. (Below it, net/http repeats a request that a dead kept-alive
// connection never took, and a batch whose connection died: under the same key, which
// is what the key is for.) Waiting, backing off, and telling apart the records of a
// batch that failed belong to the caller. It is called by sync/reconcile (pushes and
// read-back) and by whatever tests a connection (handshake).
package channelprogram
