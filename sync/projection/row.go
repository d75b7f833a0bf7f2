package projection

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Entities whose rows a report names.
const (
	entityContract   = "Contracts"
	entityUnit       = "ContractServiceUnits"
	entityBundleUnit = "ContractServiceBundleUnits"
	entityService    = "ContractServices"
	entityBundle     = "ContractServiceBundles"
	entityCharge     = "ContractCharges"
)

// Row is one Autotask row that took part in a rule.
type Row struct {
	Entity string  `json:"entity"`
	ID     int64   `json:"id"`
	Amount *string `json:"amount"`           // as the row has it; nil: the row carries none
	Months int64   `json:"months,omitempty"` // length of its period, where the rule asks for it
}

// amountRow keeps the exact amount beside what is shown of it.
type amountRow struct {
	entity string
	id     int64
	amount *decimal.Decimal
	months int64
}

func (r amountRow) value() decimal.Decimal {
	if r.amount == nil {
		return decimal.Decimal{}
	}
	return *r.amount
}

// sum adds the rows up and counts those without an amount, which add nothing.
func sum(rows []amountRow) (total decimal.Decimal, without int) {
	for _, r := range rows {
		if r.amount == nil {
			without++
			continue
		}
		total = total.Add(*r.amount)
	}
	return total, without
}

// shown sorts rows by entity and id, so that a report never depends on the order they came in.
func shown(rows []amountRow) []Row {
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b amountRow) int {
		return cmp.Or(cmp.Compare(a.entity, b.entity), cmp.Compare(a.id, b.id), a.value().Cmp(b.value()))
	})
	out := make([]Row, len(sorted))
	for i, r := range sorted {
		out[i] = Row{Entity: r.entity, ID: r.id, Months: r.months}
		if r.amount != nil {
			text := r.amount.String()
			out[i].Amount = &text
		}
	}
	return out
}

// covers reports whether a period contains a day, both ends included. Autotask
// forces date-only fields to midnight and means the day (autotask-rest.md, 2.9);
// a missing end is open.
func covers(start, end, today time.Time) bool {
	day := dayOf(today)
	return (start.IsZero() || dayOf(start) <= day) && (end.IsZero() || day <= dayOf(end))
}

// dayOf is the UTC calendar day as a number that sorts.
func dayOf(t time.Time) int {
	y, m, d := t.UTC().Date()
	return y*10000 + int(m)*100 + d
}
