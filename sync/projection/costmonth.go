package projection

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// monthsOf is the length of a service's billing period. These four are the only
// ones (autotask-rest.md, 5.2); anything else is not known.
func monthsOf(periodType *int64) (int64, bool) {
	if periodType == nil {
		return 0, false
	}
	switch *periodType {
	case 2:
		return 1, true
	case 3:
		return 3, true
	case 4:
		return 6, true
	case 5:
		return 12, true
	default:
		return 0, false
	}
}

// month adds up the unit rows of today, each divided by the months of its
// period. A row whose period is not known makes the whole figure unknown: a
// yearly row taken for a monthly one would be twelve times too much. A row
// without an amount adds nothing, whatever its period.
func (r *CostReport) month(p ContractParts) (decimal.Decimal, bool) {
	b := basis{rule: CostOfMonth, what: "sum of cost per month of the unit rows of today"}
	var unknown []amountRow
	add := func(entity string, id int64, amount *decimal.Decimal, periodType *int64) {
		months, ok := monthsOf(periodType)
		row := amountRow{entity: entity, id: id, amount: amount, months: months}
		if !ok && !row.value().IsZero() {
			unknown = append(unknown, row)
		}
		b.rows = append(b.rows, row)
	}
	for _, u := range p.Units {
		if covers(u.StartDate, u.EndDate, p.Today) {
			add(entityUnit, u.ID, u.Cost, p.Catalogue[idOf(u.ServiceID)].PeriodType)
		}
	}
	for _, u := range p.BundleUnits {
		if covers(u.StartDate, u.EndDate, p.Today) {
			add(entityBundleUnit, u.ID, u.Cost, p.BundleCatalogue[idOf(u.ServiceBundleID)].PeriodType)
		}
	}
	if len(unknown) > 0 {
		first := shown(unknown)[0]
		r.unknown(IssuePeriodUnknown, fmt.Sprintf(
			"%s %d (%d such row(s)) belongs to a service or bundle without a known billing period",
			first.Entity, first.ID, len(unknown)))
		return decimal.Decimal{}, false
	}
	total, without := perMonth(b.rows)
	if !total.IsPositive() {
		r.note("%s comes to %s, which is not above zero", b.what, plain(total))
		return decimal.Decimal{}, false
	}
	return r.take(b, total, without)
}

// perMonth divides once, at the end: every period divides a year, so the sum of
// a year's worth is exact and only one rounding is made.
func perMonth(rows []amountRow) (total decimal.Decimal, without int) {
	const year = 12
	var yearly decimal.Decimal
	for _, r := range rows {
		switch {
		case r.amount == nil:
			without++
		case r.months > 0:
			yearly = yearly.Add(r.amount.Mul(decimal.NewFromInt(year / r.months)))
		}
	}
	return divide(yearly, year), without
}

// idOf is an id, 0 where there is none: no service or bundle has that.
func idOf(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}
