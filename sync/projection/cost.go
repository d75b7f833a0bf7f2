package projection

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
)

// Values of Options.OverallCost; empty means CostAuto.
const (
	CostAuto    = "auto"    // what the contract costs the MSP in all
	CostMonthly = "monthly" // what it costs a month, today
	CostAnnual  = "annual"  // 12 times that
	CostPrice   = "price"   // what the customer pays in all
)

// The rules that can give the overall cost.
const (
	CostOfUnits    = "units"    // all unit rows of services and bundles
	CostOfEstimate = "estimate" // the contract's own estimate
	CostOfCharges  = "charges"
	CostOfLines    = "lines" // what the lines in force cost in time
	CostNone       = "none"  // not known
)

// recurringService is the contract type whose unit rows carry the cost
// (autotask-rest.md, 5.1); estimates are not used on it.
const recurringService = 7

// costing works one overall cost out.
type costing struct {
	v1.CostSource
	parts   ContractParts
	lines   lines
	credits bool // amounts below zero keep a total from being above it
	undated bool // a line in force tells neither its time nor a unit cost
}

// costOf works the overall cost out by the installation's option. Without the right to
// read costs every cost is empty or 0, or worse only some of them are, so then it is not
// known; a price stays readable.
func costOf(p ContractParts, ls lines) v1.CostSource {
	c := costing{parts: p, lines: ls}
	c.Option, c.Rule, c.Rows = p.Options.OverallCost, CostNone, []v1.AmountRow{}
	if c.Option == "" {
		c.Option = CostAuto
	}
	var (
		amount decimal.Decimal
		known  bool
	)
	switch {
	case c.Option == CostPrice:
		amount, known = c.first(prices(p))
	case !p.CostsReadable:
		c.unknown(IssueCostsHidden, "the API user's security level does not let it read costs")
	case monthsIn(c.Option) > 0:
		amount, known = c.inTime(monthsIn(c.Option))
	default:
		amount, known = c.first(costs(p))
	}
	if known {
		c.Amount = new(plain(amount))
		c.setCurrency()
	} else if len(c.Issues) == 0 {
		c.Issues = []string{IssueCostUnknown}
	}
	if slices.Contains(c.Issues, IssueCostUnknown) {
		c.Fix = c.gap().fix
	}
	c.Sentence = c.sentence()
	return c.CostSource
}

// basis is something that could be the overall cost: rows to add up.
type basis struct {
	rule  string
	field string // that is added up, in the vendor's names
	name  string // the same for people
	rows  []amount
}

// amount is what one row adds. foreign is an amount of it whose currency is not known to
// be the tenant's own, and that is therefore not added.
type amount struct {
	entity  string
	id      int64
	value   *decimal.Decimal
	foreign *decimal.Decimal
}

// costs are what the overall cost may be, in their order. Amounts of unit rows are those
// of the whole row: units are multiplied in (autotask-rest.md, 5.2).
func costs(p ContractParts) []basis {
	units := make([]amount, 0, len(p.Units)+len(p.BundleUnits))
	for _, u := range p.Units {
		units = append(units, amount{entity: autotask.EntityContractServiceUnits, id: u.ID, value: u.Cost})
	}
	for _, u := range p.BundleUnits {
		units = append(units, amount{entity: autotask.EntityContractServiceBundleUnits, id: u.ID, value: u.Cost})
	}
	charges := make([]amount, 0, len(p.Charges))
	for _, c := range p.Charges {
		charges = append(charges, amount{entity: autotask.EntityContractCharges, id: c.ID, value: c.ExtendedCost})
	}
	return bases(p, "cost", units, "estimatedCost", amount{value: p.Contract.EstimatedCost}, "extendedCost", charges)
}

// prices are the same of what the customer pays: in the tenant's internal currency where
// the row tells that, else in the customer's, which counts only if it is the same one.
func prices(p ContractParts) []basis {
	own := p.CompanyCurrency == nil || p.InternalCurrency != nil && *p.CompanyCurrency == *p.InternalCurrency
	price := func(entity string, id int64, internal, customers *decimal.Decimal) amount {
		switch {
		case internal != nil:
			return amount{entity: entity, id: id, value: internal}
		case own:
			return amount{entity: entity, id: id, value: customers}
		}
		return amount{entity: entity, id: id, foreign: customers}
	}
	units := make([]amount, 0, len(p.Units)+len(p.BundleUnits))
	for _, u := range p.Units {
		units = append(units, price(autotask.EntityContractServiceUnits, u.ID, u.InternalCurrencyPrice, u.Price))
	}
	for _, u := range p.BundleUnits {
		units = append(units, price(autotask.EntityContractServiceBundleUnits, u.ID, u.InternalCurrencyPrice, u.Price))
	}
	charges := make([]amount, 0, len(p.Charges))
	for _, c := range p.Charges {
		charges = append(charges, price(autotask.EntityContractCharges, c.ID, c.InternalCurrencyBillableAmount, c.BillableAmount))
	}
	return bases(p, "price", units, "estimatedRevenue", price("", 0, nil, p.Contract.EstimatedRevenue), "billableAmount", charges)
}

// words are the fields that could be the overall cost, for people.
var words = map[string]string{
	"estimatedCost": "estimated cost", "estimatedRevenue": "estimated revenue", "extendedCost": "cost", "billableAmount": "billable amount",
}

// bases puts what the overall cost may be in its order. Unit rows count on recurring
// service contracts only.
func bases(p ContractParts, unitField string, units []amount, estimateField string, estimate amount, chargeField string, charges []amount) []basis {
	estimate.entity, estimate.id = autotask.EntityContracts, p.Contract.ID
	out := []basis{
		{CostOfUnits, unitField + " of all unit rows", "the " + unitField + " of all unit rows", units},
		{CostOfEstimate, autotask.EntityContracts + "." + estimateField, "the contract's " + words[estimateField], []amount{estimate}},
		{CostOfCharges, chargeField + " of the charges", "the " + words[chargeField] + " of the charges", charges},
	}
	if p.Contract.ContractType != recurringService {
		return out[1:]
	}
	return out
}

// first takes the first basis that is above zero. A figure that rounds to zero is none:
// it would read as a free contract. An amount above zero in a currency that is not the
// tenant's own ends the search, since nobody can tell what it comes to.
func (c *costing) first(bases []basis) (decimal.Decimal, bool) {
	for _, b := range bases {
		total, without, credits := decimal.Decimal{}, 0, false
		var foreign, credit *amount
		for _, row := range b.rows {
			switch {
			case row.foreign != nil && row.foreign.IsPositive():
				foreign = lowest(foreign, row)
			case row.foreign != nil && row.foreign.IsNegative():
				credit = lowest(credit, row)
			case row.value == nil:
				without++
			default:
				total = total.Add(*row.value)
				credits = credits || row.value.IsNegative()
			}
		}
		total = total.RoundBank(places)
		if foreign == nil && total.IsPositive() {
			foreign = credit // what it takes off the total is not known either
		}
		switch {
		case foreign != nil:
			c.unknown(IssuePriceCurrency, fmt.Sprintf("%s %d tells %s, in the currency of the contract's company (currency %d), and no amount in the tenant's internal currency%s",
				foreign.entity, foreign.id, foreign.foreign, *c.parts.CompanyCurrency, c.internalName()))
			return decimal.Decimal{}, false
		case !total.IsPositive():
			c.credits = c.credits || credits || credit != nil
			if len(b.rows) > 0 {
				c.note("%s comes to %s, which is not above zero", b.name, plain(total))
			}
			continue
		}
		return c.take(b, total, without)
	}
	return decimal.Decimal{}, false
}

// internalName adds which currency the tenant's internal one is, or that it is not known.
func (c *costing) internalName() string {
	switch code, ok := currencyCode(c.parts.Currency); {
	case c.parts.CurrencyKnown && ok:
		return ", " + code
	case c.parts.InternalCurrency == nil:
		return ", which could not be read"
	}
	return ""
}

// lowest is the row that a note names: the same one, in whatever order they came.
func lowest(was *amount, row amount) *amount {
	if was != nil && (was.entity < row.entity || was.entity == row.entity && was.id <= row.id) {
		return was
	}
	return &row
}

// take settles on a basis, if the target can hold its total.
func (c *costing) take(b basis, total decimal.Decimal, without int) (decimal.Decimal, bool) {
	if !c.fits(b.name, total) {
		return decimal.Decimal{}, false
	}
	c.Rule, c.Field = b.rule, b.field
	c.Rows, c.Count = rowsOfAmounts(b.rows), len(b.rows)
	if without > 0 {
		c.note("%d of %d rows have no amount and count as nothing", without, len(b.rows))
	}
	return total, true
}

func (c *costing) fits(what string, total decimal.Decimal) bool {
	if fits(total) {
		return true
	}
	c.unknown(IssueCostOutOfRange, fmt.Sprintf("%s comes to more than the target takes, %d digits before the point", what, maxWholeDigits))
	return false
}

// rate is what a line in force costs in time.
type rate struct {
	inForce
	months   int              // of its billing period; 0: not known
	unitCost *decimal.Decimal // for a period; nil: nobody tells one
	by       measure
	cost     *big.Rat // of a period; nil: not known
}

// measure is how the cost of a period was found.
type measure int

const (
	byRow   measure = iota // the row is of a whole period
	byUnits                // units × unit cost
	byDays                 // the row's cost, scaled from its days to the period's
)

// ratesOf are what the lines in force cost.
func ratesOf(p ContractParts, ls lines) []rate {
	var rates []rate
	for _, l := range ls.inForce(dayOf(p.Today, always)) {
		r := rate{inForce: l, unitCost: l.unitCost}
		item := l.itemOf(l.row)
		period, catalogues := p.Catalogue[item].PeriodType, p.Catalogue[item].UnitCost
		if l.bundle {
			period, catalogues = p.BundleCatalogue[item].PeriodType, p.BundleCatalogue[item].UnitCost
		}
		if r.unitCost == nil {
			r.unitCost = catalogues
		}
		if r.months = monthsOf(period); r.months > 0 {
			r.measure()
		}
		rates = append(rates, r)
	}
	return rates
}

// spill is by how many days a row may outlast its period and still be one.
const spill = 3

// measure finds what the line costs a period. The amount of a row that covers a part of
// one is prorated, so it is the rate that counts then: units times unit cost.
func (r *rate) measure() {
	row := r.row
	dated := row.from.known() && row.to.known()
	if dated {
		if last := row.from.later(r.months) - 1; last <= row.to && row.to <= last+spill {
			r.by, r.cost = byRow, rat(row.cost)
			return
		}
	}
	switch {
	case r.unitCost != nil:
		r.by, r.cost = byUnits, new(big.Rat).Mul(rat(row.units), rat(r.unitCost))
	case rat(row.cost).Sign() == 0:
		r.by, r.cost = byRow, new(big.Rat)
	case dated:
		r.by, r.cost = byDays, new(big.Rat).Mul(rat(row.cost), big.NewRat(r.periodDays(), r.rowDays()))
	}
}

func (r *rate) rowDays() int64    { return int64(r.row.to - r.row.from + 1) }
func (r *rate) periodDays() int64 { return int64(r.row.from.later(r.months) - r.row.from) }

// month is what the line costs a month.
func (r *rate) month() *big.Rat { return new(big.Rat).Quo(r.cost, ratOf(int64(r.months))) }

// inMonths is what rates come to in so many months; not known when one of them is not: a
// yearly row taken for a monthly one would be twelve times too much.
func inMonths(rates []rate, months int64) (decimal.Decimal, bool) {
	total := new(big.Rat)
	for _, r := range rates {
		if r.cost == nil {
			return decimal.Decimal{}, false
		}
		total.Add(total, r.month())
	}
	return round(total.Mul(total, ratOf(months))), true
}

// monthsIn is how many months an option's figure is of; 0 for a sum of all rows.
func monthsIn(option string) int64 {
	switch option {
	case CostMonthly:
		return 1
	case CostAnnual:
		return 12
	}
	return 0
}

// inTime is what the lines in force cost in so many months.
func (c *costing) inTime(months int64) (decimal.Decimal, bool) {
	const field = "cost of the lines in force"
	rates := ratesOf(c.parts, c.lines)
	total, known := inMonths(rates, months)
	switch {
	case !known:
		c.whyUnknown(rates)
		return decimal.Decimal{}, false
	case !total.IsPositive():
		c.credits = slices.ContainsFunc(rates, func(r rate) bool { return r.cost.Sign() < 0 })
		c.note("the %s comes to %s, which is not above zero", field, plain(total))
		return decimal.Decimal{}, false
	case !c.fits("the "+field, total):
		return decimal.Decimal{}, false
	}
	c.Rule, c.Field = CostOfLines, field
	c.Rows, c.Count = rowsOfRates(rates), len(rates)
	return total, true
}

// whyUnknown names the first line whose cost in time is not known.
func (c *costing) whyUnknown(rates []rate) {
	unknown := slices.DeleteFunc(rates, func(r rate) bool { return r.cost != nil })
	first := unknown[0]
	if first.months == 0 {
		c.unknown(IssuePeriodUnknown, fmt.Sprintf("%s %d is of a service or bundle without a known billing period", first.row.entity, first.row.id))
	} else {
		c.undated = true
		c.unknown(IssueCostUnknown, fmt.Sprintf("%s %d has no first or no last day, and no unit cost is known", first.row.entity, first.row.id))
	}
	if len(unknown) > 1 {
		c.note("the same holds for %d lines in all", len(unknown))
	}
}

// monthsOf is the length of a billing period. These four are the only ones
// (autotask-rest.md, 5.2); anything else is not known.
func monthsOf(periodType *int64) int {
	switch idOf(periodType) {
	case 2:
		return 1
	case 3:
		return 3
	case 4:
		return 6
	case 5:
		return 12
	}
	return 0
}

func (c *costing) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

func (c *costing) unknown(issue, note string) {
	c.Issues = append(c.Issues, issue)
	c.Notes = append(c.Notes, note)
}

// Where a currency comes from.
const (
	currencyOfTenant = "Currencies.name of the internal currency"
	currencyOfOption = "option currency"
	currencyAssumed  = "assumed, neither the tenant's currency nor the option currency is known"
)

// setCurrency takes the tenant's internal currency, else the option, else USD with an
// issue. A name that is no ISO code cannot be sent, so it counts as not read.
func (c *costing) setCurrency() {
	if code, ok := currencyCode(c.parts.Currency); ok && c.parts.CurrencyKnown {
		c.Currency, c.CurrencyFrom = code, currencyOfTenant
		return
	}
	if code, ok := currencyCode(c.parts.Options.Currency); ok {
		c.Currency, c.CurrencyFrom = code, currencyOfOption
		return
	}
	c.Currency, c.CurrencyFrom = "USD", currencyAssumed
	c.Issues = append(c.Issues, IssueCurrency)
}

func currencyCode(text string) (string, bool) {
	code := strings.ToUpper(strings.TrimSpace(text))
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", false
	}
	return code, true
}

func moneyOf(c v1.CostSource) *channelprogram.Money {
	if c.Amount == nil {
		return nil
	}
	return &channelprogram.Money{Amount: *c.Amount, Currency: c.Currency}
}
