package lease

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"channelsync/events/internal/natstest"

	"pgregory.net/rapid"
)

// sim is a table of heartbeats, one of records, and instances that run the protocol of
// Leases on them, with a clock that the test moves. Whatever happens in whichever
// order, a shard must never have two instances that may write for it.
type sim struct {
	t          *rapid.T
	now        time.Time
	heartbeats map[string]heartbeat
	records    map[int]shardRecord
	nextRev    uint64
	all        []*node
}

type node struct {
	*membership
	s       *sim
	renewed time.Time
	count   uint64
	state   string
	held    map[int]uint64 // shard → revision of its record
	cut     bool           // it reaches no table
	away    bool           // the server was away since its last look
	crashed bool
}

const simTTL = 15 * time.Second

// simShards are the shards that the test looks at; the others behave alike.
const simShards = 6

func (s *sim) join() {
	n := &node{s: s, held: map[int]uint64{}}
	n.membership = newMembership(fmt.Sprintf("i%02d", len(s.all)), simTTL, len(s.records) == 0 && len(s.all) == 0)
	s.all = append(s.all, n)
}

func (n *node) fresh() bool { return !n.renewed.IsZero() && n.s.now.Sub(n.renewed) < simTTL/2 }

// mayWrite says whether something that it began in time can still be under way.
func (n *node) mayWrite(shard int) bool {
	_, held := n.held[shard]
	return held && !n.renewed.IsZero() && n.s.now.Sub(n.renewed) < simTTL
}

func (n *node) heartbeat(stored, answered bool) {
	n.count++
	if n.cut {
		stored, answered = false, false
	}
	if stored {
		n.s.heartbeats[n.me] = heartbeat{Count: n.count, State: n.state}
	}
	if stored && answered {
		n.renewed = n.s.now
	}
}

// guard is what guardLoop does.
func (n *node) guard() {
	if !n.fresh() {
		clear(n.held)
	}
}

// see is what poll does, up to a reading of the tables that may be old for records.
func (n *node) see(old map[int]shardRecord) {
	if n.cut {
		return
	}
	n.observe(n.s.now, maps.Clone(n.s.heartbeats), old)
	if n.away {
		n.away = false
		n.watchAnew(n.s.now)
	}
	for shard, revision := range n.held {
		d, there := old[shard]
		switch {
		case there && d.revision > revision:
			delete(n.held, shard)
		case !there && n.s.records[shard].revision == 0: // what restoreRecord does
			if again, ok := n.write(shard, ownership{Owner: n.me, Generation: 1}); ok {
				n.held[shard] = again
			}
		}
	}
}

func (n *node) act() {
	if n.cut || !n.fresh() {
		return
	}
	var states [Shards]shardState
	for shard := range simShards {
		_, held := n.held[shard]
		states[shard] = shardState{working: held, owned: n.shards[shard].Owner == n.me, free: n.free(shard, n.s.now)}
	}
	take, release := plan(n.me, n.staying(n.s.now, n.state != ""), nil, states)
	for _, shard := range release {
		if shard < simShards {
			delete(n.held, shard)
			n.write(shard, ownership{Generation: n.shards[shard].Generation})
		}
	}
	for _, shard := range take {
		if shard >= simShards || n.ownerLives(shard) {
			continue
		}
		if revision, ok := n.write(shard, ownership{Owner: n.me, Generation: n.shards[shard].Generation + 1}); ok {
			n.held[shard] = revision
		}
	}
}

// ownerLives is what confirmExpired does.
func (n *node) ownerLives(shard int) bool {
	owner := n.shards[shard].Owner
	if owner == "" || owner == n.me {
		return false
	}
	m := n.members[owner]
	b, there := n.s.heartbeats[owner]
	if there && b.Count > m.Count {
		m.heartbeat, m.moved, m.there = b, n.s.now, true
	}
	return !n.dead(owner, n.s.now)
}

// write is a compare-and-set.
func (n *node) write(shard int, to ownership) (uint64, bool) {
	if n.s.records[shard].revision != n.shards[shard].revision {
		n.shards[shard] = n.s.records[shard] // what correct does
		return 0, false
	}
	n.s.nextRev++
	d := shardRecord{ownership: to, revision: n.s.nextRev}
	n.s.records[shard] = d
	n.keepNewer(shard, d)
	return d.revision, true
}

func (s *sim) exclusive(what string) {
	for shard := range simShards {
		var who []string
		for _, n := range s.all {
			if n.mayWrite(shard) {
				who = append(who, n.me)
			}
		}
		if len(who) > 1 {
			s.t.Fatalf("after %s: shard %d may be written for by %v", what, shard, who)
		}
	}
}

// TestNeverTwoOwners: any order of joins, crashes, cuts, lost answers, old readings,
// wiped heartbeats and passing time.
func TestNeverTwoOwners(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &sim{t: t, now: time.Unix(1_700_000_000, 0), heartbeats: map[string]heartbeat{}, records: map[int]shardRecord{}}
		s.join()
		old := maps.Clone(s.records)
		for range rapid.IntRange(20, 250).Draw(t, "steps") {
			n := rapid.SampledFrom(s.all).Draw(t, "who")
			what := rapid.SampledFrom([]string{
				"heartbeat", "heartbeat", "heartbeat", "act", "act", "act", "act", "time", "time", "time", "long", "lost answer", "old reading",
				"join", "crash", "cut", "reconnect", "wipe", "lose records", "leave", "remember",
			}).Draw(t, "what")
			if n.crashed && what != "time" && what != "long" {
				continue
			}
			switch what {
			case "heartbeat":
				n.heartbeat(true, true)
			case "lost answer":
				n.heartbeat(true, false)
			case "act":
				n.see(maps.Clone(s.records))
				n.act()
			case "remember":
				old = maps.Clone(s.records)
			case "old reading":
				n.see(maps.Clone(old))
				n.act()
			case "time":
				s.pass(rapid.Int64Range(1, int64(simTTL/5)).Draw(t, "ns"))
			case "long":
				s.pass(rapid.Int64Range(int64(simTTL/3), int64(simTTL)*5/4).Draw(t, "ns"))
			case "join":
				if len(s.all) < 5 {
					s.join()
				}
			case "crash":
				// What it had begun may be under way until its lease ends: it stays in the count.
				n.crashed, n.cut = true, true
			case "cut":
				n.cut = true
			case "reconnect":
				n.cut, n.away = false, true
			case "wipe", "lose records":
				clear(s.heartbeats) // a server that restarted
				if what == "lose records" {
					clear(s.records)
					clear(old)
				}
				for _, other := range s.all {
					other.away = true
				}
			case "leave":
				n.state = stateLeaving
			}
			s.exclusive(what)
		}
		s.converges()
	})
}

// pass lets time go by in small steps, in which those that run guard themselves.
func (s *sim) pass(ns int64) {
	for d := time.Duration(ns); d > 0; d -= simTTL / 50 {
		s.now = s.now.Add(min(d, simTTL/50))
		for _, n := range s.all {
			if !n.crashed {
				n.guard()
			}
		}
	}
}

// converges: once nothing bad happens any more every shard has an owner that stays.
func (s *sim) converges() {
	var alive []*node
	for _, n := range s.all {
		if n.cut = n.crashed; !n.crashed && n.state == "" {
			alive = append(alive, n)
		}
	}
	if len(alive) == 0 {
		return
	}
	for range 60 {
		for _, n := range s.all {
			if !n.crashed {
				n.heartbeat(true, true)
				n.see(maps.Clone(s.records))
				n.act()
			}
			s.exclusive("settling")
		}
		s.pass(int64(time.Second))
	}
	for shard := range simShards {
		i := slices.IndexFunc(alive, func(n *node) bool { _, held := n.held[shard]; return held })
		if i < 0 {
			s.t.Fatalf("nobody works for shard %d: %+v", shard, s.records[shard])
		}
	}
}

func TestWantedMovesOnlyWhatItMust(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfNDistinct(rapid.StringMatching(`[0-9a-z]{6}`), 1, 8, rapid.ID[string]).Draw(t, "members")
		less := members[1:]
		for shard := range Shards {
			before, after := wanted(shard, members), wanted(shard, less)
			if before != members[0] && before != after {
				t.Fatalf("shard %d moved from %s to %s though only %s left", shard, before, after, members[0])
			}
		}
	})
	count := map[string]int{}
	for shard := range Shards {
		count[wanted(shard, []string{"01M84KX34MZWY9VXN8W70DKF6B", "01M84KX34MZWY9VXN8W70DKF6C"})]++
	}
	for who, n := range count {
		if n < Shards/4 {
			t.Errorf("%s gets %d of %d", who, n, Shards)
		}
	}
}

func TestShardOf(t *testing.T) {
	// Fixed for ever: two versions side by side must agree.
	for id, want := range map[string]int{natstest.Installation: 55, natstest.Other: 36} {
		if got := ShardOf(id); got != want {
			t.Errorf("%s falls in shard %d, want %d", id, got, want)
		}
	}
}
