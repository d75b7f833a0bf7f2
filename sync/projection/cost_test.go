package projection_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/api/autotask"
	"channelsync/sync/projection"
)

// Each row's name is the reason for what it wants (autotask-rest.md, 5.2 and 6.2).
// A want of "" is null: not known.
func TestOverallCost(t *testing.T) {
	rows := []struct {
		because string
		parts   []change
		want    string
		rule    projection.CostRule
		issue   string
	}{
		{because: "nothing says what it costs: null, never 0", want: "", rule: "none", issue: "cost_unknown"},
		{
			because: "recurring service: the sum of all unit rows",
			parts:   []change{unit(mail, contoso, "254.10"), unit(backup, fabrikam, "45.9")}, want: "300.00", rule: "units",
		},
		{
			because: "all rows of the term, not only today's",
			parts: []change{
				unitOver(mail, contoso, "100", "2026-01-01", "2026-01-31"), unit(mail, contoso, "100"),
				unitOver(mail, contoso, "110", "2026-12-01", "2026-12-31"),
			}, want: "310.00", rule: "units",
		},
		{
			because: "the amounts of unit rows are extended already: 11 units are not multiplied in again",
			parts: []change{unit(mail, contoso, "254.10"), func(p *projection.ContractParts) {
				p.Units[0].Units = money("11")
			}}, want: "254.10", rule: "units",
		},
		{
			because: "bundle unit rows count with the service unit rows",
			parts:   []change{unit(mail, contoso, "10"), bundleUnit(suite, "5.5")}, want: "15.50", rule: "units",
		},
		{because: "bundle unit rows alone", parts: []change{bundleUnit(suite, "5.5")}, want: "5.50", rule: "units"},
		{
			because: "a row without a cost counts as nothing beside one with",
			parts:   []change{unit(mail, contoso, ""), unit(mail, contoso, "10")}, want: "10.00", rule: "units",
		},
		{
			because: "a row split by an adjustment is two rows",
			parts: []change{
				unitOver(mail, contoso, "46.20", "2026-06-01", "2026-06-14"), unitOver(mail, contoso, "123.20", "2026-06-15", "2026-06-30"),
			}, want: "169.40", rule: "units",
		},
		{
			because: "a credit row is subtracted",
			parts:   []change{unit(mail, contoso, "100"), unit(mail, contoso, "-40")}, want: "60.00", rule: "units",
		},
		{
			because: "unit rows that come to nothing leave it to the estimate",
			parts:   []change{unit(mail, contoso, "0.0000"), estimated("1200", "")}, want: "1200.00", rule: "estimate",
		},
		{
			because: "unit rows that come to less than nothing too",
			parts:   []change{unit(mail, contoso, "-5"), estimated("1200", "")}, want: "1200.00", rule: "estimate",
		},
		{
			because: "unit rows without a cost leave it to the charges when the estimate is 0",
			parts:   []change{unit(mail, contoso, ""), estimated("0", ""), charge(licence, "7")}, want: "7.00", rule: "charges",
		},
		{
			because: "unit rows above zero win over an estimate",
			parts:   []change{unit(mail, contoso, "1"), estimated("1200", "")}, want: "1.00", rule: "units",
		},
		{
			because: "services without unit rows say nothing: the unit cost has no quantity",
			parts:   []change{service(mail, "10")}, want: "", rule: "none", issue: "cost_unknown",
		},
		{
			because: "time and materials (1): the estimate",
			parts:   []change{contractType(1), estimated("500.5", "")}, want: "500.50", rule: "estimate",
		},
		{
			because: "fixed price (3): the estimate",
			parts:   []change{contractType(3), estimated("500.123", "")}, want: "500.123", rule: "estimate",
		},
		{
			because: "block hours (4): the estimate",
			parts:   []change{contractType(4), estimated("500", "")}, want: "500.00", rule: "estimate",
		},
		{
			because: "retainer (6): the estimate",
			parts:   []change{contractType(6), estimated("500", "")}, want: "500.00", rule: "estimate",
		},
		{
			because: "per ticket (8): the estimate",
			parts:   []change{contractType(8), estimated("500", "")}, want: "500.00", rule: "estimate",
		},
		{
			because: "umbrella (9): the estimate",
			parts:   []change{contractType(9), estimated("500", "")}, want: "500.00", rule: "estimate",
		},
		{
			because: "unit rows on another type than 7 do not count",
			parts:   []change{contractType(1), unit(mail, contoso, "99"), estimated("500", "")}, want: "500.00", rule: "estimate",
		},
		{
			because: "an estimate wins over charges",
			parts:   []change{contractType(3), estimated("500", ""), charge(licence, "9999")}, want: "500.00", rule: "estimate",
		},
		{
			because: "an estimate of 0 leaves it to the charges",
			parts:   []change{contractType(3), estimated("0.0000", ""), charge(licence, "5"), charge(0, "2.25")}, want: "7.25", rule: "charges",
		},
		{
			because: "so does no estimate",
			parts:   []change{contractType(3), estimated("", ""), charge(licence, "5")}, want: "5.00", rule: "charges",
		},
		{
			because: "a negative estimate is not above zero",
			parts:   []change{contractType(3), estimated("-1", ""), charge(licence, "5")}, want: "5.00", rule: "charges",
		},
		{
			because: "charges that come to nothing: null",
			parts:   []change{contractType(3), charge(licence, "0"), charge(licence, "")}, want: "", rule: "none", issue: "cost_unknown",
		},
		{
			because: "decimals are exact: a tenth and two tenths are three tenths",
			parts:   []change{unit(mail, contoso, "0.1"), unit(mail, contoso, "0.2")}, want: "0.30", rule: "units",
		},
		{
			because: "at most four places, written without idle zeros",
			parts:   []change{unit(mail, contoso, "1.23400")}, want: "1.234", rule: "units",
		},
		{
			because: "a half goes to the even neighbour, down",
			parts:   []change{unit(mail, contoso, "1.00005")}, want: "1.00", rule: "units",
		},
		{
			because: "a half goes to the even neighbour, up",
			parts:   []change{unit(mail, contoso, "1.00015")}, want: "1.0002", rule: "units",
		},
		{
			because: "the sum is rounded once, not its rows",
			parts:   []change{unit(mail, contoso, "0.00004"), unit(mail, contoso, "0.00004")}, want: "0.0001", rule: "units",
		},
		{
			because: "what rounds to zero is not above zero",
			parts:   []change{unit(mail, contoso, "0.00005")}, want: "", rule: "none", issue: "cost_unknown",
		},
		{
			because: "fifteen digits before the point fit",
			parts:   []change{unit(mail, contoso, "999999999999999.9999")}, want: "999999999999999.9999", rule: "units",
		},
		{
			because: "sixteen do not, and are not cut",
			parts:   []change{unit(mail, contoso, "1e15")}, want: "", rule: "none", issue: "cost_out_of_range",
		},
		{
			because: "nor do they fall to a smaller figure that is not the contract's",
			parts:   []change{unit(mail, contoso, "999999999999999.99996"), charge(licence, "5")}, want: "", rule: "none", issue: "cost_out_of_range",
		},
		{
			because: "without the right to read costs nothing is known, not even from a row that shows one",
			parts:   []change{costsHidden, unit(mail, contoso, ""), charge(licence, "5")}, want: "", rule: "none", issue: "costs_unreadable",
		},

		{
			because: "monthly: a monthly row (2) as it is",
			parts:   []change{option("monthly"), unit(mail, contoso, "10")}, want: "10.00", rule: "month",
		},
		{
			because: "monthly: a quarterly row (3) by three",
			parts:   []change{option("monthly"), unitOver(backup, fabrikam, "10", "2026-04-01", "2026-06-30")}, want: "3.3333", rule: "month",
		},
		{
			because: "monthly: a semi-annual row (4) by six",
			parts:   []change{option("monthly"), unitOver(labour, 0, "10", "2026-01-01", "2026-06-30")}, want: "1.6667", rule: "month",
		},
		{
			because: "monthly: a yearly row (5) by twelve",
			parts:   []change{option("monthly"), unitOver(firewall, adatum, "120", "2026-01-01", "2026-12-31")}, want: "10.00", rule: "month",
		},
		{
			because: "monthly: mixed periods are divided once, at the end (10 + 10/3 + 10/6 + 10/12)",
			parts: []change{
				option("monthly"), unit(mail, contoso, "10"), unit(backup, fabrikam, "10"), unit(labour, 0, "10"), unit(firewall, adatum, "10"),
			}, want: "15.8333", rule: "month",
		},
		{
			because: "monthly: three rows of a third are a whole",
			parts:   []change{option("monthly"), unit(backup, 0, "1"), unit(backup, 0, "1"), unit(backup, 0, "1")}, want: "1.00", rule: "month",
		},
		{
			because: "monthly: an exact half after the division goes to the even neighbour",
			parts:   []change{option("monthly"), unit(firewall, 0, "0.0006")}, want: "", rule: "none", issue: "cost_unknown",
		},
		{
			because: "monthly: an exact half goes up when that is even",
			parts:   []change{option("monthly"), unit(firewall, 0, "0.0018")}, want: "0.0002", rule: "month",
		},
		{
			because: "monthly: more than a half goes up, however little",
			parts:   []change{option("monthly"), unit(firewall, 0, "0.00060000000000000000000001")}, want: "0.0001", rule: "month",
		},
		{
			because: "monthly: a bundle row goes by the bundle's own period",
			parts:   []change{option("monthly"), bundleUnit(suite, "5"), bundleUnit(yearlySuite, "24")}, want: "7.00", rule: "month",
		},
		{
			because: "monthly: rows of other days do not count",
			parts: []change{
				option("monthly"), unit(mail, contoso, "10"), unitOver(mail, contoso, "10", "2026-05-01", "2026-05-31"),
				bundleUnitOver(suite, "10", "2026-07-01", "2026-07-31"),
			}, want: "10.00", rule: "month",
		},
		{
			because: "monthly: a service without a period makes it unknown, never guessed",
			parts:   []change{option("monthly"), unit(mail, contoso, "10"), unit(odd, contoso, "1")}, want: "", rule: "none", issue: "period_unknown",
		},
		{
			because: "monthly: so does a service that the catalogue lacks",
			parts:   []change{option("monthly"), unit(12345, contoso, "1")}, want: "", rule: "none", issue: "period_unknown",
		},
		{
			because: "monthly: so does a bundle without a period",
			parts:   []change{option("monthly"), bundleUnit(emptySuite, "1")}, want: "", rule: "none", issue: "period_unknown",
		},
		{
			because: "monthly: a period type that is none of the four (1) is unknown",
			parts: []change{option("monthly"), func(p *projection.ContractParts) {
				p.Catalogue[mail] = autotask.Service{ID: mail, PeriodType: ptr(int64(1))}
			}, unit(mail, contoso, "1")}, want: "", rule: "none", issue: "period_unknown",
		},
		{
			because: "monthly: a row of no cost needs no period",
			parts:   []change{option("monthly"), unit(odd, contoso, "0"), unit(odd, contoso, ""), unit(mail, contoso, "10")}, want: "10.00", rule: "month",
		},
		{
			because: "monthly: a row of another day needs none either",
			parts:   []change{option("monthly"), unitOver(odd, contoso, "5", "2026-01-01", "2026-01-31"), unit(mail, contoso, "10")}, want: "10.00", rule: "month",
		},
		{
			because: "monthly: does not fall to an estimate, which is not a month's",
			parts:   []change{option("monthly"), estimated("1200", ""), charge(licence, "5")}, want: "", rule: "none", issue: "cost_unknown",
		},
		{
			because: "monthly: without the right to read costs nothing is known",
			parts:   []change{option("monthly"), costsHidden, unit(mail, contoso, "10")}, want: "", rule: "none", issue: "costs_unreadable",
		},

		{
			because: "price: the prices of the same unit rows",
			parts:   []change{option("price"), unit(mail, contoso, "10"), bundleUnit(suite, "5")}, want: "30.00", rule: "units",
		},
		{
			because: "price: then the estimated revenue",
			parts:   []change{option("price"), estimated("500", "900")}, want: "900.00", rule: "estimate",
		},
		{
			because: "price: then the charges' billable amounts",
			parts:   []change{option("price"), estimated("500", "0"), charge(licence, "5"), charge(0, "1")}, want: "12.00", rule: "charges",
		},
		{
			because: "price: an estimated cost is no price",
			parts:   []change{option("price"), contractType(3), estimated("500", "")}, want: "", rule: "none", issue: "cost_unknown",
		},
		{
			because: "price: stays readable without the right to read costs",
			parts:   []change{option("price"), costsHidden, unit(mail, contoso, "10")}, want: "20.00", rule: "units",
		},
		{
			because: "auto said by name is the default",
			parts:   []change{option("auto"), unit(mail, contoso, "10")}, want: "10.00", rule: "units",
		},
	}
	all := schemas(t)
	for _, row := range rows {
		t.Run(row.because, func(t *testing.T) {
			got := project(t, row.parts...)
			amount := ""
			if got.Input.OverallCost != nil {
				amount = got.Input.OverallCost.Amount
			}
			if amount != row.want || got.Cost.Rule != row.rule {
				t.Errorf("cost %q by %s, want %q by %s (notes: %v)", amount, got.Cost.Rule, row.want, row.rule, got.Cost.Notes)
			}
			if (got.Cost.Amount == nil) != (row.want == "") {
				t.Errorf("report's amount %v", got.Cost.Amount)
			}
			if row.issue == "" && len(got.Cost.Issues) != 0 || row.issue != "" && !slices.Equal(got.Cost.Issues, []string{row.issue}) {
				t.Errorf("issues %v, want %q", got.Cost.Issues, row.issue)
			}
			fits(t, all, got.Input)
		})
	}
}

func TestCurrency(t *testing.T) {
	rows := []struct {
		because, tenant string
		known           bool
		option          string
		want            string
		issue           bool
	}{
		{"the tenant's own", "EUR", true, "", "EUR", false},
		{"the tenant's own wins over the option", "EUR", true, "GBP", "EUR", false},
		{"as it is written, but in capitals", " eur ", true, "", "EUR", false},
		{"not read: the option", "", false, "GBP", "GBP", false},
		{"what was not read does not count", "EUR", false, "GBP", "GBP", false},
		{"a name that is no code: the option", "Euro", true, "GBP", "GBP", false},
		{"neither: USD, and said so", "", false, "", "USD", true},
		{"a name that is no code, and no option", "Pound Sterling", true, "", "USD", true},
		{"a sign is no code", "€", true, "", "USD", true},
	}
	for _, row := range rows {
		t.Run(row.because, func(t *testing.T) {
			got := project(t, unit(mail, contoso, "10"), func(p *projection.ContractParts) {
				p.Currency, p.CurrencyKnown, p.Options.Currency = row.tenant, row.known, row.option
			})
			if got.Input.OverallCost.Currency != row.want {
				t.Errorf("currency %s, want %s", got.Input.OverallCost.Currency, row.want)
			}
			if issue := slices.Contains(got.Issues, projection.IssueCurrency); issue != row.issue {
				t.Errorf("issues %v", got.Issues)
			}
		})
	}
	without := project(t, func(p *projection.ContractParts) { p.CurrencyKnown = false })
	if slices.Contains(without.Issues, projection.IssueCurrency) {
		t.Error("a currency is assumed where there is no amount")
	}
}

func TestCostReport(t *testing.T) {
	got := project(t, unit(mail, contoso, ""), bundleUnit(suite, "5.5"), unit(mail, contoso, "10"))
	if got.Cost.Option != "auto" || got.Cost.Field != "sum of cost of all unit rows" || got.Cost.Currency != "USD" {
		t.Errorf("report %+v", got.Cost)
	}
	var rows []string
	for _, r := range got.Cost.Rows {
		amount := "none"
		if r.Amount != nil {
			amount = *r.Amount
		}
		rows = append(rows, r.Entity+" "+amount)
	}
	want := []string{"ContractServiceBundleUnits 5.5", "ContractServiceUnits none", "ContractServiceUnits 10"}
	if !slices.Equal(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
	if len(got.Cost.Notes) != 1 || !strings.HasPrefix(got.Cost.Notes[0], "1 of 3 rows") {
		t.Errorf("notes %v", got.Cost.Notes)
	}
	monthly := project(t, option("monthly"), unit(backup, 0, "9"))
	if row := monthly.Cost.Rows[0]; row.Months != 3 {
		t.Errorf("row %+v does not say its period", row)
	}
	// Why an earlier rule did not give the figure.
	fell := project(t, unit(mail, contoso, "0"), estimated("3", ""))
	if len(fell.Cost.Notes) != 1 || !strings.Contains(fell.Cost.Notes[0], "sum of cost of all unit rows comes to 0.00") {
		t.Errorf("notes %v", fell.Cost.Notes)
	}
}

func TestTodayIsAUTCDate(t *testing.T) {
	p := recurring(option("monthly"),
		unitOver(mail, contoso, "1", "2026-05-01", "2026-05-31"), unitOver(mail, contoso, "2", "2026-06-01", "2026-06-30"))
	// Two in the morning of the 1st, five hours east of UTC, is still the 31st in UTC.
	p.Today = time.Date(2026, 6, 1, 2, 0, 0, 0, time.FixedZone("east", 5*60*60))
	got, err := projection.Contract(p)
	if err != nil {
		t.Fatal(err)
	}
	if *got.Cost.Amount != "1.00" {
		t.Errorf("cost %s, want May's", *got.Cost.Amount)
	}
}
