package feed

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
)

func TestRecentKeepsTheLatest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		added := rapid.IntRange(0, 3*maxRecent).Draw(t, "added")
		of := rapid.SampledFrom([]int{1, 100, 150, 1000}).Draw(t, "of")
		keeps := map[int]int{1: maxRecent, 100: maxRecent, 150: 133, 1000: minRecent}[of]
		limit := rapid.IntRange(1, 2*maxRecent).Draw(t, "limit")
		var r *recent
		if added > 0 {
			r = &recent{}
		}
		for i := range added {
			r.add(v1.FeedEvent{ID: strconv.Itoa(i)}, of)
		}
		got := r.newest(limit)
		if want := min(added, limit, keeps); len(got) != want || got == nil {
			t.Fatalf("got %d, want %d", len(got), want)
		}
		for i, e := range got {
			if want := strconv.Itoa(added - 1 - i); e.ID != want {
				t.Fatalf("at %d: got %s, want %s", i, e.ID, want)
			}
		}
	})
}

// TestRecentGrowsAndShrinksInOrder: whatever the number of installations becomes, what is
// remembered are the latest, in their order.
func TestRecentGrowsAndShrinksInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, added := &recent{}, 0
		for _, of := range rapid.SliceOfN(rapid.SampledFrom([]int{1, 150, 1000}), 1, 8).Draw(t, "of") {
			for range rapid.IntRange(0, 150).Draw(t, "added") {
				r.add(v1.FeedEvent{ID: strconv.Itoa(added)}, of)
				added++
			}
		}
		got := r.newest(maxRecent)
		if len(got) < min(added, minRecent) || len(got) > maxRecent {
			t.Fatalf("%d of %d are kept", len(got), added)
		}
		for i, e := range got {
			if want := strconv.Itoa(added - 1 - i); e.ID != want {
				t.Fatalf("at %d: got %s, want %s", i, e.ID, want)
			}
		}
	})
}
