package events

import (
	"slices"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/store"
	"channelsync/test/harness"
)

func in(d time.Duration) func(DueEntry) time.Duration {
	return func(DueEntry) time.Duration { return d }
}

func TestSchedulesFireAndSurviveARestart(t *testing.T) {
	t.Parallel()
	here := kept(t)
	b := open(t, here)
	e := dueEntry(5)
	e.Job, e.Fields = "j", []string{"name"}
	harness.OK(t, b.Worklist().Schedule(t.Context(), []DueEntry{e}, in(time.Second)))
	far := []DueEntry{dueEntry(6), dueEntry(7)}
	harness.OK(t, b.Worklist().Schedule(t.Context(), far, in(time.Hour)))
	if len(peek(t, b, LaneLive)) != 0 {
		t.Error("due at once")
	}
	shut(t, b)

	b = open(t, here)
	got := peekN(t, b, LaneLive, 1)[0]
	if got.ID != 5 || got.Job != "j" || !slices.Equal(got.Fields, e.Fields) || got.Lane != LaneLive {
		t.Errorf("fired as %+v", got)
	}
	d, err := b.Worklist().Depth(t.Context(), inst)
	if err != nil || d.Scheduled != 2 || d.Live != 1 {
		t.Errorf("the fired one must be gone and the others stay: %+v, %v", d, err)
	}
}

func TestScheduleReplacesAndCancels(t *testing.T) {
	t.Parallel()
	b := open(t)
	w, ctx := b.Worklist(), t.Context()
	entries := []DueEntry{dueEntry(1), dueEntry(2), dueEntry(3)}
	harness.OK(t, w.Schedule(ctx, entries, in(time.Hour)))
	if err := w.Schedule(ctx, entries[:1], in(-time.Minute)); err != nil { // replaced by one that is past
		t.Fatal(err)
	}
	if got := idsOf(peekN(t, b, LaneLive, 1)); got[0] != 1 {
		t.Errorf("fired %v", got)
	}
	harness.OK(t, w.Unschedule(ctx, inst, v1.KindCompany, []int64{2, 99}))
	if d, err := w.Depth(ctx, inst); err != nil || d.Scheduled != 1 {
		t.Errorf("%+v, %v; want only record 3 to wait", d, err)
	}
	if err := w.Unschedule(ctx, inst, v1.KindCompany, nil); err != nil {
		t.Error(err)
	}
}

func TestManySchedulesInOneBatch(t *testing.T) {
	t.Parallel()
	b := open(t)
	var entries []DueEntry
	for id := range int64(100) {
		entries = append(entries, dueEntry(id))
	}
	harness.OK(t, b.Worklist().Schedule(t.Context(), entries, in(-time.Second)))
	peekN(t, b, LaneLive, 100)
}

func TestWholeSecondRoundsUp(t *testing.T) {
	second := time.Date(2026, 11, 23, 10, 0, 7, 0, time.UTC)
	if got := wholeSecond(second); !got.Equal(second) {
		t.Errorf("a whole second became %s", got)
	}
	if got := wholeSecond(second.Add(1)); !got.Equal(second.Add(time.Second)) {
		t.Errorf("a nanosecond more became %s", got)
	}
}

// TestWaitsAreCountedByTheServersClock: our own clock may be hours ahead or behind.
func TestWaitsAreCountedByTheServersClock(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]time.Duration{"ahead": 3 * time.Hour, "behind": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, func(c *store.Config) { c.Now = func() time.Time { return time.Now().Add(offset) } })
			waits := map[int64]time.Duration{1: time.Second, 2: 2 * time.Hour}
			wait := func(e DueEntry) time.Duration { return waits[e.ID] }
			harness.OK(t, b.Worklist().Schedule(t.Context(), []DueEntry{dueEntry(1), dueEntry(2)}, wait))
			if got := idsOf(peekN(t, b, LaneLive, 1)); got[0] != 1 {
				t.Errorf("due: %v", got)
			}
			if d, err := b.Worklist().Depth(t.Context(), inst); err != nil || d.Live != 1 || d.Scheduled != 1 {
				t.Errorf("%+v, %v; want the one of two hours to wait", d, err)
			}
		})
	}
}
