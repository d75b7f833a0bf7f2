package projection_test

import (
	"strings"
	"testing"

	"channelsync/sync/projection"
)

// TestTheFixOfAnUnknownCostFitsItsCauseAndTheOption: nobody is advised to enter what the
// option does not count, or to correct what is right.
func TestTheFixOfAnUnknownCostFitsItsCauseAndTheOption(t *testing.T) {
	cancelled := []change{line(1, mail, "10"), row(1, mail, "0", "0", "2026-06-01", "2026-06-30")}
	credit := []change{row(1, mail, "1", "-5", "2026-06-01", "2026-06-30")}
	foreignCredit := []change{paysIn(euros), unit(mail, 0, "0"), charge(0, "-5")}
	for _, c := range []struct {
		because, option string
		parts           []change
		why             string
		says, not       []string // of the fix
	}{
		{
			"nothing is entered", "auto", nil, "no source for it is above zero",
			[]string{"unit costs", "an estimated cost", "the cost of a charge"},
			[]string{"price", "revenue"},
		},
		{
			"services do not count on this contract", "auto",
			[]change{contractType(3)},
			"no source for it is above zero",
			[]string{"an estimated cost", "the cost of a charge"},
			[]string{"Enter unit"},
		},
		{
			"nothing is entered", "price", nil, "no source for it is above zero",
			[]string{"unit prices", "an estimated revenue", "the billable amount of a charge"},
			[]string{"cost"},
		},
		{
			"services do not count on this contract", "price",
			[]change{contractType(3)},
			"no source for it is above zero",
			[]string{"an estimated revenue", "the billable amount of a charge"},
			[]string{"Enter unit", "cost"},
		},
		{
			"the row costs nothing", "monthly",
			[]change{unit(mail, 0, "0")},
			"no source for it is above zero",
			[]string{"unit costs", "catalogue"},
			[]string{"Enter an estimated"},
		},
		{
			"no row", "annual",
			[]change{estimated("5", "")},
			"no line of the contract is in force",
			[]string{"This is correct", "units above 0"},
			[]string{"unit cost"},
		},
		{
			"cancelled", "auto", cancelled, "none of the contract's services and bundles has units",
			[]string{"This is correct", "units above 0", "estimated cost"},
			nil,
		},
		{"cancelled", "monthly", cancelled, "no line of the contract is in force", []string{"This is correct", "units above 0"}, nil},
		{
			"cancelled", "price", cancelled, "none of the contract's services and bundles has units",
			[]string{"This is correct", "estimated revenue"},
			[]string{"cost"},
		},
		{"a credit", "auto", credit, "its credits equal or exceed the amounts above zero", []string{"This is correct", "negative"}, []string{"Enter"}},
		{"a credit", "monthly", credit, "its credits equal or exceed the amounts above zero", []string{"This is correct", "negative"}, []string{"Enter"}},
		{"a credit", "price", foreignCredit, "its credits equal or exceed the amounts above zero", []string{"This is correct", "negative"}, []string{"Enter"}},
		{
			"no time", "monthly",
			[]change{row(1, hosting, "1", "5", "2026-06-01", "")},
			"a line in force has no first or no last day, and no unit cost is known",
			[]string{"unit cost"},
			nil,
		},
	} {
		got := project(t, append([]change{option(c.option)}, c.parts...)...).Sources.Cost
		if want := "The overall cost is not known: " + c.why + "."; got.Sentence != want || len(got.Issues) != 1 || got.Issues[0] != projection.IssueCostUnknown {
			t.Errorf("%s by %s: %q, want %q (%v)", c.because, c.option, got.Sentence, want, got.Issues)
		}
		for _, text := range c.says {
			if !strings.Contains(got.Fix, text) {
				t.Errorf("%s by %s: %q lacks %q", c.because, c.option, got.Fix, text)
			}
		}
		for _, text := range c.not {
			if strings.Contains(got.Fix, text) {
				t.Errorf("%s by %s: %q says %q", c.because, c.option, got.Fix, text)
			}
		}
	}
	for _, parts := range [][]change{{estimated("5", "")}, {costsHidden}} {
		if got := project(t, parts...).Sources.Cost; got.Fix != "" {
			t.Errorf("a fix of what is no unknown cost: %q", got.Fix)
		}
	}
}
