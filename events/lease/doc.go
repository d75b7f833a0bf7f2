// Package lease says which of several instances on one NATS works for which shard of the
// installations, so that no record ever has two hands on it.
//
// Each instance stores a heartbeat in one table; each shard has a record in another, which
// changes with its owner alone and by compare-and-set alone. An instance that polls both
// takes the shards that are its own by rendezvous hashing and nobody's, begins to work for
// them (Worker), and releases what is to be another's. Its lease lasts for one TTL from the
// heartbeat that was stored last, and nothing is begun in its second half. Another instance
// takes a shard over once it has seen no heartbeat of the owner for a whole TTL by its own
// clock: no two clocks are compared.
//
// lease.go has what an instance does all the time and what others ask it; poll.go follows a
// shard through its states, from the poll that plans it to its release; membership.go is
// what is known of the others; shard.go is the pure part.
//
// It knows nothing of the work that is done for a shard. cmd opens it; sync/control is the
// worker; with an embedded server there is none, for there is nobody else.
package lease
