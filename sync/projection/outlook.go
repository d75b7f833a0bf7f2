package projection

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
)

// Outlook is how long a projection holds while no row is edited.
type Outlook struct {
	// Changes is the first day on which the same rows give another vendor or cost: a
	// row ends, the next one begins. Zero: none of the days that were looked at.
	Changes time.Time
	// Ends is the last day on which the contract runs or a line of it is in force;
	// zero: no end is known.
	Ends time.Time
	// Charges says that the charges give the vendor or the cost, or would if they
	// were others.
	Charges bool
}

// CountsAllRows says whether the cost of a contract is that of all its unit rows,
// those of years ahead too; else only those of today give anything.
func CountsAllRows(o v1.Options, c autotask.Contract) bool {
	switch o.OverallCost {
	case "", CostAuto, CostPrice:
		return c.ContractType == recurringService
	default:
		return false
	}
}

// Lookahead looks at the days after today, at most so many. out is the projection of p.
func Lookahead(p ContractParts, out ContractProjection, days int) Outlook {
	o := Outlook{
		Ends: ends(p), Charges: out.Input.VendorNameDefaulted || out.Input.OverallCost == nil,
	}
	if !o.Charges && len(p.Charges) > 0 {
		without := p
		without.Charges = nil
		other, err := Contract(without)
		o.Charges = err != nil || other.Input.VendorNameDefaulted || other.Input.OverallCost == nil
	}
	for _, day := range changeDays(p, days) {
		p.Today = day
		if then, err := Contract(p); err != nil || then.Fingerprint != out.Fingerprint {
			o.Changes = day
			break
		}
	}
	return o
}

// changeDays are the days after today on which a unit row begins or is over, in their order.
func changeDays(p ContractParts, days int) []time.Time {
	today := midnight(p.Today)
	last := today.AddDate(0, 0, days)
	var out []time.Time
	add := func(start, end time.Time) {
		if !end.IsZero() {
			end = midnight(end).AddDate(0, 0, 1)
		}
		for _, day := range []time.Time{midnight(start), end} {
			if day.After(today) && !day.After(last) {
				out = append(out, day)
			}
		}
	}
	for _, u := range p.Units {
		add(u.StartDate, u.EndDate)
	}
	for _, u := range p.BundleUnits {
		add(u.StartDate, u.EndDate)
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// ends is the later of the contract's end and that of its last row with units.
func ends(p ContractParts) time.Time {
	last := p.Contract.EndDate
	if last.IsZero() {
		return last
	}
	open := false
	add := func(units *decimal.Decimal, end time.Time) {
		switch {
		case units == nil || !units.IsPositive():
		case end.IsZero():
			open = true
		case end.After(last):
			last = end
		}
	}
	for _, u := range p.Units {
		add(u.Units, u.EndDate)
	}
	for _, u := range p.BundleUnits {
		add(u.Units, u.EndDate)
	}
	if open {
		return time.Time{}
	}
	return midnight(last)
}

// midnight is the beginning of the UTC calendar day.
func midnight(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
