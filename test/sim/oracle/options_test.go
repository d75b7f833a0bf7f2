package oracle

import (
	"testing"
	"time"

	autotask "channelsync/test/sim/autotask/sim"
)

// TestCostsByOption: today is 23 November 2026.
func TestCostsByOption(t *testing.T) {
	const unknown = ""
	// A service of the catalogue, its contract line, and a unit row of that.
	offer := func(period, unitCost any) put {
		return in("Services", autotask.Row{"id": 1, "name": "Mail", "periodType": period, "unitCost": unitCost})
	}
	own := func(unitCost any) put {
		return in("ContractServices", autotask.Row{"id": 3, "contractID": agreement, "serviceID": 1, "unitCost": unitCost})
	}
	row := func(units, cost any, from, to any, fields ...autotask.Row) put {
		r := autotask.Row{
			"contractID": agreement, "contractServiceID": 3, "serviceID": 1, "units": units, "cost": cost, "startDate": from, "endDate": to,
		}
		for _, more := range fields {
			for name, v := range more {
				r[name] = v
			}
		}
		return in("ContractServiceUnits", r)
	}
	prices := func(customers, internal any) autotask.Row {
		return autotask.Row{"price": customers, "internalCurrencyPrice": internal}
	}
	euros := with(in("Currencies", autotask.Row{"id": 2, "name": "EUR"}), company(autotask.Row{"currencyID": 2}))
	for _, c := range []struct {
		why                    string
		rows                   []put
		monthly, annual, price string
	}{
		{"a whole month", with(offer(2, 9), own(10), row(5, 60, "2026-11-01", "2026-11-30")), "60.00", "720.00", unknown},
		{"part of one: units × the line's unit cost", with(offer(2, 9), own(10), row(5, 24, "2026-11-16", "2026-11-30")), "50.00", "600.00", unknown},
		{"else the catalogue's", with(offer(2, 9), own(nil), row(5, 24, "2026-11-16", "2026-11-30")), "45.00", "540.00", unknown},
		{"without either, by days: 15 of 30", with(offer(2, nil), own(nil), row(5, 24, "2026-11-16", "2026-11-30")), "48.00", "576.00", unknown},
		{"a unit cost of 0 is one", with(offer(2, 9), own(0), row(5, 24, "2026-11-16", "2026-11-30")), unknown, unknown, unknown},
		{"a year", with(offer(5, 9), own(10), row(1, 100, "2026-01-01", "2026-12-31")), "8.3333", "100.00", unknown},
		{"from the last of a month to the next month's", with(offer(2, 9), own(10), row(1, 11, "2026-10-31", "2026-11-29")), "11.00", "132.00", unknown},
		{"three days more are whole", with(offer(2, 9), own(10), row(1, 11, "2026-11-01", "2026-12-03")), "11.00", "132.00", unknown},
		{"four are not", with(offer(2, 9), own(10), row(1, 11, "2026-11-01", "2026-12-04")), "10.00", "120.00", unknown},
		{
			"on the day of an adjustment its row alone",
			with(offer(2, 9), own(10), row(5, 36, "2026-11-01", "2026-11-23"), row(6, 16, "2026-11-23", "2026-11-30")), "60.00", "720.00", unknown,
		},
		{"no period", with(offer(1, 9), own(10), row(1, 11, "2026-11-01", "2026-11-30")), unknown, unknown, unknown},
		{"no end and no unit cost", with(offer(2, nil), own(nil), row(1, 11, "2026-11-01", nil)), unknown, unknown, unknown},
		{"a price", with(row(1, 0, "2026-11-01", "2026-11-30", prices(7, nil))), unknown, unknown, "7.00"},
		{"the internal one first", with(row(1, 0, "2026-11-01", "2026-11-30", prices(7, 6))), unknown, unknown, "6.00"},
		{"another currency", append(euros, row(1, 0, "2026-11-01", "2026-11-30", prices(7, 8))), unknown, unknown, "8.00"},
		{"that nobody converts", append(euros, row(1, 0, "2026-11-01", "2026-11-30", prices(7, nil)), charge(nil, 5)), unknown, unknown, unknown},
		{"estimated revenue in it ends the search", append(euros, contract(autotask.Row{"estimatedRevenue": 5})), unknown, unknown, unknown},
		{"the own currency", with(contract(autotask.Row{"estimatedRevenue": 5})), unknown, unknown, "5.00"},
	} {
		t.Run(c.why, func(t *testing.T) {
			for by, want := range map[string]string{"monthly": c.monthly, "annual": c.annual, "price": c.price} {
				if want != unknown {
					want += " USD"
				}
				got := ExpectedBy(tenantOf(t, c.rows...), both, today, Options{OverallCost: by}).Contracts["50"]
				if cost(got) != want {
					t.Errorf("%s: %q, want %q", by, cost(got), want)
				}
			}
		})
	}
}

func TestTodayIsTheTenantsDay(t *testing.T) {
	at := tenantOf(
		t, unit(alpha, 1, autotask.Row{"startDate": "2026-11-01", "endDate": "2026-11-23"}),
		unit(beta, 1, autotask.Row{"startDate": "2026-11-24", "endDate": "2026-12-31"}),
	)
	now := time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{"": "Alpha", "UTC": "Alpha", "Europe/Berlin": "Beta", "America/New_York": "Alpha", "Pacific/Kiritimati": "Beta"} {
		if got := ExpectedBy(at, both, now, Options{TimeZone: zone}).Contracts["50"].VendorName; got != want {
			t.Errorf("%q: %q, want %q", zone, got, want)
		}
	}
}

func TestTheOptionsCurrencyStandsForOneThatCannotBeRead(t *testing.T) {
	at := tenantOf(t, in("Currencies", autotask.Row{"id": 1, "isInternalCurrency": false}), contract(autotask.Row{"estimatedCost": 5}))
	if got := cost(ExpectedBy(at, both, today, Options{Currency: "GBP"}).Contracts["50"]); got != "5.00 GBP" {
		t.Errorf("%q", got)
	}
}
