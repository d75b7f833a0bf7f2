package lease

import (
	"encoding/json"
	"slices"
	"time"
)

// speaks is the version of what instances publish to each other through the tables of
// leases. An instance that can do more goes by the lowest that a living one speaks.
const speaks = 1

// heartbeat is the sign of life of an instance. Fields that are not known are ignored.
type heartbeat struct {
	Count     uint64    `json:"count"` // grows with every one
	Version   string    `json:"version"`
	Speaks    int       `json:"speaks"`
	StartedAt time.Time `json:"startedAt"`
	State     string    `json:"state,omitempty"`
	Declines  []int     `json:"declines,omitempty"` // shards that another instance should have
}

// The states of an instance that stops: it wants no shards any more; it has none.
const (
	stateLeaving = "leaving"
	stateGone    = "gone"
)

// ownership says whose a shard is. It changes with its owner only, and its generation
// grows each time somebody takes it.
type ownership struct {
	Owner      string `json:"owner"` // an instance; empty: given back
	Generation uint64 `json:"epoch"`
}

// shardRecord is a record as the table holds it.
type shardRecord struct {
	ownership
	revision uint64 // 0: the table has none
}

// membership is what an instance knows of the others and of the shards. It judges by
// its own clock alone: another instance is dead once its heartbeat has not moved for a
// whole TTL of watching, and watching begins anew whenever the server was out of
// reach. So nothing of clocks is relied on but the difference between two readings
// of one's own, and a server that restarts and forgets makes nobody die early.
type membership struct {
	me    string
	ttl   time.Duration
	fresh bool // the table of shards was made just now: a shard it lacks was never anybody's

	members map[string]*member
	shards  [Shards]shardRecord
	absent  [Shards]time.Time // since when the table was seen to lack a shard
}

type member struct {
	heartbeat
	moved time.Time // when its heartbeat was last seen to have moved, or was looked for the first time
	there bool      // the last poll found its heartbeat
}

func newMembership(me string, ttl time.Duration, fresh bool) *membership {
	return &membership{me: me, ttl: ttl, fresh: fresh, members: map[string]*member{}}
}

// observe takes in what the tables hold. now is the moment after they were read.
func (r *membership) observe(now time.Time, heartbeats map[string]heartbeat, records map[int]shardRecord) {
	for shard := range Shards {
		d, there := records[shard]
		switch {
		case !there && r.absent[shard].IsZero():
			r.absent[shard], r.shards[shard] = now, shardRecord{}
		case there:
			r.absent[shard] = time.Time{}
			r.keepNewer(shard, d)
		}
	}
	for id, b := range heartbeats {
		m := r.members[id]
		if m == nil || b.Count > m.Count { // a lower count is a replica's that lags, or was kept by somebody and put back
			r.members[id] = &member{heartbeat: b, moved: now}
		}
	}
	for id, m := range r.members {
		_, m.there = heartbeats[id]
	}
	for _, d := range r.shards {
		if d.Owner != "" && r.members[d.Owner] == nil {
			r.members[d.Owner] = &member{moved: now}
		}
	}
	r.forget(now)
}

// watchAnew begins to watch everybody anew that may own something: the server may
// have been away, and may have forgotten what was shown to it since the last poll.
// Who was dead before and has no shard stays so.
func (r *membership) watchAnew(now time.Time) {
	for id, m := range r.members {
		if r.owns(id) || !r.dead(id, now) {
			m.moved = now
		}
	}
	for shard := range r.absent {
		if !r.absent[shard].IsZero() {
			r.absent[shard] = now
		}
	}
	r.fresh = false
}

func (r *membership) owns(id string) bool {
	return slices.ContainsFunc(r.shards[:], func(d shardRecord) bool { return d.Owner == id })
}

// keepNewer keeps the newer of two readings of a record: a replica may lag behind.
func (r *membership) keepNewer(shard int, d shardRecord) {
	if d.revision >= r.shards[shard].revision {
		r.shards[shard] = d
	}
}

// forget drops the dead whose shards are all somebody else's.
func (r *membership) forget(now time.Time) {
	for id := range r.members {
		if !r.owns(id) && !r.members[id].there && r.dead(id, now) {
			delete(r.members, id)
		}
	}
}

// dead says that an instance can no longer be working for anything.
func (r *membership) dead(id string, now time.Time) bool {
	m := r.members[id]
	return m != nil && id != r.me && (m.State == stateGone || now.Sub(m.moved) >= r.ttl)
}

// nextDeath is how long it takes until one that is alive would be dead, if nothing more is seen of it.
func (r *membership) nextDeath(now time.Time) time.Duration {
	next := r.ttl
	for id, m := range r.members {
		if id != r.me && !r.dead(id, now) {
			next = min(next, m.moved.Add(r.ttl).Sub(now))
		}
	}
	return next
}

// alive lists the others that may be working.
func (r *membership) alive(now time.Time) []string {
	var ids []string
	for id, m := range r.members {
		if id != r.me && m.there && !r.dead(id, now) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// staying lists the members that shards may be given to, the instance itself
// among them unless it leaves.
func (r *membership) staying(now time.Time, leaving bool) []string {
	var ids []string
	for id, m := range r.members {
		if id != r.me && m.State == "" && !r.dead(id, now) {
			ids = append(ids, id)
		}
	}
	if !leaving {
		ids = append(ids, r.me)
	}
	return ids
}

// free says that a shard may be taken as far as this instance knows; of a dead
// owner the caller makes sure first.
func (r *membership) free(shard int, now time.Time) bool {
	d := r.shards[shard]
	switch {
	case !r.absent[shard].IsZero():
		return r.fresh || now.Sub(r.absent[shard]) >= r.ttl
	case d.Owner == "":
		return true
	default:
		return r.dead(d.Owner, now)
	}
}

func readHeartbeat(value []byte) (heartbeat, error) {
	var b heartbeat
	err := json.Unmarshal(value, &b)
	return b, err
}
