package projection

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
)

// What a report lists at most of each kind. A contract may have 18,000 unit rows, and
// what is kept of it must stay small.
const (
	maxRows       = 50 // rows of a figure, lines
	maxCandidates = 10
	maxPassed     = 3 // rows that cover the day and are not the line's row of it
)

// report says which lines are in force, by which rows, and why the others are not.
func (ls lines) report(p ContractParts) v1.ContractLines {
	today := dayOf(p.Today, always)
	out := v1.ContractLines{Lines: []v1.ContractLine{}}
	d := ls.dayFor(today)
	if len(ls.billed) > 0 {
		out.Day, out.Reason = d.iso(), ls.whyDay(d, today)
	}
	all := make([]v1.ContractLine, 0, len(ls.billed)+len(ls.unbilled))
	for i := range ls.billed {
		all = append(all, ls.billed[i].report(p, d))
	}
	for _, l := range ls.unbilled {
		all = append(all, v1.ContractLine{Entity: l.entity(), ID: l.id, Name: l.name(p, l.item), Reason: "has no unit row"})
	}
	slices.SortStableFunc(all, func(a, b v1.ContractLine) int { return boolean(b.InForce) - boolean(a.InForce) })
	for _, l := range all {
		out.InForce += boolean(l.InForce)
	}
	out.Count, out.Lines = len(all), all[:min(len(all), maxRows)]
	return out
}

// whyDay says why the lines are shown for a day.
func (ls lines) whyDay(d, today day) string {
	switch {
	case d == today && !ls.covers(d):
		return fmt.Sprintf("no unit row covers a day, so today stands for it: %s", d)
	case d == today:
		return fmt.Sprintf("%s is today", d)
	case d < today:
		return fmt.Sprintf("no unit row covers today, %s, so the last day that one covered stands for it: %s", today, d)
	}
	return fmt.Sprintf("no unit row covers today, %s, or a day before, so the first day that one will cover stands for it: %s", today, d)
}

func (ls lines) covers(d day) bool {
	return slices.ContainsFunc(ls.billed, func(l line) bool { _, covered := l.on(d); return covered })
}

func (l *line) entity() string {
	if l.bundle {
		return autotask.EntityContractServiceBundles
	}
	return autotask.EntityContractServices
}

// name is what the catalogue calls a line's service or bundle.
func (l *line) name(p ContractParts, item int64) string {
	if l.bundle {
		return cmp.Or(p.BundleCatalogue[item].Name, "bundle "+strconv.FormatInt(item, 10))
	}
	return cmp.Or(p.Catalogue[item].Name, "service "+strconv.FormatInt(item, 10))
}

func (l *line) report(p ContractParts, d day) v1.ContractLine {
	out := v1.ContractLine{Entity: l.entity(), ID: l.id, Name: l.name(p, l.itemOf(l.rows[0]))}
	row, has := l.on(d)
	if !has {
		out.Reason, out.PassedOver = l.whyNone(d), l.passedOver(d, nil)
		return out
	}
	out.Name = l.name(p, l.itemOf(row))
	out.Row, out.PassedOver = row.report(), l.passedOver(d, &row)
	if out.InForce = row.hasUnits(); out.InForce {
		out.Reason = fmt.Sprintf("in force with %s", unitsOf(*row.units))
		if row.from.known() {
			out.Reason += fmt.Sprintf(" from %s", row.from)
		}
		if row.to.known() {
			out.Reason += fmt.Sprintf(" to %s", row.to)
		}
		return out
	}
	out.Reason = "no units"
	if since := l.emptySince(row); since.known() {
		out.Reason = fmt.Sprintf("no units since %s", since)
	}
	return out
}

// emptySince is the first day of the rows without units that end with a row.
func (l *line) emptySince(row unitRow) day {
	since := row.from
	for _, r := range slices.Backward(l.rows) {
		switch {
		case r.from > row.from || r.from == row.from && r.id >= row.id:
		case r.hasUnits():
			return since
		default:
			since = r.from
		}
	}
	return since
}

// whyNone says why a line has no row of a day.
func (l *line) whyNone(d day) string {
	last, next := always, never
	for _, r := range l.rows {
		if r.reversed() {
			continue
		}
		if r.to < d {
			last = max(last, r.to)
		}
		if r.from > d {
			next = min(next, r.from)
		}
	}
	switch {
	case last == always && next == never:
		return "no unit row that covers a day: each ends before it starts"
	case last == always:
		return fmt.Sprintf("starts on %s", next)
	case next == never:
		return fmt.Sprintf("no unit row since %s", last)
	}
	return fmt.Sprintf("no unit row between %s and %s", last, next)
}

// passedOver says why each of a line's rows is not the row of a day. Of the rows that
// ended, and of those still to come, the nearest is named and the others are counted.
func (l *line) passedOver(d day, taken *unitRow) []v1.PassedRow {
	var covering, ended, coming, reversed []unitRow
	for _, r := range l.rows {
		switch {
		case taken != nil && r.id == taken.id:
		case r.reversed():
			reversed = append(reversed, r)
		case r.covers(d):
			covering = append(covering, r)
		case r.to < d:
			ended = append(ended, r)
		default:
			coming = append(coming, r)
		}
	}
	var out []v1.PassedRow
	slices.Reverse(covering)
	for _, r := range covering[:min(len(covering), maxPassed)] {
		out = append(out, v1.PassedRow{ID: r.id, Rows: 1, Reason: r.replacedBy(*taken)})
	}
	if n := len(covering) - maxPassed; n > 0 {
		out = append(out, v1.PassedRow{Rows: n, Reason: fmt.Sprintf("row %d starts later", taken.id)})
	}
	if len(ended) > 0 {
		slices.SortStableFunc(ended, func(a, b unitRow) int { return cmp.Compare(b.to, a.to) })
		out = append(out, v1.PassedRow{ID: ended[0].id, Rows: 1, Reason: l.whyEnded(ended[0])})
	}
	if n := len(ended) - 1; n > 0 {
		out = append(out, v1.PassedRow{Rows: n, Reason: "ended before that"})
	}
	if len(coming) > 0 {
		out = append(out, v1.PassedRow{ID: coming[0].id, Rows: 1, Reason: fmt.Sprintf("starts on %s", coming[0].from)})
	}
	if n := len(coming) - 1; n > 0 {
		out = append(out, v1.PassedRow{Rows: n, Reason: plural(n, "starts after that", "start after that")})
	}
	if len(reversed) > 0 {
		r := reversed[0]
		out = append(out, v1.PassedRow{ID: r.id, Rows: 1, Reason: fmt.Sprintf("starts on %s and ends before that, on %s: it covers no day", r.from, r.to)})
	}
	if n := len(reversed) - 1; n > 0 {
		out = append(out, v1.PassedRow{Rows: n, Reason: plural(n, "covers", "cover") + " no day either"})
	}
	return out
}

// replacedBy says why a row that covers the day gives way to another.
func (r unitRow) replacedBy(taken unitRow) string {
	switch {
	case r.to == taken.from:
		return fmt.Sprintf("ended by the adjustment of %s", r.to)
	case r.from == taken.from:
		return fmt.Sprintf("row %d starts on the same day and is newer", taken.id)
	}
	return fmt.Sprintf("row %d starts later, on %s", taken.id, taken.from)
}

// whyEnded says how a row ended: an adjustment begins a new row on its last day.
func (l *line) whyEnded(r unitRow) string {
	if slices.ContainsFunc(l.rows, func(next unitRow) bool { return next.id != r.id && next.from == r.to }) {
		return fmt.Sprintf("ended by the adjustment of %s", r.to)
	}
	return fmt.Sprintf("ended on %s", r.to)
}

func (r unitRow) report() *v1.UnitRow {
	return &v1.UnitRow{
		Entity: r.entity, ID: r.id, Start: r.from.iso(), End: r.to.iso(), Units: textOf(r.units), Cost: textOf(r.cost),
	}
}

func textOf(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// sentence says in one sentence what the overall cost is.
func (c *costing) sentence() string {
	if c.Amount == nil {
		switch c.Issues[0] {
		case IssueCostsHidden:
			return "The overall cost is not known: the API user may not read costs."
		case IssuePeriodUnknown:
			return "The overall cost is not known: a line in force has no known billing period."
		case IssuePriceCurrency:
			return "The overall cost is not known: a price is in a currency that is not known to be the tenant's own."
		case IssueCostOutOfRange:
			return "The overall cost is too large to be sent."
		}
		return "The overall cost is not known: " + c.gap().why + "."
	}
	what, estimate := "cost", "estimated cost"
	if c.Option == CostPrice {
		what, estimate = "price", "estimated revenue"
	}
	is := ""
	switch c.Rule {
	case CostOfUnits:
		is = fmt.Sprintf("the %s of %s of the contract's services and bundles", what, all(c.Count, "unit row"))
	case CostOfEstimate:
		is = fmt.Sprintf("the %s on the contract", estimate)
	case CostOfCharges:
		is = fmt.Sprintf("the %s of %s of the contract", what, all(c.Count, "charge"))
	case CostOfLines:
		is = fmt.Sprintf("what %s %s a month", c.lines.inForceWords(c.Count, dayOf(c.parts.Today, always)), plural(c.Count, "costs", "cost"))
		if c.Option == CostAnnual {
			is = "12 times " + is
		}
	}
	sentence := fmt.Sprintf("%s %s is %s.", *c.Amount, c.Currency, is)
	switch c.CurrencyFrom {
	case currencyOfOption:
		sentence += " Autotask's own currency cannot be read, so it is that of the option currency."
	case currencyAssumed:
		sentence += " The currency is assumed: neither Autotask nor the option currency names one."
	}
	return sentence
}

// source says which vendor was chosen, by what, and over whom.
func (c vendorChoice) source(p ContractParts, ls lines) v1.VendorSource {
	out := v1.VendorSource{
		Rule: c.rule, Name: c.name(), Defaulted: c.defaulted(), Candidates: []v1.VendorCandidate{}, Sentence: c.sentence(p, ls),
	}
	slices.Sort(c.passed)
	for _, id := range c.passed[:min(len(c.passed), maxCandidates)] {
		out.Notes = append(out.Notes, fmt.Sprintf("passed over vendor %d: its company has no name that can be read and used", id))
	}
	for _, of := range c.candidates[:min(len(c.candidates), maxCandidates)] {
		out.Candidates = append(out.Candidates, v1.VendorCandidate{ID: of.id, Name: of.name, Sum: shown(of.sum), Rows: rowsOfShares(of.shares)})
	}
	if len(out.Candidates) > 0 {
		out.ID = &out.Candidates[0].ID
	}
	return out
}

// sentence says in one sentence how the vendor was found.
func (c vendorChoice) sentence(p ContractParts, ls lines) string {
	on := ls.dayFor(dayOf(p.Today, always))
	of := ""
	switch c.rule {
	case VendorOfLines:
		of = fmt.Sprintf("the lines in force on %s", on)
	case VendorOfCatalogue:
		of = "the contract's services and bundles, which have no unit row yet"
	case VendorOfCharges:
		of = "the products of the contract's charges"
	default:
		if len(ls.billed) == 0 {
			return "No service, bundle or charge of the contract names a vendor, so it is the default."
		}
		return fmt.Sprintf("Neither a line in force on %s nor a charge names a vendor, so it is the default.", on)
	}
	first := c.candidates[0]
	if len(c.candidates) == 1 {
		return fmt.Sprintf("%s is the only vendor of %s.", first.name, of)
	}
	next := c.candidates[1]
	sentence := fmt.Sprintf("%s costs most of the vendors of %s: %s", first.name, of, shown(first.sum))
	if next.sum.Cmp(first.sum) == 0 {
		return fmt.Sprintf("%s, as much as %s, whose company id is higher.", sentence, next.name)
	}
	return fmt.Sprintf("%s; the next is %s with %s.", sentence, next.name, shown(next.sum))
}

// inForceWords names so many lines in force, with their day.
func (ls lines) inForceWords(n int, today day) string {
	words := "the line"
	if n > 1 {
		words = fmt.Sprintf("the %d lines", n)
	}
	return fmt.Sprintf("%s in force on %s", words, ls.dayFor(today))
}

// rowsOfAmounts lists the first rows that took part, in an order that does not depend on
// the one they came in.
func rowsOfAmounts(rows []amount) []v1.AmountRow {
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b amount) int {
		return cmp.Or(cmp.Compare(a.entity, b.entity), cmp.Compare(a.id, b.id))
	})
	out := make([]v1.AmountRow, 0, min(len(sorted), maxRows))
	for _, r := range sorted[:min(len(sorted), maxRows)] {
		row := v1.AmountRow{Entity: r.entity, ID: r.id}
		if r.value != nil {
			row.Amount = new(r.value.String())
		}
		out = append(out, row)
	}
	return out
}

func rowsOfShares(shares []share) []v1.AmountRow {
	sorted := slices.SortedFunc(slices.Values(shares), func(a, b share) int {
		return cmp.Or(cmp.Compare(a.entity, b.entity), cmp.Compare(a.row, b.row), cmp.Compare(a.from, b.from), cmp.Compare(a.item, b.item), a.weight.Cmp(b.weight))
	})
	out := make([]v1.AmountRow, 0, min(len(sorted), maxRows))
	for _, s := range sorted[:min(len(sorted), maxRows)] {
		text, how := shown(s.weight), string(s.from)
		if s.from != ofRow {
			how = fmt.Sprintf(how, s.item)
		}
		out = append(out, v1.AmountRow{Entity: s.entity, ID: s.row, Amount: &text, How: how})
	}
	return out
}

// rowsOfRates tells what each line in force costs a month, and how that comes.
func rowsOfRates(rates []rate) []v1.AmountRow {
	out := make([]v1.AmountRow, 0, min(len(rates), maxRows))
	for _, r := range rates[:min(len(rates), maxRows)] {
		text := shown(r.month())
		out = append(out, v1.AmountRow{Entity: r.row.entity, ID: r.row.id, Amount: &text, How: r.words()})
	}
	return out
}

func (r *rate) words() string {
	period := periodWord(r.months)
	switch r.by {
	case byUnits:
		return fmt.Sprintf("%s × %s a %s: the row is not of one whole %[3]s", unitsOf(*r.row.units), shown(rat(r.unitCost)), period)
	case byDays:
		return fmt.Sprintf("%s for %d days, which is %s for the %d days of a %s: no unit cost is known",
			shown(rat(r.row.cost)), r.rowDays(), shown(r.cost), r.periodDays(), period)
	}
	return fmt.Sprintf("%s a %s", shown(r.cost), period)
}

// periodWord is what a billing period of so many months is called.
func periodWord(months int) string {
	switch months {
	case 1:
		return "month"
	case 3:
		return "quarter"
	case 6:
		return "half-year"
	}
	return "year"
}

func unitsOf(units decimal.Decimal) string {
	if units.Equal(decimal.NewFromInt(1)) {
		return "1 unit"
	}
	return units.String() + " units"
}

// all is "the unit row" or "all 12 unit rows".
func all(n int, what string) string {
	if n == 1 {
		return "the " + what
	}
	return fmt.Sprintf("all %d %ss", n, what)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
