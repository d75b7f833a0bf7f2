package events

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/test/harness"
)

func TestPublishKeepsTheWholeChange(t *testing.T) {
	t.Parallel()
	b := open(t)
	n := int64(41)
	want := Change{
		Installation: inst, Kind: v1.KindContact, ID: 7, Trigger: v1.TriggerCallback,
		EventTime: time.Date(2026, 11, 23, 10, 0, 0, 5e6, time.UTC), Fields: []string{"emailAddress", "phone"},
		WebhookGUID: "guid", SequenceNumber: &n, Job: "j1", Traceparent: "00-abc-def-01",
	}
	r := publish(t, b, want, "")
	var got StoredChange
	err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst}, func(c StoredChange) error { got = c; return nil })
	harness.OK(t, err)
	if diff := cmp.Diff(want, got.Change); diff != "" {
		t.Error(diff)
	}
	if got.Sequence != r.Sequence || time.Since(got.StoredAt) > time.Minute {
		t.Errorf("stored as %d at %s, receipt %+v", got.Sequence, got.StoredAt, r)
	}
}

func TestPublishDeduplicates(t *testing.T) {
	t.Parallel()
	b := open(t)
	first := publish(t, b, change(1), "a")
	again := publish(t, b, change(1), "a")
	if first.Duplicate || !again.Duplicate || again.Sequence != first.Sequence {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if r := publish(t, b, change(1), ""); r.Duplicate {
		t.Error("without an id nothing is a duplicate")
	}
	if s := b.Stats(); s.Published != 2 || s.Duplicates != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestPublishRefusesWhatCannotStandInASubject(t *testing.T) {
	t.Parallel()
	b := open(t)
	cases := map[string]struct {
		change Change
		id     string
	}{
		"short installation": {Change{Installation: "abc", Kind: v1.KindCompany, ID: 1}, ""},
		"wildcard":           {Change{Installation: strings.Repeat("*", 26), Kind: v1.KindCompany, ID: 1}, ""},
		"upper case":         {Change{Installation: strings.ToUpper(inst), Kind: v1.KindCompany, ID: 1}, ""},
		"kind":               {Change{Installation: inst, Kind: "company.>", ID: 1}, ""},
		"negative id":        {Change{Installation: inst, Kind: v1.KindCompany, ID: -1}, ""},
		"id with newline":    {change(1), "a\r\nNats-Rollup: all"},
		"long id":            {change(1), strings.Repeat("x", 300)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := b.Journal().Publish(t.Context(), c.change, c.id); !errors.Is(err, js.ErrBadName) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestGroupCommit has many publishers at once, some with the same id: each gets its own
// receipt, which says whether the change is a repeat, and the changes share rounds.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	b := open(t)
	const publishers, each = 64, 30
	var mu sync.Mutex
	type place struct {
		sequence uint64
		place    int
	}
	stored, duplicates := make(map[place]int64), 0
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				id := int64(p*each + i + 1)
				msgID := fmt.Sprintf("m%d", id)
				if i%10 == 9 {
					msgID, id = fmt.Sprintf("shared%d", i), int64(1e6+i)
				}
				r, err := b.Journal().Publish(t.Context(), change(id), msgID)
				if err != nil {
					t.Errorf("publish: %v", err)
					return
				}
				mu.Lock()
				if r.Duplicate {
					duplicates++
				}
				at := place{r.Sequence, r.Place}
				if was, ok := stored[at]; ok && was != id {
					t.Errorf("%v given to %d and %d", at, was, id)
				}
				stored[at] = id
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if want := publishers*3 - 3; duplicates != want {
		t.Errorf("%d duplicates, want %d", duplicates, want)
	}
	err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst}, func(c StoredChange) error {
		at := place{c.Sequence, c.Place}
		if stored[at] != c.ID {
			t.Errorf("%v holds %d, its receipt said %d", at, c.ID, stored[at])
		}
		delete(stored, at)
		return nil
	})
	if err != nil || len(stored) > 0 {
		t.Errorf("%v; receipts without a change: %v", err, stored)
	}
	if s := b.Stats(); s.Rounds == 0 || s.Rounds > s.Published/2 {
		t.Errorf("%d rounds for %d changes", s.Rounds, s.Published)
	}
}

func TestPublishHonoursItsContext(t *testing.T) {
	t.Parallel()
	b := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Journal().Publish(ctx, change(1), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPublishAfterClose(t *testing.T) {
	t.Parallel()
	b := open(t)
	shut(t, b)
	if _, err := b.Journal().Publish(t.Context(), change(1), ""); !errors.Is(err, js.ErrClosed) {
		t.Errorf("got %v", err)
	}
	shut(t, b) // again is fine
}

func TestPublishAllAndRead(t *testing.T) {
	t.Parallel()
	b := open(t)
	var changes []Change
	for id := range int64(1203) {
		c := change(id)
		if id%3 == 0 {
			c.Kind = v1.KindContract
		}
		changes = append(changes, c)
	}
	harness.OK(t, b.Journal().PublishAll(t.Context(), changes))
	foreign := change(5)
	foreign.Installation = other
	publish(t, b, foreign, "")

	count := func(from ReadFrom) (n int) {
		t.Helper()
		var last StoredChange
		err := b.Journal().Read(t.Context(), from, func(c StoredChange) error {
			later := c.Sequence > last.Sequence || c.Sequence == last.Sequence && c.Place > last.Place
			if n > 0 && !later || c.Installation != from.Installation {
				t.Fatalf("out of order or foreign: %+v after %+v", c, last)
			}
			last = c
			n++
			return nil
		})
		harness.OK(t, err)
		return n
	}
	hour := time.Hour
	for _, c := range []struct {
		name string
		from ReadFrom
		want int
	}{
		{"all", ReadFrom{Installation: inst}, 1203},
		{"other", ReadFrom{Installation: other}, 1},
		{"kind", ReadFrom{Installation: inst, Kind: v1.KindContract}, 401},
		{"record", ReadFrom{Installation: inst, Kind: v1.KindCompany, ID: 5}, 1},
		{"sequence", ReadFrom{Installation: inst, FromSequence: 3}, 203},
		{"past the end", ReadFrom{Installation: inst, FromSequence: 5000}, 0},
		{"since an hour ago", ReadFrom{Installation: inst, FromTime: time.Now().Add(-hour)}, 1203},
		{"since later", ReadFrom{Installation: inst, FromTime: time.Now().Add(hour)}, 0},
		{"until an hour ago", ReadFrom{Installation: inst, ToTime: time.Now().Add(-hour)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := count(c.from); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
	stop := errors.New("stop")
	err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst}, func(StoredChange) error { return stop })
	if err != stop {
		t.Errorf("fn's error came back as %v", err)
	}
	harness.OK(t, b.Journal().Purge(t.Context(), inst))
	if a, o := count(ReadFrom{Installation: inst}), count(ReadFrom{Installation: other}); a != 0 || o != 1 {
		t.Errorf("after the purge %d and %d", a, o)
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, publishers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(publishers), func(b *testing.B) {
			bus := open(b)
			work := make(chan int64)
			var wg sync.WaitGroup
			for range publishers {
				wg.Go(func() {
					for id := range work {
						if _, err := bus.Journal().Publish(b.Context(), change(id), fmt.Sprintf("m%d", id)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for id := int64(1); b.Loop(); id++ {
				work <- id
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
		})
	}
}
