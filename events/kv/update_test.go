package kv

import (
	"errors"
	"fmt"
	"testing"

	js "channelsync/events/internal/jetstream"
	"channelsync/test/harness"
)

// A writer that knows an older revision of one entry writes nothing, not even the others.
func TestUpdateMany(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tab := table(t, link(t), Config{Name: "ledger"})
	batch := func(n int, value string) (all []Entry) {
		for i := range n {
			all = append(all, Entry{Key: fmt.Sprintf("a.%d", i), Value: []byte(value)})
		}
		return all
	}
	for _, n := range []int{1, 3, 400, 500} {
		harness.OK(t, tab.PurgePrefix(ctx, "a"))
		mine := batch(n, "one")
		if err := tab.UpdateMany(ctx, mine); err != nil {
			t.Fatalf("%d new entries: %v", n, err)
		}
		for i, e := range mine {
			if got, err := tab.Get(ctx, e.Key); err != nil || got.Revision != e.Revision {
				t.Fatalf("entry %d of %d is at %d (%v), returned was %d", i, n, got.Revision, err, e.Revision)
			}
			if i > 5 {
				break
			}
		}
		if err := tab.UpdateMany(ctx, mine); err != nil {
			t.Fatalf("%d entries again: %v", n, err)
		}
		if err := tab.UpdateMany(ctx, batch(n, "late")); !errors.Is(err, js.ErrConflict) {
			t.Errorf("%d entries that are there already: %v", n, err)
		}
		// Another writer changes the last one.
		if _, err := tab.Put(ctx, mine[n-1].Key, []byte("two")); err != nil {
			t.Fatal(err)
		}
		for i := range mine {
			mine[i].Value = []byte("late")
		}
		if err := tab.UpdateMany(ctx, mine); !errors.Is(err, js.ErrConflict) {
			t.Errorf("a late writer of %d: %v", n, err)
		}
		err := tab.Each(ctx, "a", func(e Entry) error {
			if string(e.Value) == "late" {
				return fmt.Errorf("%s was written", e.Key)
			}
			return nil
		})
		if err != nil {
			t.Errorf("of %d: %v", n, err)
		}
	}
	if err := tab.UpdateMany(ctx, batch(501, "many")); err == nil {
		t.Error("501 entries were taken")
	}
	if err := tab.UpdateMany(ctx, []Entry{{Key: "a b"}}); !errors.Is(err, js.ErrBadName) {
		t.Errorf("a bad key: %v", err)
	}
	if err := tab.UpdateMany(ctx, nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

// A delete marker is no value, whoever left it, and keeps no batch from being written.
func TestUpdateManyOverADeletion(t *testing.T) {
	t.Parallel()
	l := link(t)
	tab := table(t, l, Config{Name: "t"})
	if _, err := tab.Put(t.Context(), "a.2", []byte("2")); err != nil {
		t.Fatal(err)
	}
	forge(t, l, "t", "a.1", "", kvHeader, kvPurge)
	entries := []Entry{{Key: "a.1", Value: []byte("one")}, {Key: "a.3", Value: []byte("three")}}
	harness.OK(t, tab.UpdateMany(t.Context(), entries))
	if held(t, tab, "a.1") != "one" || held(t, tab, "a.3") != "three" || entries[0].Revision == 0 {
		t.Errorf("got %+v", entries)
	}
	if err := tab.UpdateMany(t.Context(), []Entry{{Key: "a.2", Value: []byte("x")}}); !errors.Is(err, ErrConflict) {
		t.Errorf("over what is there: %v", err)
	}
}
