package control

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/sync/reconcile"
)

func TestRecentKeepsTheLatest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		added := rapid.IntRange(0, 3*keepRecent).Draw(t, "added")
		of := rapid.SampledFrom([]int{1, 100, 150, 1000}).Draw(t, "of")
		keeps := map[int]int{1: keepRecent, 100: keepRecent, 150: 133, 1000: leastRecent}[of]
		limit := rapid.IntRange(1, 2*keepRecent).Draw(t, "limit")
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
		got := r.newest(keepRecent)
		if len(got) < min(added, leastRecent) || len(got) > keepRecent {
			t.Fatalf("%d of %d are kept", len(got), added)
		}
		for i, e := range got {
			if want := strconv.Itoa(added - 1 - i); e.ID != want {
				t.Fatalf("at %d: got %s, want %s", i, e.ID, want)
			}
		}
	})
}

func TestRecentOutcomes(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	settled := func(record int64, name string) {
		d.publish(id, reconcile.Settled{
			Kind: v1.KindCompany, ID: record, Name: name, Outcome: v1.OutcomePushed, Trigger: v1.TriggerCallback,
			Pushed: true, At: at, Took: 1500 * time.Millisecond,
		})
	}
	got, err := d.Recent(t.Context(), id, 10)
	ok(t, err)
	if got == nil || len(got) != 0 {
		t.Errorf("got %v before the first outcome", got)
	}
	settled(7, "Old")
	settled(8, "New")
	got, err = d.Recent(t.Context(), id, 1)
	ok(t, err)
	want := []v1.FeedEvent{{
		At: at, Kind: v1.KindCompany, ID: "8", Name: "New", Outcome: v1.OutcomePushed, Reasons: []string{},
		Trigger: v1.TriggerCallback, Pushed: true, Millis: 1500,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	ok(t, d.Do(t.Context(), id, "", "erase"))
	if _, err := d.Recent(t.Context(), id, 1); err == nil {
		t.Error("an erased installation has outcomes")
	}
	if d.feeds.recent[id] != nil {
		t.Error("the names of an erased installation's clients are remembered")
	}
}
