package store

import (
	"context"
	"testing"
	"time"

	"channelsync/events/kv"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) {
	harness.Parallel(8) // most of what a test does is waiting
	harness.Main(m)
}

func open(t testing.TB, change ...func(*Config)) *Store {
	t.Helper()
	cfg := Config{DataDir: t.TempDir()}
	for _, c := range change {
		c(&cfg)
	}
	s, err := Open(t.Context(), cfg)
	harness.OK(t, err)
	t.Cleanup(func() { shut(t, s) })
	return s
}

// shut closes a store; the test's own context has ended in a cleanup.
func shut(t testing.TB, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// tableStream is the stream of the table that put writes to.
const tableStream = "KV_t"

// put writes something to a table.
func put(t testing.TB, s *Store) {
	t.Helper()
	harness.OK(t, putIn(t.Context(), t, s))
}

func putIn(ctx context.Context, t testing.TB, s *Store) error {
	t.Helper()
	_, err := table(t, s).Put(ctx, "key", []byte("value"))
	return err
}

// holds says whether what put wrote is there.
func holds(t testing.TB, s *Store) bool {
	t.Helper()
	e, err := table(t, s).Get(t.Context(), "key")
	return err == nil && string(e.Value) == "value"
}

func table(t testing.TB, s *Store) *kv.Table {
	t.Helper()
	table, err := kv.Open(t.Context(), s.Link, kv.Config{Name: "t"})
	harness.OK(t, err)
	return table
}
