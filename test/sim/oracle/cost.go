package oracle

import (
	"math/big"
	"regexp"

	"github.com/shopspring/decimal"

	channelprogram "channelsync/test/sim/channelprogram/sim"
)

// recurringService is the contract type whose costs stand on unit rows.
const recurringService = 7

// places is how many places an amount is rounded to, leastPlaces how many it is written with at least.
const (
	places      = 4
	leastPlaces = 2
)

// overallCost works the cost out by an option: auto, monthly, annual or price.
func (t tenant) overallCost(contract, company row, today string, o Options) *channelprogram.Money {
	var figure *big.Rat
	switch o.OverallCost {
	case "", "auto":
		figure = t.total(contract)
	case "monthly", "annual":
		month, known := t.monthly(contract, today)
		if known && o.OverallCost == "annual" {
			month.Mul(month, big.NewRat(12, 1)) // "12 × the unrounded month"
		}
		if known {
			figure = month
		}
	case "price":
		figure = t.price(contract, company)
	default:
		panic("oracle: no option overallCost " + o.OverallCost)
	}
	// "None above zero = not known = null, never 0. Decimal arithmetic, rounded once, half-even to 4 places".
	if figure == nil || figure.Sign() <= 0 {
		return nil
	}
	if rounded := halfEven(figure); rounded.IsPositive() {
		return &channelprogram.Money{Amount: plain(rounded), Currency: t.currency(o)}
	}
	return nil
}

// total: "the first that is above zero: on recurring service contracts (type 7) the sum of cost of all unit rows of
// services and bundles; estimatedCost; the sum of the charges' extendedCost."
func (t tenant) total(contract row) *big.Rat {
	units := decimal.Zero
	for _, u := range t.unitRows(contract) {
		units = units.Add(amount(u.row, "cost"))
	}
	charges := decimal.Zero
	for _, c := range where(t.charges, "contractID", mustID(contract)) {
		charges = charges.Add(amount(c, "extendedCost"))
	}
	figures := []decimal.Decimal{amount(contract, "estimatedCost"), charges}
	if kind, _ := number(contract, "contractType"); kind == recurringService {
		figures = append([]decimal.Decimal{units}, figures...)
	}
	for _, figure := range figures {
		if figure.RoundBank(places).IsPositive() {
			return figure.Rat()
		}
	}
	return nil
}

// price: "auto of prices, row by row: internalCurrencyPrice, internalCurrencyBillableAmount, else the customer-currency
// figure (price, billableAmount, estimatedRevenue) if the company's currency is the tenant's internal one (a company
// without currencyID has that)". A figure above zero whose currency is unknown ends the search with not known.
func (t tenant) price(contract, company row) *big.Rat {
	var steps [][]tag
	if kind, _ := number(contract, "contractType"); kind == recurringService {
		var units []tag
		for _, u := range t.unitRows(contract) {
			units = append(units, t.tag(company, value(u.row, "internalCurrencyPrice"), value(u.row, "price")))
		}
		steps = append(steps, units)
	}
	steps = append(steps, []tag{t.tag(company, nil, value(contract, "estimatedRevenue"))})
	var charges []tag
	for _, c := range where(t.charges, "contractID", mustID(contract)) {
		charges = append(charges, t.tag(company, value(c, "internalCurrencyBillableAmount"), value(c, "billableAmount")))
	}
	steps = append(steps, charges)

	for _, step := range steps {
		sum, unknownCredit := decimal.Zero, false
		for _, p := range step {
			switch {
			case p.internal:
				sum = sum.Add(p.amount)
			case p.amount.IsPositive():
				return nil
			case p.amount.IsNegative():
				unknownCredit = true
			}
		}
		if sum.RoundBank(places).IsPositive() {
			if unknownCredit {
				return nil
			}
			return sum.Rat()
		}
	}
	return nil
}

// tag is a price, and whether it is known to be in the tenant's internal currency.
type tag struct {
	amount   decimal.Decimal
	internal bool
}

func (t tenant) tag(company row, internal, customers any) tag {
	if d, there := internal.(decimal.Decimal); there {
		return tag{d, true}
	}
	d, _ := customers.(decimal.Decimal)
	return tag{d, t.paysInInternal(company)}
}

// paysInInternal: "the company's currency is the tenant's internal one (a company without currencyID has that)".
func (t tenant) paysInInternal(company row) bool {
	id, has := number(company, "currencyID")
	if !has {
		return true
	}
	for _, c := range where(t.currencies, "id", id) {
		return isTrue(c, "isInternalCurrency")
	}
	return false
}

// halfEven rounds to the nearest of the amounts with 4 places, of two that are as near to the even one.
func halfEven(r *big.Rat) decimal.Decimal {
	unit := decimal.New(1, -places)
	below, _ := decimal.NewFromString(r.FloatString(places + 2))
	below = below.Truncate(places)
	for below.Rat().Cmp(r) > 0 { // the text above is rounded
		below = below.Sub(unit)
	}
	above := below.Add(unit)
	down := new(big.Rat).Sub(r, below.Rat())
	up := new(big.Rat).Sub(above.Rat(), r)
	switch even := below.Shift(places).Mod(decimal.NewFromInt(2)).IsZero(); {
	case down.Cmp(up) < 0 || down.Cmp(up) == 0 && even:
		return below
	default:
		return above
	}
}

// plain: "written plain with at least 2" places, and with no more than it needs.
func plain(d decimal.Decimal) string {
	for n := int32(leastPlaces); n < places; n++ {
		if d.Round(n).Equal(d) {
			return d.StringFixed(n)
		}
	}
	return d.StringFixed(places)
}

var isoCode = regexp.MustCompile(`^[A-Z]{3}$`)

// currency: "the tenant's internal one, else option currency, else USD with an issue".
func (t tenant) currency(o Options) string {
	for _, c := range t.currencies {
		if name := text(c, "name"); isTrue(c, "isInternalCurrency") && isoCode.MatchString(name) {
			return name
		}
	}
	if o.Currency != "" {
		return o.Currency
	}
	return "USD"
}
