package projection

import (
	"math"
	"time"
)

// day is a calendar day, counted from 1970-01-01. Autotask's date-only fields mean the
// day, whatever zone anybody is in, so days are never converted.
type day int

// The days that stand for a missing start and a missing end.
const (
	always day = math.MinInt32
	never  day = math.MaxInt32
)

const secondsADay = 24 * 60 * 60

// dayOf is the calendar day of a time in UTC, or missing for the zero time.
func dayOf(t time.Time, missing day) day {
	if t.IsZero() {
		return missing
	}
	y, m, d := t.UTC().Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsADay)
}

func (d day) time() time.Time { return time.Unix(int64(d)*secondsADay, 0).UTC() }

// known says whether it is a day and not a missing one.
func (d day) known() bool { return d != always && d != never }

// later is the same day of a later month, or that month's last where it has no such day.
func (d day) later(months int) day {
	at := d.time()
	first := time.Date(at.Year(), at.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return dayOf(first.AddDate(0, 0, min(at.Day(), last)-1), always)
}

// String writes the day for people: 16 November 2026.
func (d day) String() string { return d.time().Format("2 January 2006") }

// iso writes the day as 2026-11-16; empty for a missing one.
func (d day) iso() string {
	if !d.known() {
		return ""
	}
	return d.time().Format(time.DateOnly)
}
