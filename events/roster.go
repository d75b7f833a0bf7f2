package events

import (
	"encoding/json"
	"slices"
	"time"
)

// speaks is the version of what instances tell each other through the tables of
// leases. An instance that can do more goes by the lowest that a living one speaks.
const speaks = 1

// beat is the sign of life of an instance. Fields that are not known are ignored.
type beat struct {
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

// title says whose a shard is. It changes with its owner only, and its epoch
// grows each time somebody takes it.
type title struct {
	Owner string `json:"owner"` // an instance; empty: given back
	Epoch uint64 `json:"epoch"`
}

// deed is a title as the table holds it.
type deed struct {
	title
	revision uint64 // 0: the table has none
}

// roster is what an instance knows of the others and of the shards. It judges by
// its own clock alone: another instance is dead once its beat has not moved for a
// whole TTL of watching, and watching begins anew whenever the server was out of
// reach. So nothing of clocks is relied on but the difference between two readings
// of one's own, and a server that restarts and forgets makes nobody die early.
type roster struct {
	me    string
	ttl   time.Duration
	fresh bool // the table of shards was made just now: a shard it lacks was never anybody's

	members map[string]*member
	deeds   [Shards]deed
	absent  [Shards]time.Time // since when the table was seen to lack a shard
}

type member struct {
	beat
	moved time.Time // when its beat was last seen to have moved, or was looked for the first time
	there bool      // the last look found its beat
}

func newRoster(me string, ttl time.Duration, fresh bool) *roster {
	return &roster{me: me, ttl: ttl, fresh: fresh, members: map[string]*member{}}
}

// look takes in what the tables hold. now is the moment after they were read.
func (r *roster) look(now time.Time, beats map[string]beat, deeds map[int]deed) {
	for shard := range Shards {
		d, there := deeds[shard]
		switch {
		case !there && r.absent[shard].IsZero():
			r.absent[shard], r.deeds[shard] = now, deed{}
		case there:
			r.absent[shard] = time.Time{}
			r.record(shard, d)
		}
	}
	for id, b := range beats {
		m := r.members[id]
		if m == nil || m.Count != b.Count || m.State != b.State {
			r.members[id] = &member{beat: b, moved: now}
		}
	}
	for id, m := range r.members {
		_, m.there = beats[id]
	}
	for _, d := range r.deeds {
		if d.Owner != "" && r.members[d.Owner] == nil {
			r.members[d.Owner] = &member{moved: now}
		}
	}
	r.forget(now)
}

// watchAnew begins to watch everybody anew that may hold something: the server may
// have been away, and may have forgotten what was shown to it since the last look.
// Who was dead before and has no shard stays so.
func (r *roster) watchAnew(now time.Time) {
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

func (r *roster) owns(id string) bool {
	return slices.ContainsFunc(r.deeds[:], func(d deed) bool { return d.Owner == id })
}

// record keeps the newer of two readings of a deed: a replica may lag behind.
func (r *roster) record(shard int, d deed) {
	if d.revision >= r.deeds[shard].revision {
		r.deeds[shard] = d
	}
}

// forget drops the dead whose shards are all somebody else's.
func (r *roster) forget(now time.Time) {
	for id := range r.members {
		if !r.owns(id) && !r.members[id].there && r.dead(id, now) {
			delete(r.members, id)
		}
	}
}

// dead says that an instance can no longer be working for anything.
func (r *roster) dead(id string, now time.Time) bool {
	m := r.members[id]
	return m != nil && id != r.me && (m.State == stateGone || now.Sub(m.moved) >= r.ttl)
}

// nextDeath is how long it takes until one that is alive would be dead, if nothing more is seen of it.
func (r *roster) nextDeath(now time.Time) time.Duration {
	next := r.ttl
	for id, m := range r.members {
		if id != r.me && !r.dead(id, now) {
			next = min(next, m.moved.Add(r.ttl).Sub(now))
		}
	}
	return next
}

// alive lists the others that may be working.
func (r *roster) alive(now time.Time) []string {
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
func (r *roster) staying(now time.Time, leaving bool) []string {
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
func (r *roster) free(shard int, now time.Time) bool {
	d := r.deeds[shard]
	switch {
	case !r.absent[shard].IsZero():
		return r.fresh || now.Sub(r.absent[shard]) >= r.ttl
	case d.Owner == "":
		return true
	default:
		return r.dead(d.Owner, now)
	}
}

func readBeat(value []byte) (beat, error) {
	var b beat
	err := json.Unmarshal(value, &b)
	return b, err
}
