package events

import (
	"slices"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/store"
)

func in(d time.Duration) func(Mark) time.Duration {
	return func(Mark) time.Duration { return d }
}

func TestSchedulesFireAndSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := func(c *store.Config) { c.DataDir = dir }
	b := open(t, here)
	m := mark(5)
	m.Job, m.Fields = "j", []string{"name"}
	if err := b.Worklist().Later(t.Context(), []Mark{m}, in(time.Second)); err != nil {
		t.Fatal(err)
	}
	far := []Mark{mark(6), mark(7)}
	if err := b.Worklist().Later(t.Context(), far, in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if len(take(t, b, LaneLive)) != 0 {
		t.Error("due at once")
	}
	shut(t, b)

	b = open(t, here)
	got := takeN(t, b, LaneLive, 1)[0]
	if got.ID != 5 || got.Job != "j" || !slices.Equal(got.Fields, m.Fields) || got.Lane != LaneLive {
		t.Errorf("fired as %+v", got)
	}
	d, err := b.Worklist().Depth(t.Context(), inst)
	if err != nil || d.Later != 2 || d.Live != 1 {
		t.Errorf("the fired one must be gone and the others stay: %+v, %v", d, err)
	}
}

func TestScheduleReplacesAndCancels(t *testing.T) {
	t.Parallel()
	b := open(t)
	w, ctx := b.Worklist(), t.Context()
	marks := []Mark{mark(1), mark(2), mark(3)}
	if err := w.Later(ctx, marks, in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := w.Later(ctx, marks[:1], in(-time.Minute)); err != nil { // replaced by one that is past
		t.Fatal(err)
	}
	if got := idsOf(takeN(t, b, LaneLive, 1)); got[0] != 1 {
		t.Errorf("fired %v", got)
	}
	if err := w.CancelLater(ctx, inst, v1.KindCompany, []int64{2, 99}); err != nil {
		t.Fatal(err)
	}
	if d, err := w.Depth(ctx, inst); err != nil || d.Later != 1 {
		t.Errorf("%+v, %v; want only record 3 to wait", d, err)
	}
	if err := w.CancelLater(ctx, inst, v1.KindCompany, nil); err != nil {
		t.Error(err)
	}
}

func TestManySchedulesInOneBatch(t *testing.T) {
	t.Parallel()
	b := open(t)
	var marks []Mark
	for id := range int64(100) {
		marks = append(marks, mark(id))
	}
	if err := b.Worklist().Later(t.Context(), marks, in(-time.Second)); err != nil {
		t.Fatal(err)
	}
	takeN(t, b, LaneLive, 100)
}

func TestWholeSecondRoundsUp(t *testing.T) {
	whole := time.Date(2026, 11, 23, 10, 0, 7, 0, time.UTC)
	if got := wholeSecond(whole); !got.Equal(whole) {
		t.Errorf("a whole second became %s", got)
	}
	if got := wholeSecond(whole.Add(1)); !got.Equal(whole.Add(time.Second)) {
		t.Errorf("a nanosecond more became %s", got)
	}
}

// TestWaitsAreCountedByTheServersClock: our own clock may be hours ahead or behind.
func TestWaitsAreCountedByTheServersClock(t *testing.T) {
	t.Parallel()
	for name, ours := range map[string]time.Duration{"ahead": 3 * time.Hour, "behind": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, func(c *store.Config) { c.Now = func() time.Time { return time.Now().Add(ours) } })
			waits := map[int64]time.Duration{1: time.Second, 2: 2 * time.Hour}
			wait := func(m Mark) time.Duration { return waits[m.ID] }
			if err := b.Worklist().Later(t.Context(), []Mark{mark(1), mark(2)}, wait); err != nil {
				t.Fatal(err)
			}
			if got := idsOf(takeN(t, b, LaneLive, 1)); got[0] != 1 {
				t.Errorf("due: %v", got)
			}
			if d, err := b.Worklist().Depth(t.Context(), inst); err != nil || d.Live != 1 || d.Later != 1 {
				t.Errorf("%+v, %v; want the one of two hours to wait", d, err)
			}
		})
	}
}
