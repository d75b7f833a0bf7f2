// Package lease decides which of several instances on one NATS works for which shard of the
// installations, so that no two instances ever work on one record.
//
// Each instance stores a heartbeat in one table. Each shard has a record in another table,
// which only its owner changes, and only by compare-and-set. An instance polls both. It takes
// free shards that rendezvous hashing assigns to it, starts work for them (Worker), and
// releases shards assigned to others. Its lease lasts for one TTL from its last stored
// heartbeat, and it begins nothing in the second half. Another instance takes over a shard
// once it has seen no heartbeat of the owner for a whole TTL by its own clock. No two clocks
// are compared.
//
// lease.go has an instance's loop and its answers to others; poll.go follows a shard through
// its states, from planning to release; membership.go tracks the other instances; shard.go is
// the pure part.
//
// It does not know what work is done for a shard. cmd opens it, and sync/control is the
// worker. With an embedded server there are no leases, because there is only one instance.
package lease
