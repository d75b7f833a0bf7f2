package events

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir) // the process that crash_test.go kills
		return
	}
	harness.Parallel(8) // most of what a test does is waiting, for disks and clocks
	harness.Main(m)
}

const (
	inst  = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	other = "01hzx3q8r9k2m4n6p8s0t2v4w7"
)

func open(t testing.TB, change ...func(*store.Config)) *Bus {
	t.Helper()
	cfg := store.Config{DataDir: t.TempDir(), Log: zap.NewNop()}
	for _, c := range change {
		c(&cfg)
	}
	b, err := Open(t.Context(), cfg)
	harness.OK(t, err)
	t.Cleanup(func() { shut(t, b) })
	return b
}

// kept opens one store again and again.
func kept(t testing.TB) func(*store.Config) {
	dir := t.TempDir()
	return func(c *store.Config) { c.DataDir = dir }
}

// shut closes a bus; the test's own context has ended in a cleanup.
func shut(t testing.TB, b *Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// dispatch runs Dispatch until the test ends or the returned function is called.
func dispatch(t testing.TB, b *Bus) (stop func()) {
	t.Helper()
	return harness.Go(t, b.Dispatch)
}

func change(id int64) Change {
	return Change{Installation: inst, Kind: v1.KindCompany, ID: id, Trigger: v1.TriggerCallback}
}

func dueEntry(id int64) DueEntry {
	return DueEntry{Installation: inst, Kind: v1.KindCompany, ID: id, Lane: LaneLive, Trigger: v1.TriggerCallback}
}

func publish(t testing.TB, b *Bus, c Change, id string) Receipt {
	t.Helper()
	r, err := b.Journal().Publish(t.Context(), c, id)
	if err != nil {
		t.Fatalf("publish %s/%d: %v", c.Kind, c.ID, err)
	}
	return r
}

func peek(t testing.TB, b *Bus, lane Lane) []DueEntry {
	t.Helper()
	entries, err := b.Worklist().Peek(t.Context(), inst, v1.KindCompany, lane, PeekMax)
	harness.OK(t, err)
	return entries
}

func peekN(t testing.TB, b *Bus, lane Lane, n int) []DueEntry {
	t.Helper()
	var entries []DueEntry
	harness.Until(t, fmt.Sprintf("%d entries on the %s lane", n, lane), 10*time.Second, func() bool {
		entries = peek(t, b, lane)
		return len(entries) == n
	})
	return entries
}

func idsOf(entries []DueEntry) []int64 {
	var ids []int64
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

func journalIDs(t testing.TB, b *Bus) map[int64]int {
	t.Helper()
	seen := make(map[int64]int)
	err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst}, func(c StoredChange) error {
		seen[c.ID]++
		return nil
	})
	harness.OK(t, err)
	return seen
}

func opened(t testing.TB, b *Bus, cfg kv.Config) *kv.Table {
	t.Helper()
	table, err := b.Table(t.Context(), cfg)
	harness.OK(t, err)
	return table
}
