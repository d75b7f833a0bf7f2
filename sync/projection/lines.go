package projection

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask"
)

// unitRow is a unit row of a service or a bundle line.
type unitRow struct {
	entity      string
	id          int64
	item        int64 // its service or bundle; 0 where the row does not tell it
	units, cost *decimal.Decimal
	from, to    day // both belong to it
	vendor      *int64
}

func (r unitRow) covers(d day) bool { return r.from <= d && d <= r.to }

// reversed says whether the row ends before it begins: it covers no day.
func (r unitRow) reversed() bool { return r.to < r.from }

// hasUnits says whether something is delivered for it: a cancelled line may keep rows of no units.
func (r unitRow) hasUnits() bool { return r.units != nil && r.units.IsPositive() }

// lineKey tells lines apart. A line is what the contract has, not the service: a
// full-price line and a credit line of one service are two.
type lineKey struct {
	bundle bool
	id     int64 // contractServiceID or contractServiceBundleID; 0: the rows do not tell it
	item   int64 // then their service or bundle
}

// line is a service or bundle line of a contract with all its unit rows.
type line struct {
	lineKey
	item     int64            // the service or bundle of the contract line; 0: it is no longer there
	unitCost *decimal.Decimal // of the contract line; nil: it has none, or is no longer there
	rows     []unitRow        // by start, then by id
}

// lines are the lines of a contract, whatever the day: those with unit rows, and the
// contract lines without.
type lines struct {
	billed   []line
	unbilled []line
}

// inForce is a line that is in force on a day, by its row of that day.
type inForce struct {
	*line
	row unitRow
}

// itemOf is the service or bundle that a row is of.
func (l *line) itemOf(r unitRow) int64 {
	return cmp.Or(r.item, l.item)
}

// on is the line's row of a day: of those that cover it the one that starts last, then
// the one with the higher id. An adjustment ends the earlier row on the day on which
// its own begins, so on that day there are two.
func (l *line) on(d day) (unitRow, bool) {
	for _, r := range slices.Backward(l.rows) {
		if r.covers(d) {
			return r, true
		}
	}
	return unitRow{}, false
}

// linesOf sorts the unit rows of a contract by their lines.
func linesOf(p ContractParts) lines {
	known := map[lineKey]line{} // the contract lines, and by their item the first of each
	add := func(bundle bool, id, item int64, unitCost *decimal.Decimal) {
		l := line{lineKey: lineKey{bundle: bundle, id: id}, item: item, unitCost: unitCost}
		known[l.lineKey] = l
		first := lineKey{bundle: bundle, item: item}
		if was, there := known[first]; !there || id < was.id {
			known[first] = l
		}
	}
	for _, s := range p.Services {
		add(false, s.ID, s.ServiceID, s.UnitCost)
	}
	for _, b := range p.Bundles {
		add(true, b.ID, b.ServiceBundleID, nil)
	}

	billed := map[lineKey]*line{}
	take := func(bundle bool, id *int64, r unitRow) {
		key := lineKey{bundle: bundle, id: idOf(id)}
		if key.id == 0 {
			key.item = r.item
		}
		l := billed[key]
		if l == nil {
			of := known[key]
			l = &line{lineKey: key, item: of.item, unitCost: of.unitCost}
			billed[key] = l
		}
		l.rows = append(l.rows, r)
	}
	for _, u := range p.Units {
		take(false, u.ContractServiceID, unitRow{
			entity: autotask.EntityContractServiceUnits, id: u.ID, item: idOf(u.ServiceID), units: u.Units, cost: u.Cost,
			from: dayOf(u.StartDate, always), to: dayOf(u.EndDate, never), vendor: u.VendorCompanyID,
		})
	}
	for _, u := range p.BundleUnits {
		take(true, u.ContractServiceBundleID, unitRow{
			entity: autotask.EntityContractServiceBundleUnits, id: u.ID, item: idOf(u.ServiceBundleID), units: u.Units, cost: u.Cost,
			from: dayOf(u.StartDate, always), to: dayOf(u.EndDate, never),
		})
	}

	var out lines
	for _, l := range billed {
		slices.SortFunc(l.rows, func(a, b unitRow) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.id, b.id)) })
		out.billed = append(out.billed, *l)
	}
	for key, l := range known {
		if key.id != 0 && billed[key] == nil {
			out.unbilled = append(out.unbilled, l)
		}
	}
	slices.SortFunc(out.billed, compareLines)
	slices.SortFunc(out.unbilled, compareLines)
	return out
}

// compareLines puts services before bundles and each by its id, so that nothing depends
// on the order in which rows came.
func compareLines(a, b line) int {
	return cmp.Or(boolean(a.bundle)-boolean(b.bundle), cmp.Compare(a.id, b.id), cmp.Compare(a.lineKey.item, b.lineKey.item))
}

// dayFor is the day for which the lines are shown: today; where no row covers it the last
// day that one did, else the first that one will. Rows of no units count. It is today when no
// row covers any day.
func (ls lines) dayFor(today day) day {
	last, first := always, never
	for _, l := range ls.billed {
		for _, r := range l.rows {
			switch {
			case r.reversed(): // tells of no day
			case r.covers(today):
				return today
			case r.to < today:
				last = max(last, r.to)
			default:
				first = min(first, r.from)
			}
		}
	}
	switch {
	case last != always:
		return last
	case first != never:
		return first
	}
	return today
}

// inForce are the lines in force today, or on the day that stands for it.
func (ls lines) inForce(today day) []inForce {
	d := ls.dayFor(today)
	var out []inForce
	for i := range ls.billed {
		l := &ls.billed[i]
		if r, ok := l.on(d); ok && r.hasUnits() {
			out = append(out, inForce{l, r})
		}
	}
	return out
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// idOf is an id, 0 where there is none: no service, bundle or line has that.
func idOf(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}
