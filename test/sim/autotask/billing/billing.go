// Package billing works out the unit rows that the vendor writes for a line of a recurring contract: one for each
// billing period, with the amounts of all units, and with a part of them where the line does not run for the whole
// period. It is pure; the seed and the simulator's operations put the rows.
package billing

import (
	"time"

	"github.com/shopspring/decimal"
)

// Rates are what one unit comes to in a period; nil where it is unknown.
type Rates struct {
	Cost          *decimal.Decimal
	Price         *decimal.Decimal // in the customer's currency
	InternalPrice *decimal.Decimal // the same price in the tenant's internal one
}

// Period is a time that one row stands for, both days counted.
type Period struct{ From, To time.Time }

// Months is how long a billing period is, by its number on the picklist; a month for a number of no known length.
func Months(periodType int64) int {
	switch periodType {
	case 3:
		return 3
	case 4:
		return 6
	case 5:
		return 12
	}
	return 1
}

// Periods divides the days from one to another into billing periods: those of a month begin on its first day, whenever
// the line begins, longer ones with the line. The first and the last are cut where the line begins and ends.
func Periods(from, to time.Time, length int) []Period {
	begin := from
	if length == 1 {
		begin = from.AddDate(0, 0, 1-from.Day())
	}
	var all []Period
	for n := 0; ; n++ {
		first, last := begin.AddDate(0, n*length, 0), begin.AddDate(0, (n+1)*length, -1)
		if first.After(to) {
			return all
		}
		all = append(all, Period{later(first, from), earlier(last, to)})
	}
}

// Share is the part that a row's days are of the period that ends on its last day, or of the one that begins on its
// first day where the contract ends before it is over (ends).
func (p Period) Share(length int, ends bool) decimal.Decimal {
	full := Period{p.To.AddDate(0, 0, 1).AddDate(0, -length, 0), p.To}
	if ends {
		full = Period{p.From, p.From.AddDate(0, length, -1)}
	}
	if p.days() >= full.days() {
		return decimal.NewFromInt(1)
	}
	return decimal.NewFromInt(p.days()).Div(decimal.NewFromInt(full.days()))
}

func (p Period) days() int64 { return int64(p.To.Sub(p.From)/(24*time.Hour)) + 1 }

// Row is the fields of a unit row with its days and its amounts.
func Row(p Period, units int64, r Rates, share decimal.Decimal) map[string]any {
	amount := func(rate *decimal.Decimal) any {
		if rate == nil {
			return nil
		}
		return rate.Mul(decimal.NewFromInt(units)).Mul(share).Round(4)
	}
	return map[string]any{
		"units": units, "startDate": p.From, "endDate": p.To,
		"cost": amount(r.Cost), "price": amount(r.Price), "internalCurrencyPrice": amount(r.InternalPrice),
	}
}

// Rows is the rows of a line between two days.
func Rows(from, to time.Time, length int, units int64, r Rates) []map[string]any {
	var rows []map[string]any
	for _, p := range Periods(from, to, length) {
		// Only the first day of a month begins a monthly period, so a row that begins later is cut there.
		cut := p.To.Equal(to) && (length > 1 || p.From.Day() == 1)
		rows = append(rows, Row(p, units, r, p.Share(length, cut)))
	}
	return rows
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
