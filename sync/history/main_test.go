package history

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"
	"channelsync/test/harness/stores"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	inst  = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	other = "01hzx3q8r9k2m4n6p8s0t2v4w7"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// table is a real one.
func table(t *testing.T) *kv.Table {
	t.Helper()
	return stores.Table(t, stores.Open(t), "history")
}

// process is a store with the installation loaded, as a process has it after its start.
func process(t *testing.T, tab Table, c *clock.Clock) *Store {
	t.Helper()
	s := New(Config{Table: tab, Now: c.Now, Log: zap.NewNop()})
	s.Load(inst)
	return s
}

// seen are the hours in which something happened, by how many hours they are ago.
func seen(t *testing.T, s *Store, id string) map[int]Counts {
	t.Helper()
	all, err := s.Hours(t.Context(), id)
	harness.OK(t, err)
	return eventful(t, all, s.Now())
}

func eventful(t *testing.T, all []v1.HistoryHour, now time.Time) map[int]Counts {
	t.Helper()
	if len(all) != span {
		t.Fatalf("%d hours, want %d", len(all), span)
	}
	out := map[int]Counts{}
	for i, h := range all {
		ago := span - 1 - i
		if want := now.UTC().Truncate(time.Hour).Add(-time.Duration(ago) * time.Hour); h.From != want {
			t.Fatalf("hour %d is from %s, want %s", i, h.From, want)
		}
		if c := (Counts{h.Changes, h.Pushed, h.Unchanged, h.Failed}); c != (Counts{}) {
			out[ago] = c
		}
	}
	return out
}

func want(t *testing.T, s *Store, want map[int]Counts) {
	t.Helper()
	if diff := cmp.Diff(want, seen(t, s, inst)); diff != "" {
		t.Error(diff)
	}
}
