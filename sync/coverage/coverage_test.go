package coverage

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

func TestDone(t *testing.T) {
	const end = math.MaxInt64
	for name, tc := range map[string]struct {
		spans []Span
		done  Range
		want  []Span
	}{
		"the first of nothing":          {nil, Range{math.MinInt64, 10}, []Span{{10, minute(9)}, {end, time.Time{}}}},
		"the first ids":                 {[]Span{{end, minute(0)}}, Range{math.MinInt64, 10}, []Span{{10, minute(9)}, {end, minute(0)}}},
		"in the middle of one":          {[]Span{{end, minute(0)}}, Range{10, 20}, []Span{{10, minute(0)}, {20, minute(9)}, {end, minute(0)}}},
		"exactly one":                   {[]Span{{10, minute(0)}, {20, minute(1)}, {end, minute(2)}}, Range{10, 20}, []Span{{10, minute(0)}, {20, minute(9)}, {end, minute(2)}}},
		"over an edge":                  {[]Span{{10, minute(0)}, {20, minute(1)}, {end, minute(2)}}, Range{5, 15}, []Span{{5, minute(0)}, {15, minute(9)}, {20, minute(1)}, {end, minute(2)}}},
		"over several, to the end":      {[]Span{{10, minute(0)}, {20, minute(1)}, {end, minute(2)}}, Range{5, end}, []Span{{5, minute(0)}, {end, minute(9)}}},
		"all":                           {[]Span{{10, minute(0)}, {end, minute(2)}}, Range{math.MinInt64, end}, []Span{{end, minute(9)}}},
		"beside one of the same time":   {[]Span{{10, minute(9)}, {end, minute(2)}}, Range{10, 20}, []Span{{20, minute(9)}, {end, minute(2)}}},
		"before one of the same time":   {[]Span{{10, minute(1)}, {end, minute(9)}}, Range{5, 10}, []Span{{5, minute(1)}, {end, minute(9)}}},
		"nothing at all changes nought": {[]Span{{10, minute(1)}, {end, minute(2)}}, Range{7, 7}, []Span{{10, minute(1)}, {end, minute(2)}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Coverage{tc.spans}.Done(tc.done, minute(9)).Spans); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNextIsTheOldestAndWhatIsDueBehindIt(t *testing.T) {
	c := Coverage{[]Span{{10, minute(5)}, {20, minute(1)}, {30, minute(3)}, {40, minute(8)}, {math.MaxInt64, minute(2)}}}
	for due, want := range map[int]Range{1: {10, 20}, 3: {10, 30}, 8: {10, math.MaxInt64}} {
		if got, ok := c.Next(minute(due)); !ok || got != want {
			t.Errorf("due at minute %d: %v, %v, want %v", due, got, ok, want)
		}
	}
	if got, ok := c.Next(minute(0)); ok {
		t.Errorf("nothing is due, got %v", got)
	}
	if got, ok := (Coverage{}).Next(minute(0)); !ok || got != all {
		t.Errorf("nothing was ever compared: %v, %v", got, ok)
	}
	if got := c.Since(); !got.Equal(minute(1)) {
		t.Errorf("since %s", got)
	}
}

// TestEveryRecordHasItsTurn: whatever shares the steps take, however often the state
// is stored and read back, and whatever it is made coarser by, no record is ever said
// to be fresher than it is, and a step is always for the one compared longest ago.
func TestEveryRecordHasItsTurn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		const most = 400
		c := From(noon)
		truth := make([]time.Time, most) // when each id was really compared
		for i := range truth {
			truth[i] = noon
		}
		now := noon
		for range rapid.IntRange(1, 200).Draw(r, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 90).Draw(r, "seconds")) * time.Second)
			next, ok := c.Next(now.Add(-time.Minute))
			if !ok {
				continue
			}
			next.UpTo = min(next.UpTo, max(next.After, -1)+int64(rapid.IntRange(1, 60).Draw(r, "share")))
			if next.UpTo >= most {
				next.UpTo = math.MaxInt64
			}
			c = c.Done(next, now)
			for id := max(next.After+1, 0); id <= min(next.UpTo, most-1); id++ {
				truth[id] = now
			}
			raw, err := json.Marshal(c)
			if err != nil {
				r.Fatal(err)
			}
			if c = (Coverage{}); json.Unmarshal(raw, &c) != nil {
				r.Fatalf("cannot read back %s", raw)
			}
			if len(c.Spans) > maxSpans || c.Spans[len(c.Spans)-1].UpTo != math.MaxInt64 {
				r.Fatalf("%d spans, the last up to %d", len(c.Spans), c.Spans[len(c.Spans)-1].UpTo)
			}
			span, oldest := 0, now
			for id := range int64(most) {
				for c.Spans[span].UpTo < id {
					span++
				}
				if c.Spans[span].At.After(truth[id]) {
					r.Fatalf("id %d was compared at %s and is said to have been at %s", id, truth[id], c.Spans[span].At)
				}
				if truth[id].Before(oldest) {
					oldest = truth[id]
				}
			}
			if c.Since().After(oldest) {
				r.Fatalf("all since %s, but one only at %s", c.Since(), oldest)
			}
		}
	})
}

// TestARoundEnds: steps of any size come round to every record, and the round after
// it takes them in the same order.
func TestARoundEnds(t *testing.T) {
	c, now := From(noon), noon.Add(time.Hour)
	var starts []int64
	for c.Since().Before(noon.Add(time.Hour)) {
		next, ok := c.Next(noon)
		if !ok || len(starts) > 100 {
			t.Fatalf("%d steps, next %v, %v", len(starts), next, ok)
		}
		starts = append(starts, next.After)
		if next.UpTo = max(next.After, -1) + 10; next.UpTo >= 999 {
			next.UpTo = math.MaxInt64
		}
		now = now.Add(time.Second)
		c = c.Done(next, now)
	}
	if len(starts) != 100 {
		t.Errorf("%d steps for 1,000 records of 10 each", len(starts))
	}
	if next, ok := c.Next(now); !ok || next.After != math.MinInt64 {
		t.Errorf("the next round begins with %v", next)
	}
}
