package backup

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/internal/natstest"
	"channelsync/events/store"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func open(t testing.TB, change ...func(*store.Config)) *events.Bus {
	t.Helper()
	cfg := store.Config{DataDir: t.TempDir(), Log: zap.NewNop()}
	for _, c := range change {
		c(&cfg)
	}
	b, err := events.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, b) })
	return b
}

// shut closes a bus; the test's own context has ended in a cleanup.
func shut(t testing.TB, b *events.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// dispatch runs Dispatch until the test ends or the returned function is called.
func dispatch(t testing.TB, b *events.Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Dispatch(ctx) }()
	stopped := false
	stop = func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			t.Errorf("dispatch: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func change(id int64) events.Change {
	return events.Change{Installation: natstest.Installation, Kind: v1.KindCompany, ID: id, Trigger: v1.TriggerCallback}
}

func mark(id int64) events.DueEntry {
	return events.DueEntry{Installation: natstest.Installation, Kind: v1.KindCompany, ID: id, Lane: events.LaneLive, Trigger: v1.TriggerCallback}
}

func publish(t testing.TB, b *events.Bus, c events.Change, id string) events.Receipt {
	t.Helper()
	r, err := b.Journal().Publish(t.Context(), c, id)
	if err != nil {
		t.Fatalf("publish %s/%d: %v", c.Kind, c.ID, err)
	}
	return r
}

func take(t testing.TB, b *events.Bus, lane events.Lane) []events.DueEntry {
	t.Helper()
	entries, err := b.Worklist().Peek(t.Context(), natstest.Installation, v1.KindCompany, lane, events.PeekMax)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func in(d time.Duration) func(events.DueEntry) time.Duration {
	return func(events.DueEntry) time.Duration { return d }
}

// signedStore is the data directory of a store that was at work and signed.
func signedStore(t testing.TB, key string) string {
	t.Helper()
	dir := t.TempDir()
	b, err := events.Open(t.Context(), store.Config{DataDir: dir, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, change(1), "one")
	if err := b.WriteManifest(t.Context(), "v1.2.3", []byte(key)); err != nil {
		t.Fatal(err)
	}
	shut(t, b)
	return dir
}

// journalIDs is how often the journal holds each record.
func journalIDs(t testing.TB, b *events.Bus) map[int64]int {
	t.Helper()
	seen := make(map[int64]int)
	err := b.Journal().Read(t.Context(), events.ReadFrom{Installation: natstest.Installation}, func(c events.StoredChange) error {
		seen[c.ID]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}
