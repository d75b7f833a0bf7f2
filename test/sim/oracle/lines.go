package oracle

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// unitRow is a row of ContractServiceUnits or ContractServiceBundleUnits.
type unitRow struct {
	row
	bundle bool
}

// lineField and itemField name the line and the service or bundle of a unit row.
func (u unitRow) lineField() string {
	if u.bundle {
		return "contractServiceBundleID"
	}
	return "contractServiceID"
}

func (u unitRow) itemField() string {
	if u.bundle {
		return "serviceBundleID"
	}
	return "serviceID"
}

// line: "A line is a contract's service or bundle line (contractServiceID / contractServiceBundleID); unit rows without
// that id form one line of their own by contract and service (bundle)". Rows with the same text are of one line.
func (u unitRow) line() string {
	if id, has := number(u.row, u.lineField()); has {
		return fmt.Sprintf("%s %d", u.lineField(), id)
	}
	id, has := number(u.row, u.itemField())
	return fmt.Sprintf("without a line, %s %d %v", u.itemField(), id, has)
}

// unitRows is all unit rows of a contract.
func (t tenant) unitRows(contract row) []unitRow {
	var all []unitRow
	for _, r := range where(t.units, "contractID", mustID(contract)) {
		all = append(all, unitRow{r, false})
	}
	for _, r := range where(t.bundleUnits, "contractID", mustID(contract)) {
		all = append(all, unitRow{r, true})
	}
	return all
}

// contractLine is the ContractServices or ContractServiceBundles row of a unit row; nil when it is gone. "unit rows
// without that id […] whose contract line is the first of that service".
func (t tenant) contractLine(contract row, u unitRow) row {
	list := where(t.services, "contractID", mustID(contract))
	if u.bundle {
		list = where(t.bundles, "contractID", mustID(contract))
	}
	if _, has := number(u.row, u.lineField()); has {
		return byID(list, u.row, u.lineField())
	}
	if item, has := number(u.row, u.itemField()); has {
		for _, line := range where(list, u.itemField(), item) {
			return line
		}
	}
	return nil
}

// item is the catalogue's row of a unit row's service or bundle; nil when there is none. A row that names none is
// of what its contract line is of.
func (t tenant) item(contract row, u unitRow) row {
	list := t.catalogue
	if u.bundle {
		list = t.bundleCatalogue
	}
	if _, has := number(u.row, u.itemField()); has {
		return byID(list, u.row, u.itemField())
	}
	if line := t.contractLine(contract, u); line != nil {
		return byID(list, line, u.itemField())
	}
	return nil
}

// covers: "both ends counted; a missing date is open".
func (u unitRow) covers(today string) bool {
	from, to := day(u.row, "startDate"), day(u.row, "endDate")
	return (from == "" || from <= today) && (to == "" || today <= to)
}

// standsFor is the day that stands for today: "if no unit row of the contract covers today (rows of 0 units count), the
// latest last day before today stands for it, else the earliest first day after it". Of rows that cover a day, that is: one
// that ends before it starts has neither a last nor a first.
func standsFor(rows []unitRow, today string) string {
	var before, after []string
	for _, u := range rows {
		if u.covers(today) {
			return today
		}
		from, to := day(u.row, "startDate"), day(u.row, "endDate")
		if from != "" && to != "" && to < from {
			continue // of no day at all
		}
		if to != "" && to < today {
			before = append(before, to)
		} else {
			after = append(after, from)
		}
	}
	switch {
	case len(before) > 0:
		return slices.Max(before)
	case len(after) > 0:
		return slices.Min(after)
	}
	return today
}

// linesInForce: "Of a line's rows that cover a day […] the one that starts last, then the higher id, is its row of that
// day […]. The line is in force if that row has units above 0."
func (t tenant) linesInForce(contract row, today string) []unitRow {
	rows := t.unitRows(contract)
	on := standsFor(rows, today)
	ofDay := map[string]unitRow{}
	for _, u := range rows {
		if !u.covers(on) {
			continue
		}
		other, taken := ofDay[u.line()]
		start, otherStart := day(u.row, "startDate"), ""
		if taken {
			otherStart = day(other.row, "startDate")
		}
		if !taken || start > otherStart || start == otherStart && mustID(u.row) > mustID(other.row) {
			ofDay[u.line()] = u
		}
	}
	var inForce []unitRow
	for _, u := range ofDay {
		if units, _ := number(u.row, "units"); units > 0 {
			inForce = append(inForce, u)
		}
	}
	return inForce
}

// unitCost: "the contract line's unitCost (else the catalogue's; a unitCost of 0 is one […])". A bundle's contract line
// has none.
func (t tenant) unitCost(contract row, u unitRow) (decimal.Decimal, bool) {
	if line := t.contractLine(contract, u); line != nil && !u.bundle {
		if d, has := value(line, "unitCost").(decimal.Decimal); has {
			return d, true
		}
	}
	if item := t.item(contract, u); item != nil {
		d, has := value(item, "unitCost").(decimal.Decimal)
		return d, has
	}
	return decimal.Zero, false
}

// periodMonths is the length of each billing period: Monthly, Quarterly, Semi-Annual, Yearly.
var periodMonths = map[int64]int{2: 1, 3: 3, 4: 6, 5: 12}

// monthly: "what the lines in force cost a month"; false when it is not known.
func (t tenant) monthly(contract row, today string) (*big.Rat, bool) {
	sum := new(big.Rat)
	for _, u := range t.linesInForce(contract, today) {
		// "Divided by the months of the period (service's or bundle's periodType); a line without a known period makes
		// the figure not known."
		item := t.item(contract, u)
		if item == nil {
			return nil, false
		}
		kind, _ := number(item, "periodType")
		months := periodMonths[kind]
		if months == 0 {
			return nil, false
		}
		cost, known := t.costOfPeriod(contract, u, months)
		if !known {
			return nil, false
		}
		sum.Add(sum, cost.Quo(cost, new(big.Rat).SetInt64(int64(months))))
	}
	return sum, true
}

// costOfPeriod: "A row covers a whole period if its last day is the day before start + period (the same day of the later
// month, or that month's last), or up to 3 days after that; then its cost counts, else units × […] unitCost […; with
// none: the cost scaled from the row's days to those of the period that begins at its start)."
func (t tenant) costOfPeriod(contract row, u unitRow, months int) (*big.Rat, bool) {
	first, last := day(u.row, "startDate"), day(u.row, "endDate")
	cost := amount(u.row, "cost")
	next := ""
	if first != "" && last != "" {
		next = monthsLater(first, months)
		for _, more := range []int{-1, 0, 1, 2} { // the day before it, and up to 3 days after that
			if last == daysLater(next, more) {
				return cost.Rat(), true
			}
		}
	}
	if rate, has := t.unitCost(contract, u); has {
		units, _ := number(u.row, "units")
		return rate.Mul(decimal.NewFromInt(units)).Rat(), true
	}
	if cost.IsZero() {
		return new(big.Rat), true
	}
	if next == "" {
		return nil, false // the period that the cost covers is unknown
	}
	scale := big.NewRat(daysBetween(first, next), daysBetween(first, daysLater(last, 1)))
	return scale.Mul(scale, cost.Rat()), true
}

func dateOf(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic("oracle: " + err.Error())
	}
	return t
}

func daysLater(text string, n int) string { return dateOf(text).AddDate(0, 0, n).Format(time.DateOnly) }

// monthsLater is "the same day of the later month, or that month's last".
func monthsLater(text string, months int) string {
	from := dateOf(text)
	wanted := (int(from.Month())-1+months)%12 + 1
	for d := from.Day(); ; d-- {
		if t := time.Date(from.Year(), from.Month()+time.Month(months), d, 0, 0, 0, 0, time.UTC); int(t.Month()) == wanted {
			return t.Format(time.DateOnly)
		}
	}
}

func daysBetween(from, to string) int64 {
	return int64(dateOf(to).Sub(dateOf(from)) / (24 * time.Hour))
}
