package backup

import (
	"testing"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/internal/natstest"
	"channelsync/events/store"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
)

func TestMain(m *testing.M) {
	harness.Parallel(8) // most of what a test does is waiting
	harness.Main(m)
}

func change(id int64) events.Change {
	return events.Change{Installation: natstest.Installation, Kind: v1.KindCompany, ID: id, Trigger: v1.TriggerCallback}
}

func dueEntry(id int64) events.DueEntry {
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
	harness.OK(t, err)
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
	harness.OK(t, err)
	publish(t, b, change(1), "one")
	harness.OK(t, b.WriteManifest(t.Context(), "v1.2.3", []byte(key)))
	stores.Close(t, b)
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
	harness.OK(t, err)
	return seen
}
