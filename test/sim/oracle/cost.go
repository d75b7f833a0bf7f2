package oracle

import (
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

// overallCost: "auto (default) = the first that is above zero: on recurring service contracts (type 7) the sum of cost
// of all unit rows of services and bundles; estimatedCost; the sum of the charges' extendedCost." "None above zero =
// not known = null, never 0."
func (t tenant) overallCost(contract row) *channelprogram.Money {
	id := mustID(contract)
	var figures []decimal.Decimal
	if kind, _ := number(contract, "contractType"); kind == recurringService {
		ofServices := sum(where(t.units, "contractID", id), "cost")
		ofBundles := sum(where(t.bundleUnits, "contractID", id), "cost")
		figures = append(figures, ofServices.Add(ofBundles))
	}
	figures = append(figures, amount(contract, "estimatedCost"))
	figures = append(figures, sum(where(t.charges, "contractID", id), "extendedCost"))
	for _, figure := range figures {
		// "Decimal arithmetic, rounded half-even to 4 places"
		if rounded := figure.RoundBank(places); rounded.IsPositive() {
			return &channelprogram.Money{Amount: plain(rounded), Currency: t.currency()}
		}
	}
	return nil
}

func sum(rows []row, name string) decimal.Decimal {
	total := decimal.Zero
	for _, r := range rows {
		total = total.Add(amount(r, name))
	}
	return total
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

// currency: "the tenant's internal one, else option currency, else USD with an issue"; by default the option is not
// set.
func (t tenant) currency() string {
	for _, c := range t.currencies {
		if name := text(c, "name"); isTrue(c, "isInternalCurrency") && isoCode.MatchString(name) {
			return name
		}
	}
	return "USD"
}
