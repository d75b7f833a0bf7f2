package watch

import (
	"cmp"
	"slices"
	"time"
)

const (
	// overlap is read again on every poll at least: stamps can land out of order.
	overlap = 2 * time.Minute
	// wide is how much is read again as long as few rows come of it, which costs no request
	// more: a long transaction lands late, and the clock that stamps need not be the one
	// that Autotask's answers are dated by.
	wide = 2 * time.Hour
	// few rows are half a page.
	few = 250
	// reach is how far the first poll looks back.
	reach = 24 * time.Hour
)

// sighted is what a poll saw: how far it looked back, and the rows.
//
// The cursor of a poll moves only to stamps that were seen, so that our clock and
// Autotask's need not agree, and only to stamps that are not in the future by Autotask's
// clock: a record stamped in 2099 must not hide the edits until then.
type sighted struct {
	since  time.Time // rows stamped from then on
	newest time.Time // stamp that was not in the future; zero while none was seen
	width  time.Duration
	rows   map[int64]signature
}

// signature tells the states of a row apart, as far as its stamps do.
type signature struct {
	all    [3]int64 // every stamp, in milliseconds
	newest time.Time
	future bool // one of the stamps is in the future
}

// from is since when the next poll asks for stamps.
func (s sighted) from(cursor, now time.Time) time.Time {
	width := cmp.Or(s.width, wide)
	if cursor.IsZero() || ahead(cursor, now) { // an older version went there, or a clock that was wrong
		return now.Add(-reach)
	}
	from := cursor.Add(-width)
	if s.since.After(from) && !s.since.After(cursor) {
		return s.since // what left the window does not come back
	}
	return from
}

// ahead says whether a stamp is in the future, by more than clocks are apart that agree.
// That much is read again by every poll, so that one that is not hides nothing either.
func ahead(at, now time.Time) bool { return at.After(now.Add(overlap)) }

// see adds a row.
func (s *sighted) see(id int64, times []time.Time, now time.Time) {
	row := signature{newest: slices.MaxFunc(times, time.Time.Compare)}
	for i, at := range times {
		row.all[i] = at.UnixMilli()
		switch {
		case ahead(at, now):
			row.future = true
		case at.After(s.newest):
			s.newest = at
		}
	}
	s.rows[id] = row
}

// differs says whether a row that the next poll saw is new, or was another one then.
func (s sighted) differs(next sighted, id int64) bool {
	was, seen := s.rows[id]
	return !seen || was.all != next.rows[id].all
}

// fit narrows what the next poll reads again when many rows came of it, and widens it
// when few did.
func (s *sighted) fit(last sighted) {
	s.width = last.width
	switch {
	case s.width == 0:
		s.width = wide
	case len(s.rows) > few:
		s.width = max(overlap, s.width/2)
	default:
		s.width = min(wide, 2*s.width)
	}
}
