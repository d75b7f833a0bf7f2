// Package coverage holds the two rules by which rows without a change stamp are
// compared with what is known of them, a share at a time: whose turn it is, and how
// many requests that may cost. Both are small plain values that are stored with an
// installation, so that a restart, or another instance, goes on where the last one ended.
// It reads nothing, has no clock and knows no kind of record: sync/watch goes by it,
// sync/installation stores it.
package coverage

import (
	"math"
	"slices"
	"time"
)

// maxSpans bounds what is stored. A comparison that needs more steps than this for
// one round is remembered a little more coarsely, never as fresher than it is.
const maxSpans = 64

// Coverage says when each record was last compared, by ranges of ids. The zero value
// says that none ever was.
type Coverage struct {
	// Spans cover all ids, in their order; the last one has no upper end.
	Spans []Span `json:"spans,omitempty"`
}

// Span is a range of ids: those above the span before it, up to UpTo.
type Span struct {
	UpTo int64     `json:"upTo"`
	At   time.Time `json:"at"` // when the comparison of the range began
}

// Range is the ids above After, up to UpTo.
type Range struct{ After, UpTo int64 }

// All is every id.
var all = Range{After: math.MinInt64, UpTo: math.MaxInt64}

// From says that everything was compared at a time.
func From(at time.Time) Coverage { return Coverage{Spans: []Span{{UpTo: math.MaxInt64, At: at}}} }

// Since is the time that every record was compared at or after; zero: some never was.
func (c Coverage) Since() time.Time {
	if len(c.Spans) == 0 {
		return time.Time{}
	}
	return c.Spans[c.oldest()].At
}

// Next is the range whose turn it is: the one that was compared longest ago, so that
// none is starved, with those behind it that were not compared after due either.
// It is false while there is none.
func (c Coverage) Next(due time.Time) (Range, bool) {
	if len(c.Spans) == 0 {
		return all, true
	}
	first := c.oldest()
	if c.Spans[first].At.After(due) {
		return Range{}, false
	}
	next := Range{After: c.after(first), UpTo: c.Spans[first].UpTo}
	for _, s := range c.Spans[first+1:] {
		if s.At.After(due) {
			break
		}
		next.UpTo = s.UpTo
	}
	return next, true
}

// Done is the coverage after a range was compared at a time.
func (c Coverage) Done(r Range, at time.Time) Coverage {
	spans := c.Spans
	if len(spans) == 0 {
		spans = From(time.Time{}).Spans
	}
	out := make([]Span, 0, len(spans)+2)
	after := int64(math.MinInt64)
	put := func(s Span) {
		if s.UpTo <= after {
			return // nothing of it is left
		}
		after = s.UpTo
		if last := len(out) - 1; last >= 0 && out[last].At.Equal(s.At) {
			out[last].UpTo = s.UpTo
			return
		}
		out = append(out, s)
	}
	for _, s := range spans {
		switch {
		case s.UpTo <= r.After || after >= r.UpTo:
			put(s)
		default:
			put(Span{UpTo: min(s.UpTo, r.After), At: s.At})
			put(Span{UpTo: r.UpTo, At: at})
			put(s)
		}
	}
	return Coverage{Spans: coarser(out)}
}

// coarser joins the two neighbours that are nearest in time until few enough are
// left. What is joined counts as compared at the earlier time.
func coarser(spans []Span) []Span {
	for len(spans) > maxSpans {
		best, apart := 0, time.Duration(math.MaxInt64)
		for i := range spans[1:] {
			if d := spans[i+1].At.Sub(spans[i].At).Abs(); d < apart {
				best, apart = i, d
			}
		}
		earlier := spans[best].At
		if spans[best+1].At.Before(earlier) {
			earlier = spans[best+1].At
		}
		spans[best+1].At = earlier
		spans = slices.Delete(spans, best, best+1)
	}
	return spans
}

// oldest is the index of the span that was compared longest ago.
func (c Coverage) oldest() int {
	first := 0
	for i, s := range c.Spans {
		if s.At.Before(c.Spans[first].At) {
			first = i
		}
	}
	return first
}

// after is the upper end of the span before the i-th.
func (c Coverage) after(i int) int64 {
	if i == 0 {
		return math.MinInt64
	}
	return c.Spans[i-1].UpTo
}
