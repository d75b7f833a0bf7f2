package kv

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	js "channelsync/events/internal/jetstream"
	"channelsync/test/harness"
)

// limited is a table whose stream an operator lets take messages of so many bytes.
func limited(t *testing.T, b *js.Link, most int32) *Table {
	t.Helper()
	tab := table(t, b, Config{Name: "limited"})
	cfg := tab.Handle.CachedInfo().Config
	cfg.MaxMsgSize = most
	if _, err := b.JS.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return tab
}

// One entry that is too large for the server is refused by itself: whether that is known
// before it is sent, or the server says so.
func TestOneEntryTooLargeLeavesTheOthers(t *testing.T) {
	t.Parallel()
	b := link(t)
	for name, tab := range map[string]*Table{
		"for any message": table(t, b, Config{Name: "t"}),
		"for its stream":  limited(t, b, 100_000),
	} {
		for _, n := range []int{1, 3, 40} {
			for _, update := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", n, " ", update), func(t *testing.T) {
					harness.OK(t, tab.PurgePrefix(t.Context(), "a"))
					const large = 2 << 20
					var entries []Entry
					var puts []KeyValue
					for i := range n {
						value := []byte("small")
						if i == n/2 {
							value = bytes.Repeat([]byte("x"), large)
						}
						key := fmt.Sprintf("a.%d", i)
						entries, puts = append(entries, Entry{Key: key, Value: value}), append(puts, KeyValue{Key: key, Value: value})
					}
					bad := entries[n/2].Key
					err := tab.PutMany(t.Context(), puts)
					if update {
						harness.OK(t, tab.PurgePrefix(t.Context(), "a"))
						err = tab.UpdateMany(t.Context(), entries)
					}
					refused, ok := errors.AsType[*js.RefusedError](err)
					if !ok || len(refused.Refused) != 1 {
						t.Fatalf("got %v", err)
					}
					size, ok := errors.AsType[*js.TooLargeError](refused.Refused[bad])
					if !ok || size.Key != bad || size.Size != large || size.Max >= large {
						t.Errorf("of %s: %v", bad, refused.Refused)
					}
					for _, e := range entries {
						got, err := tab.Get(t.Context(), e.Key)
						switch {
						case e.Key == bad && !errors.Is(err, js.ErrNotFound):
							t.Errorf("%s is stored: %v", e.Key, err)
						case e.Key != bad && (err != nil || update && got.Revision != e.Revision):
							t.Errorf("%s is at revision %d (%v), returned was %d", e.Key, got.Revision, err, e.Revision)
						}
					}
					if tab.Failing.Load() {
						t.Error("the table is said to take no writes")
					}
				})
			}
		}
	}
}

func TestAWriteThatIsTooLargeSaysWhatFits(t *testing.T) {
	t.Parallel()
	tab := table(t, link(t), Config{Name: "t"})
	_, err := tab.Put(t.Context(), "a.b", make([]byte, 2<<20))
	if large, ok := errors.AsType[*js.TooLargeError](err); !ok || large.Key != "a.b" || large.Max < 1<<19 || !strings.Contains(err.Error(), "a.b has 2097152 bytes, at most") {
		t.Errorf("got %v", err)
	}
}

// An update from another revision fails all of a batch, as it did: that is about the order of things.
func TestAConflictBesideATooLargeEntryWritesNothing(t *testing.T) {
	t.Parallel()
	tab := table(t, link(t), Config{Name: "t"})
	if _, err := tab.Put(t.Context(), "a.1", []byte("theirs")); err != nil {
		t.Fatal(err)
	}
	err := tab.UpdateMany(t.Context(), []Entry{{Key: "a.0", Value: []byte("x")}, {Key: "a.1", Value: []byte("late")}, {Key: "a.2", Value: make([]byte, 2<<20)}})
	if !errors.Is(err, js.ErrConflict) {
		t.Fatalf("got %v", err)
	}
	if _, err := tab.Get(t.Context(), "a.0"); !errors.Is(err, js.ErrNotFound) {
		t.Errorf("another of the batch is written: %v", err)
	}
}
