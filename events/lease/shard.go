package lease

import (
	"hash/fnv"
	"slices"
	"strconv"
)

// Shards is how many parts the installations are divided into, so that several
// instances can share them out. It and ShardOf are the same in every version:
// two versions side by side must agree whose an installation is.
const Shards = 64

// ShardOf is the shard that an installation falls in: FNV-1a of its id, modulo Shards.
func ShardOf(installation string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(installation)) // a hash takes whatever it is given
	return int(h.Sum32() % Shards)
}

// wanted is the member that a shard should be of: the one with the highest weight
// for it. So a member that comes or goes moves its own share of the shards only,
// and everybody who sees the same members comes to the same answer. Empty without members.
func wanted(shard int, members []string) string {
	best, most := "", uint64(0)
	for _, m := range members {
		if w := weight(shard, m); best == "" || w > most || w == most && m < best {
			best, most = m, w
		}
	}
	return best
}

// weight mixes after hashing: FNV alone spreads names that differ at their end badly.
func weight(shard int, member string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strconv.Itoa(shard) + "/" + member))
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// shardState is how a shard stands in the eyes of one instance.
type shardState struct {
	working bool // it works for the shard, or has not finished stopping to
	owned   bool // the table says that the shard is its own
	free    bool // nobody can be working for it: given back, or its owner is dead
}

// plan says which shards an instance takes and which it gives back. members are
// those that work and stay, the instance itself among them unless it leaves; declines are
// the shards that a member wants others to have as long as there are some.
func plan(me string, members []string, declines map[string][]int, states [Shards]shardState) (take, release []int) {
	for shard, p := range states {
		mine := wanted(shard, willing(shard, members, declines)) == me
		switch {
		case p.working && !mine:
			release = append(release, shard)
		case p.working:
		case mine && (p.free || p.owned):
			take = append(take, shard)
		case p.owned: // kept by name only since the lease was lost
			release = append(release, shard)
		}
	}
	return take, release
}

// willing are the members that do not decline a shard; all of them when all do.
func willing(shard int, members []string, declines map[string][]int) []string {
	left := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return slices.Contains(declines[m], shard) })
	if len(left) == 0 {
		return members
	}
	return left
}
