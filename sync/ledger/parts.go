package ledger

import (
	"fmt"
	"time"
)

// Parts is what the last reconcile of a contract read of the rows that hang on it,
// and what of it has to be compared: Autotask does not tell when one is edited. All
// days are those of the installation's time zone.
type Parts struct {
	// Hash is over the rows below as queries answered them, those that could not be
	// read included.
	Hash string `json:"hash"`
	// From and To bound the unit rows: those that ended before From are history, of
	// those that begin after To nothing is read today. To 0: all later ones count.
	From Day `json:"from"`
	To   Day `json:"to,omitempty"`
	// Charges says that the charges give the vendor or the cost, or would: else
	// they are not compared.
	Charges bool `json:"charges,omitempty"`
	// Rows is how many rows the hash is over: what comparing them costs.
	Rows int32 `json:"rows,omitempty"`
	// Until is the last day on which the contract runs or a line of it is in force;
	// 0: no end is known. Later there is nothing to compare.
	Until Day `json:"until,omitempty"`
	// Due is the day on which the contract is to be reconciled though nothing of it
	// is edited: the rows themselves say that its vendor or cost changes then.
	Due Day `json:"due,omitempty"`
}

// Day is a calendar day, counted from 1970-01-01; 0 is none.
type Day int32

const dayLength = 24 * time.Hour

// DayOf is the calendar day that t shows, in whatever zone it is.
func DayOf(t time.Time) Day {
	if t.IsZero() {
		return 0
	}
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / int64(dayLength/time.Second))
}

// Time is the day's midnight in UTC, which is how Autotask writes a day; zero for none.
func (d Day) Time() time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Unix(int64(d)*int64(dayLength/time.Second), 0).UTC()
}

// String is the day as people write it; empty for none.
func (d Day) String() string {
	if d == 0 {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// MarshalText writes the day as it is stored.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Day) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = 0
		return nil
	}
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("read a day: got %q, want one such as 2026-11-29", text)
	}
	*d = DayOf(t)
	return nil
}
