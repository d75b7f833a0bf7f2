package oracle

import (
	"testing"

	autotask "channelsync/test/sim/autotask/sim"
)

func cost(c Contract) string {
	if c.OverallCost == nil {
		return ""
	}
	return c.OverallCost.Amount + " " + c.OverallCost.Currency
}

func bundleUnit(cost any) put {
	return in("ContractServiceBundleUnits", autotask.Row{"contractID": agreement, "units": 1, "cost": cost, "startDate": "2020-01-01"})
}

func TestOverallCost(t *testing.T) {
	const unknown = ""
	past := autotask.Row{"startDate": "2020-01-01", "endDate": "2020-01-31"}
	estimate := func(cost any) put { return contract(autotask.Row{"estimatedCost": cost}) }
	ofType := func(kind int) put { return contract(autotask.Row{"contractType": kind}) }
	for _, c := range []struct {
		why  string
		rows []put
		want string
	}{
		{"nothing is known", nil, unknown},

		// Recurring services.
		{
			"the units of a recurring service, of every day",
			with(unit(alpha, 10, nil), unit(beta, "20.5", past)), "30.50 USD",
		},
		{"and those of its bundles", with(unit(alpha, 10, nil), bundleUnit("0.25")), "10.25 USD"},
		{"its bundles alone", with(bundleUnit(7)), "7.00 USD"},
		{
			"units come before the estimate and the charges",
			with(unit(alpha, 1, nil), estimate(500), charge(nil, 900)), "1.00 USD",
		},
		{
			"units that cost nothing leave it to the estimate",
			with(unit(alpha, 0, nil), estimate(500), charge(nil, 900)), "500.00 USD",
		},
		{"units without a cost too", with(unit(alpha, nil, nil), estimate(500)), "500.00 USD"},
		{"units below zero too", with(unit(alpha, -5, nil), estimate(500)), "500.00 USD"},
		{"units that add up to zero too", with(unit(alpha, -5, nil), bundleUnit(5), charge(nil, 9)), "9.00 USD"},
		{"no units, no estimate, but charges", with(estimate(0), charge(nil, 900), charge(nil, "0.5")), "900.50 USD"},
		{"zero everywhere is not known", with(unit(alpha, 0, nil), estimate(0), charge(nil, 0)), unknown},
		{"null everywhere is not known", with(unit(alpha, nil, nil), estimate(nil), charge(nil, nil)), unknown},
		{"below zero everywhere is not known", with(unit(alpha, -1, nil), estimate(-1), charge(nil, -1)), unknown},
		{"what the customer pays says nothing", with(unit(alpha, 0, autotask.Row{"price": 99})), unknown},
		{"units of another contract do not count", with(unit(alpha, 5, autotask.Row{"contractID": 51})), unknown},

		// Other types.
		{"the estimate of a fixed price", with(ofType(3), estimate("1234.5")), "1234.50 USD"},
		{"the estimate comes before the charges", with(ofType(1), estimate(1), charge(nil, 900)), "1.00 USD"},
		{"charges of time and materials", with(ofType(1), charge(nil, 1700), charge(nil, 1700)), "3400.00 USD"},
		{"an estimate below zero leaves it to the charges", with(ofType(6), estimate(-1), charge(nil, 2)), "2.00 USD"},
		{"units count on recurring services only", with(ofType(4), unit(alpha, 10, nil), bundleUnit(10)), unknown},
		{
			"units of other types do not go before the estimate",
			with(ofType(8), unit(alpha, 10, nil), estimate(3)), "3.00 USD",
		},

		// Amounts.
		{"at least two places", with(estimate("5")), "5.00 USD"},
		{"trailing zeros are not written", with(estimate("5.5000")), "5.50 USD"},
		{"three places where needed", with(estimate("5.125")), "5.125 USD"},
		{"four places where needed", with(estimate("5.1234")), "5.1234 USD"},
		{"half to the even: down", with(estimate("1.00005")), "1.00 USD"},
		{"half to the even: up", with(estimate("1.00015")), "1.0002 USD"},
		{"half to the even: down again", with(estimate("1.00025")), "1.0002 USD"},
		{"more than half goes up", with(estimate("1.000050001")), "1.0001 USD"},
		{"a carry", with(estimate("1.99995")), "2.00 USD"},
		{"sums are rounded once, at the end", with(unit(alpha, "0.00004", nil), unit(alpha, "0.00004", nil)), "0.0001 USD"},
		{"what rounds to zero is not above zero", with(unit(alpha, "0.00005", nil), estimate(3)), "3.00 USD"},
		{"decimal, not binary", with(unit(alpha, "0.1", nil), unit(alpha, "0.2", nil)), "0.30 USD"},
		{"large amounts are written plain", with(estimate("123456789012.5")), "123456789012.50 USD"},

		// Currency.
		{
			"the tenant's own currency",
			with(in("Currencies", autotask.Row{"id": 1, "isInternalCurrency": false}),
				in("Currencies", autotask.Row{"id": 2, "name": "EUR", "isInternalCurrency": true}), estimate(5)), "5.00 EUR",
		},
		{
			"not the company's",
			with(in("Currencies", autotask.Row{"id": 2, "name": "EUR"}), company(autotask.Row{"currencyID": 2}), estimate(5)),
			"5.00 USD",
		},
		{
			"none is the tenant's own",
			with(in("Currencies", autotask.Row{"id": 1, "name": "GBP", "isInternalCurrency": false}), estimate(5)), "5.00 USD",
		},
		{"its name is no ISO code", with(in("Currencies", autotask.Row{"id": 1, "name": "€"}), estimate(5)), "5.00 USD"},
		{"its name is trimmed", with(in("Currencies", autotask.Row{"id": 1, "name": " CHF"}), estimate(5)), "5.00 CHF"},
	} {
		t.Run(c.why, func(t *testing.T) {
			if got := cost(Expected(tenantOf(t, c.rows...), both, today).Contracts["50"]); got != c.want {
				t.Errorf("overall cost %q, want %q", got, c.want)
			}
		})
	}
}
