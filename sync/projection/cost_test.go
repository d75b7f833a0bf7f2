package projection_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
)

// Each row's name is the reason for what it wants (autotask-rest.md, 5.2 and 6.2).
// A want of "" is null: not known.
func TestOverallCost(t *testing.T) {
	rows := []struct {
		because string
		parts   []change
		want    string
		rule    string
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
				row(1, mail, "1", "100", "2026-01-01", "2026-01-31"), unit(mail, contoso, "100"),
				row(1, mail, "1", "110", "2026-12-01", "2026-12-31"),
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
				row(1, mail, "2", "46.20", "2026-06-01", "2026-06-15"), row(1, mail, "5", "123.20", "2026-06-15", "2026-06-30"),
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
			parts:   []change{line(1, mail, "10")}, want: "", rule: "none", issue: "cost_unknown",
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
	}
	all := schemas(t)
	for n, name := range map[int64]string{4: "block hours", 6: "retainer", 8: "per ticket", 9: "umbrella"} {
		row := rows[0]
		row.because, row.parts = fmt.Sprintf("%s (%d): the estimate", name, n), []change{contractType(n), estimated("500", "")}
		row.want, row.rule, row.issue = "500.00", "estimate", ""
		rows = append(rows, row)
	}
	for _, row := range rows {
		t.Run(row.because, func(t *testing.T) {
			got := project(t, row.parts...)
			amount := ""
			if got.Input.OverallCost != nil {
				amount = got.Input.OverallCost.Amount
			}
			if amount != row.want || got.Sources.Cost.Rule != row.rule {
				t.Errorf("cost %q by %s, want %q by %s (notes: %v)", amount, got.Sources.Cost.Rule, row.want, row.rule, got.Sources.Cost.Notes)
			}
			if (got.Sources.Cost.Amount == nil) != (row.want == "") {
				t.Errorf("report's amount %v", got.Sources.Cost.Amount)
			}
			if row.issue == "" && len(got.Sources.Cost.Issues) != 0 || row.issue != "" && !slices.Equal(got.Sources.Cost.Issues, []string{row.issue}) {
				t.Errorf("issues %v, want %q", got.Sources.Cost.Issues, row.issue)
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

func TestCostSource(t *testing.T) {
	got := project(t, unit(mail, contoso, ""), bundleUnit(suite, "5.5"), unit(mail, contoso, "10")).Sources.Cost
	want := v1.CostSource{
		Option: "auto", Rule: "units", Field: "cost of all unit rows", Amount: new("15.50"), Currency: "USD",
		CurrencyFrom: "Currencies.name of the internal currency", Count: 3,
		Sentence: "15.50 USD is the cost of all 3 unit rows of the contract's services and bundles.",
		Rows: []v1.AmountRow{
			{Entity: "ContractServiceBundleUnits", ID: 2000, Amount: new("5.5")},
			{Entity: "ContractServiceUnits", ID: 1000},
			{Entity: "ContractServiceUnits", ID: 1001, Amount: new("10")},
		},
		Notes: []string{"1 of 3 rows have no amount and count as nothing"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

// TestACostIsToldInASentence: people who do not program read how a figure came about.
func TestACostIsToldInASentence(t *testing.T) {
	june := func(units, cost, from, to string, unitCost string) []change {
		return []change{line(1, mail, unitCost), row(1, mail, units, cost, from, to)}
	}
	for _, c := range []struct {
		because  string
		parts    []change
		sentence string
		how      string // of the first row
	}{
		{
			"one row", june("10", "100", "2026-06-01", "2026-06-30", "10"),
			"100.00 USD is the cost of the unit row of the contract's services and bundles.", "",
		},
		{"the estimate", []change{estimated("5", "")}, "5.00 USD is the estimated cost on the contract.", ""},
		{"a charge", []change{charge(0, "5")}, "5.00 USD is the cost of the charge of the contract.", ""},
		{
			"the price of charges",
			[]change{option("price"), charge(0, "5"), charge(0, "5")},
			"20.00 USD is the price of all 2 charges of the contract.", "",
		},
		{
			"a month", append(june("10", "100", "2026-06-01", "2026-06-30", "10"), option("monthly")),
			"100.00 USD is what the line in force on 15 June 2026 costs a month.", "100.00 a month",
		},
		{
			"a year", append(june("10", "100", "2026-06-01", "2026-06-30", "10"), option("annual"), unit(mail, 0, "5")),
			"1260.00 USD is 12 times what the 2 lines in force on 15 June 2026 cost a month.", "100.00 a month",
		},
		{
			"a part of a month", append(june("10", "50", "2026-06-15", "2026-06-30", "10"), option("monthly")),
			"100.00 USD is what the line in force on 15 June 2026 costs a month.", "10 units × 10.00 a month: the row is not of one whole month",
		},
		{
			"a quarter",
			[]change{option("monthly"), row(1, backup, "3", "60", "2026-04-01", "2026-06-30")},
			"20.00 USD is what the line in force on 15 June 2026 costs a month.", "60.00 a quarter",
		},
		{
			"days",
			[]change{option("monthly"), row(1, hosting, "1", "50", "2026-06-11", "2026-06-25")},
			"100.00 USD is what the line in force on 15 June 2026 costs a month.",
			"50.00 for 15 days, which is 100.00 for the 30 days of a month: no unit cost is known",
		},
		{
			"a day that stands for today",
			[]change{option("monthly"), on("2026-08-01"), row(1, hosting, "1", "50", "2026-06-01", "2026-06-30")},
			"50.00 USD is what the line in force on 30 June 2026 costs a month.", "50.00 a month",
		},
		{
			"the option's currency",
			[]change{estimated("5", ""), func(p *projection.ContractParts) { p.CurrencyKnown, p.Options.Currency = false, "GBP" }},
			"5.00 GBP is the estimated cost on the contract. Autotask's own currency cannot be read, so it is that of the option currency.", "",
		},
		{
			"no currency",
			[]change{estimated("5", ""), func(p *projection.ContractParts) { p.CurrencyKnown = false }},
			"5.00 USD is the estimated cost on the contract. The currency is assumed: neither Autotask nor the option currency names one.", "",
		},
		{"nothing", nil, "The overall cost is not known: no source for it is above zero.", ""},
		{"no right", []change{costsHidden}, "The overall cost is not known: the API user may not read costs.", ""},
		{
			"no period",
			[]change{option("monthly"), unit(odd, 0, "5")},
			"The overall cost is not known: a line in force has no known billing period.", "",
		},
		{
			"another currency",
			[]change{option("price"), paysIn(euros), unit(mail, 0, "5")},
			"The overall cost is not known: a price is in a currency that is not known to be the tenant's own.", "",
		},
		{"too much", []change{estimated("1e15", "")}, "The overall cost is too large to be sent.", ""},
	} {
		got := project(t, c.parts...).Sources.Cost
		if got.Sentence != c.sentence {
			t.Errorf("%s: %q, want %q", c.because, got.Sentence, c.sentence)
		}
		if how := append(got.Rows, v1.AmountRow{})[0].How; how != c.how {
			t.Errorf("%s: the row counts as %q, want %q", c.because, how, c.how)
		}
	}
}

// TestWhatIsUnknownIsNamed: notes say which row it is, whatever the order of the rows.
func TestWhatIsUnknownIsNamed(t *testing.T) {
	for because, c := range map[string]struct {
		parts []change
		note  string
	}{
		"a price in euros": {
			[]change{option("price"), paysIn(euros), unit(mail, 0, "5"), unit(mail, 0, "6")},
			fmt.Sprintf("ContractServiceUnits 1000 tells 10, in the currency of the contract's company (currency %d), and no amount in the tenant's internal currency, USD", euros),
		},
		"a period": {
			[]change{option("monthly"), unit(mail, 0, "5"), unit(odd, 0, "5")},
			"ContractServiceUnits 1001 is of a service or bundle without a known billing period",
		},
		"a time": {
			[]change{option("monthly"), row(1, hosting, "1", "5", "2026-06-01", "")},
			"ContractServiceUnits 1000 has no first or no last day, and no unit cost is known",
		},
		"why the total is none": {
			[]change{unit(mail, 0, "0"), estimated("5", "")}, "the cost of all unit rows comes to 0.00, which is not above zero",
		},
		"an estimate": {
			[]change{contractType(3), estimated("-1", ""), charge(0, "5")}, "the contract's estimated cost comes to -1.00, which is not above zero",
		},
		"too much": {
			[]change{estimated("1e15", "")}, "the contract's estimated cost comes to more than the target takes, 15 digits before the point",
		},
	} {
		if got := project(t, c.parts...).Sources.Cost.Notes; !slices.Equal(got, []string{c.note}) {
			t.Errorf("%s: %q, want %q", because, got, c.note)
		}
	}
	many := project(t, option("monthly"), unit(odd, 0, "5"), unit(odd, 0, "5"), unit(odd, 0, "5")).Sources.Cost
	if len(many.Notes) != 2 || many.Notes[1] != "the same holds for 3 lines in all" || !slices.Equal(many.Issues, []string{"period_unknown"}) {
		t.Errorf("notes %q, issues %v", many.Notes, many.Issues)
	}
}

// TestAPriceThatCannotBeReadIsNamedWhereItIsNeeded: other options do without.
func TestAPriceThatCannotBeReadIsNamedWhereItIsNeeded(t *testing.T) {
	bad := autotask.RowError{Entity: "X", ID: 7, Field: "price", Got: "list", Want: "a decimal number"}
	unread := []autotask.RowError{bad}
	for name, spoil := range map[string]change{
		"a unit row":        func(p *projection.ContractParts) { p.Units[0].Unread = unread },
		"a bundle unit row": func(p *projection.ContractParts) { p.BundleUnits[0].Unread = unread },
		"a charge":          func(p *projection.ContractParts) { p.Charges[0].Unread = unread },
		"the contract":      func(p *projection.ContractParts) { p.Contract.Unread = unread },
	} {
		for _, by := range []string{"", "auto", "monthly", "annual", "price"} {
			_, err := projection.Contract(recurring(unit(mail, 0, "5"), bundleUnit(suite, "5"), charge(0, "5"), spoil, option(by)))
			if got, _ := errors.AsType[autotask.RowError](err); (got == bad) != (by == "price") {
				t.Errorf("%s by %q: %v", name, by, err)
			}
		}
	}
}
