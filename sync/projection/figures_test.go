package projection_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// contractFigures is a contract as real tenants have it, and what it must come to by each
// option, worked out by hand.
type contractFigures struct {
	fact   string
	parts  []change
	vendor string
	costs  map[string]string // by option; "" is not known
	issues []string          // that some option raises, beside cost_unknown
}

// figures writes a contract in a line: its vendor, or "default", then its cost by the total, the
// month, the year and the price, "-" where it is not known; and after a semicolon its issues.
func figures(fact, want string, parts ...change) contractFigures {
	want, issues, _ := strings.Cut(want, "; ")
	words := strings.Fields(want)
	c := contractFigures{fact: fact, parts: parts, costs: map[string]string{}, issues: strings.Fields(issues)}
	c.vendor = strings.Join(words[:len(words)-4], " ")
	for i, by := range []string{"auto", "monthly", "annual", "price"} {
		c.costs[by] = strings.Trim(words[len(words)-4+i], "-")
	}
	return c
}

// wholePeriods: a row of a whole period costs what it says, divided by its months.
func wholePeriods() []contractFigures {
	return []contractFigures{
		figures("a monthly line: 10 units × 10 in June", "Contoso 100.00 100.00 1200.00 200.00", // annual 12 × 100
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30")),
		figures("three rows of three months: the total has all, the month only June's", "Contoso 300.00 100.00 1200.00 600.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-05-01", "2026-05-31"),
			row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), row(1, mail, "10", "100", "2026-07-01", "2026-07-31")),
		figures("a quarterly line: 60 by 3 months", "Fabrikam 60.00 20.00 240.00 120.00",
			line(1, backup, "20"), row(1, backup, "3", "60", "2026-04-01", "2026-06-30")),
		figures("a half-yearly line: 300 by 6 months; its service has no vendor", "default 300.00 50.00 600.00 600.00",
			line(1, labour, "50"), row(1, labour, "6", "300", "2026-01-01", "2026-06-30")),
		figures("a yearly line: 120 by 12 months", "Adatum 120.00 10.00 120.00 240.00",
			line(1, firewall, "120"), row(1, firewall, "1", "120", "2026-01-01", "2026-12-31")),
		figures("a month's and a year's line together: 100 + 120 ÷ 12; the dearer row names the vendor", "Adatum 220.00 110.00 1320.00 440.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"),
			line(2, firewall, "120"), row(2, firewall, "1", "120", "2026-01-01", "2026-12-31")),
		figures("the year is 12 times the month before it was rounded: 100 ÷ 12 = 8.3333…", "Adatum 100.00 8.3333 100.00 200.00",
			line(1, firewall, "100"), row(1, firewall, "1", "100", "2026-01-01", "2026-12-31")),
		figures("a yearly line in the middle of its year: today is past the month it began in", "Adatum 240.00 20.00 240.00 480.00",
			line(1, firewall, "120"), row(1, firewall, "2", "240", "2025-09-15", "2026-09-14")),
		figures("a month that begins on the 31st ends the day before the next month's last day: 31 May to 29 June is whole", "Contoso 77.00 77.00 924.00 154.00",
			// 7 units × 10 would be 70: the amount of 77 shows that the row counts
			line(1, mail, "10"), row(1, mail, "7", "77", "2026-05-31", "2026-06-29")),
		figures("31 January to 27 February is a whole month too", "Contoso 33.00 33.00 396.00 66.00",
			on("2026-02-10"), line(1, mail, "10"), row(1, mail, "3", "33", "2026-01-31", "2026-02-27")),
		figures("so is 28 February to 30 March: three days more than a month", "Contoso 33.00 33.00 396.00 66.00",
			on("2026-03-10"), line(1, mail, "10"), row(1, mail, "3", "33", "2026-02-28", "2026-03-30")),
		figures("a year that begins on 29 February ends on the last of February: 28 less one, and a day", "Adatum 132.00 11.00 132.00 264.00",
			on("2024-06-01"), line(1, firewall, "10"), row(1, firewall, "1", "132", "2024-02-29", "2025-02-28")),
		figures("a period may spill over by up to three days: to 3 July", "Contoso 100.00 100.00 1200.00 200.00",
			line(1, mail, "10"), row(1, mail, "5", "100", "2026-06-01", "2026-07-03")),
		figures("four days are too many: 5 units × 10", "Contoso 100.00 50.00 600.00 200.00",
			line(1, mail, "10"), row(1, mail, "5", "100", "2026-06-01", "2026-07-04")),
		figures("a day less than a month is a part of it: 5 units × 10", "Contoso 100.00 50.00 600.00 200.00",
			line(1, mail, "10"), row(1, mail, "5", "100", "2026-06-01", "2026-06-29")),
		figures("a row without a cost costs nothing, even if it has units and a unit cost", "Fabrikam 30.00 10.00 120.00 60.00",
			line(1, mail, "10"), row(1, mail, "5", "", "2026-06-01", "2026-06-30"), line(2, backup, "20"), row(2, backup, "1", "30", "2026-04-01", "2026-06-30")),
	}
}

// partPeriods: the amount of a row that covers a part of a period is prorated, and no rate.
func partPeriods() []contractFigures {
	return []contractFigures{
		figures("a contract that starts on the 16th: 50 for half of June is 10 units × 10 a month", "Contoso 50.00 100.00 1200.00 100.00",
			on("2026-06-20"), line(1, mail, "10"), row(1, mail, "10", "50", "2026-06-16", "2026-06-30")),
		figures("the last row before the contract ends: 66.67 for 20 days of June", "Contoso 66.67 100.00 1200.00 133.34",
			line(1, mail, "10"), row(1, mail, "10", "66.67", "2026-06-01", "2026-06-20")),
		figures("a yearly line co-termed to three months: 30 of 120, 1 unit × 120 ÷ 12", "Adatum 30.00 10.00 120.00 60.00",
			line(1, firewall, "120"), row(1, firewall, "1", "30", "2026-04-01", "2026-06-30")),
		figures("a monthly line billed for two months at once: 10 units × 10", "Contoso 200.00 100.00 1200.00 400.00",
			line(1, mail, "10"), row(1, mail, "10", "200", "2026-05-01", "2026-06-30")),
		figures("the contract line's unit cost goes before the catalogue's: 10 units × 12", "Contoso 60.00 120.00 1440.00 120.00",
			on("2026-06-20"), line(1, mail, "12"), row(1, mail, "10", "60", "2026-06-16", "2026-06-30")),
		figures("a contract line without a unit cost has the catalogue's: 10 units × 10", "Contoso 50.00 100.00 1200.00 100.00",
			on("2026-06-20"), line(1, mail, ""), row(1, mail, "10", "50", "2026-06-16", "2026-06-30")),
		figures("so has a contract line that is gone", "Contoso 50.00 100.00 1200.00 100.00",
			on("2026-06-20"), row(1, mail, "10", "50", "2026-06-16", "2026-06-30")),
		figures("a unit cost of 0 is one: the rate is 0", "Contoso 50.00 - - 100.00",
			on("2026-06-20"), line(1, mail, "0"), row(1, mail, "10", "50", "2026-06-16", "2026-06-30")),
		figures("without any unit cost the days tell: 50 for 15 days, 100 for the 30 days to 15 July", "Fabrikam 50.00 100.00 1200.00 100.00",
			on("2026-06-20"), line(1, hosting, ""), row(1, hosting, "10", "50", "2026-06-16", "2026-06-30")),
		figures("the same for a year: 91 for 91 days from 1 April, 365 for the 365 days to 31 March", "Adatum 91.00 30.4167 365.00 182.00",
			// 365 ÷ 12 = 30.41666…
			line(1, lease, ""), row(1, lease, "1", "91", "2026-04-01", "2026-06-30")),
		figures("part of a row's days in a leap year: 31 for the 31 days of March, 30 a month of 30 days from 31 March to 29 April", "Fabrikam 1.00 30.00 360.00 2.00",
			on("2024-03-31"), line(1, hosting, ""), row(1, hosting, "1", "1", "2024-03-31", "2024-03-31")),
		figures("a row whose start nobody tells is of no whole period: 10 units × 10", "Contoso 700.00 100.00 1200.00 1400.00",
			line(1, mail, "10"), row(1, mail, "10", "700", "", "2026-12-31")),
		figures("nor is a row without an end", "Contoso 700.00 100.00 1200.00 1400.00",
			line(1, mail, "10"), row(1, mail, "10", "700", "2026-01-01", "")),
		figures("such a row without a unit cost is of an unknown time", "Fabrikam 700.00 - - 1400.00",
			line(1, hosting, ""), row(1, hosting, "10", "700", "2026-01-01", "")),
		figures("unless it costs nothing, whatever the time", "Contoso 10.00 10.00 120.00 20.00",
			line(1, hosting, ""), row(1, hosting, "10", "0", "2026-01-01", ""), line(2, mail, "10"), row(2, mail, "1", "10", "2026-06-01", "2026-06-30")),
		figures("a bundle's rate is its catalogue's: half of June for 40, 1 × 80 a month", "Fabrikam 40.00 80.00 960.00 80.00",
			// of 40: Contoso 10 ÷ 80, Fabrikam 20 ÷ 80, nobody 50 ÷ 80
			on("2026-06-20"), bundleLine(1, suite), bundleRow(1, suite, "1", "40", "2026-06-16", "2026-06-30")),
		figures("a bundle without a unit cost goes by its days too: 40 for 15 days, 80 for 30", "Contoso 40.00 80.00 960.00 80.00",
			on("2026-06-20"), bundleLine(1, evenSuite), bundleRow(1, evenSuite, "1", "40", "2026-06-16", "2026-06-30")),
	}
}

// adjustments end the earlier row on the day on which the later one begins.
func adjustments() []contractFigures {
	before := row(1, mail, "10", "50", "2026-06-01", "2026-06-15")
	after := row(1, mail, "12", "60", "2026-06-15", "2026-06-30")
	return []contractFigures{
		figures("on the day of an adjustment the row counts that begins: 12 units × 10, not 50 + 60", "Contoso 110.00 120.00 1440.00 220.00",
			line(1, mail, "10"), before, after),
		figures("the day before it is the earlier one: 10 units × 10", "Contoso 110.00 100.00 1200.00 220.00",
			on("2026-06-14"), line(1, mail, "10"), before, after),
		figures("the day after it the later one", "Contoso 110.00 120.00 1440.00 220.00",
			on("2026-06-16"), line(1, mail, "10"), before, after),
		figures("the start decides, not the id", "Contoso 110.00 120.00 1440.00 220.00",
			line(1, mail, "10"), row(1, mail, "12", "60", "2026-06-15", "2026-06-30", numbered(7)),
			row(1, mail, "10", "50", "2026-06-01", "2026-06-15", numbered(8))),
		figures("of rows that start on one day the higher id counts", "Contoso 220.00 120.00 1440.00 440.00",
			line(1, mail, "10"), row(1, mail, "12", "120", "2026-06-01", "2026-06-30", numbered(8)),
			row(1, mail, "10", "100", "2026-06-01", "2026-06-30", numbered(7))),
		figures("a row that ends later does not count for that: the later start does", "Contoso 148.00 120.00 1440.00 296.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), row(1, mail, "12", "48", "2026-06-10", "2026-06-20")),
		figures("an adjustment to no units ends the line on that day", "default 50.00 - - 100.00",
			line(1, mail, "10"), before, row(1, mail, "0", "0", "2026-06-15", "2026-06-30")),
		figures("within a quarter: from 20 May on 5 units × 20 by 3 months", "Fabrikam 79.12 33.3333 400.00 158.24", // 100 ÷ 3 = 33.3333…
			line(1, backup, "20"), row(1, backup, "3", "32.97", "2026-04-01", "2026-05-20"), row(1, backup, "5", "46.15", "2026-05-20", "2026-06-30")),
		figures("an adjustment changes the vendor by what the row of the day costs, prorated or not", "Contoso 169.00 179.00 2148.00 338.00",
			// 120 + 59 a month; 60 outweighs 59
			line(1, mail, "10"), before, after, line(2, hosting, ""), row(2, hosting, "1", "59", "2026-06-01", "2026-06-30")),
		figures("a renewal: a new line from today on, at 11", "Contoso 210.00 110.00 1320.00 420.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-05-15", "2026-06-14"),
			line(2, mail, "11"), row(2, mail, "10", "110", "2026-06-15", "2026-07-14")),
	}
}

// cancelled lines have no units any more, or no row; the contract line stays for ever.
func cancelled() []contractFigures {
	live := []change{line(1, mail, "10"), row(1, mail, "1", "10", "2026-06-01", "2026-06-30")}
	with := func(more ...change) []change { return append(slices.Clone(live), more...) }
	return []contractFigures{
		figures("a line of no units does not name the vendor, though only its row tells one", "Contoso 10.00 10.00 120.00 20.00",
			with(line(2, firewall, "120"), row(2, firewall, "0", "0", "2026-01-01", "2026-12-31", vendorUnit(adatum)))...),
		figures("nor if its row has kept an amount", "Contoso 130.00 10.00 120.00 260.00",
			with(line(2, firewall, "120"), row(2, firewall, "0", "120", "2026-01-01", "2026-12-31", vendorUnit(adatum)))...),
		figures("nor does a row that does not tell its units", "Contoso 130.00 10.00 120.00 260.00",
			with(line(2, firewall, "120"), row(2, firewall, "", "120", "2026-01-01", "2026-12-31", vendorUnit(adatum)))...),
		figures("a line whose rows have ended is over, however dear its contract line", "Contoso 130.00 10.00 120.00 260.00",
			with(line(2, firewall, "120"), row(2, firewall, "1", "120", "2025-01-01", "2025-12-31", vendorUnit(adatum)))...),
		figures("so is a contract line without any row beside lines that have some", "Contoso 10.00 10.00 120.00 20.00",
			with(line(2, firewall, "120"))...),
		figures("a line that has not begun is not in force yet", "Contoso 130.00 10.00 120.00 260.00",
			with(line(2, firewall, "120"), row(2, firewall, "1", "120", "2026-07-01", "2027-06-30"))...),
		figures("when all lines have no units today, nothing is in force: rows of no units cover the day too", "default 100.00 - - 200.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-05-01", "2026-05-31"), row(1, mail, "0", "0", "2026-06-01", "2026-06-30")),
		figures("an ended contract goes by the last day that a row covered: 31 May", "Contoso 190.00 100.00 1200.00 380.00",
			line(1, mail, "10"), row(1, mail, "9", "90", "2026-04-01", "2026-04-30"), row(1, mail, "10", "100", "2026-05-01", "2026-05-31")),
		figures("a line that ended earlier is not in force on that day", "Fabrikam 160.00 20.00 240.00 320.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-04-01", "2026-04-30"),
			line(2, backup, "20"), row(2, backup, "3", "60", "2026-03-01", "2026-05-31")),
		figures("nor is one that had no units then", "default 100.00 - - 200.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-04-01", "2026-04-30"), row(1, mail, "0", "0", "2026-05-01", "2026-05-31")),
		figures("a contract that has not begun goes by the first day that a row will cover: 1 July", "Contoso 700.00 100.00 1200.00 1400.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-07-01", "2026-07-31"),
			line(2, backup, "20"), row(2, backup, "30", "600", "2026-08-01", "2026-10-31")),
		figures("on a day without a row the past stands before the future: 10 units, not 12", "Contoso 220.00 100.00 1200.00 440.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-05-11", "2026-06-10"), row(1, mail, "12", "120", "2026-06-20", "2026-07-19")),
		figures("a row of no units keeps another day from standing for today", "default 100.00 - - 200.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-05-15", "2026-06-14"),
			line(2, backup, "20"), row(2, backup, "0", "0", "2026-04-01", "2026-06-30")),
		figures("rows ten years ahead: 2 of the past, 1 of today, 120 to come", "Contoso 12300.00 100.00 1200.00 24600.00",
			append([]change{line(1, mail, "10")}, months(1, mail, "10", "100", "2026-04-01", 123)...)...),
	}
}

// months are so many monthly rows of a line.
func months(of, service int64, units, cost, from string, n int) []change {
	var out []change
	for i := range n {
		first := date(from).AddDate(0, i, 0)
		out = append(out, row(of, service, units, cost, first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly)))
	}
	return out
}

// lineless: ids of lines and services are null on some rows.
func lineless() []contractFigures {
	return []contractFigures{
		figures("rows without a line go by the first contract line of their service: 10 units × 12", "Contoso 60.00 120.00 1440.00 120.00",
			on("2026-06-20"), line(6, mail, "30"), line(5, mail, "12"), row(0, mail, "10", "60", "2026-06-16", "2026-06-30")),
		figures("they are a line of their own beside one of the same service", "Contoso 150.00 150.00 1800.00 300.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), row(0, mail, "5", "50", "2026-06-01", "2026-06-30")),
		figures("of two services they are two lines", "Fabrikam 240.00 240.00 2880.00 480.00",
			row(0, mail, "10", "100", "2026-06-01", "2026-06-30"), row(0, hosting, "1", "140", "2026-06-01", "2026-06-30")),
		figures("of one service they are one line, with one row of the day: 12 units × 10", "Contoso 110.00 120.00 1440.00 220.00",
			row(0, mail, "10", "50", "2026-06-01", "2026-06-15"), row(0, mail, "12", "60", "2026-06-15", "2026-06-30")),
		figures("bundle rows without a line are lines of their own as well", "Fabrikam 100.00 100.00 1200.00 200.00",
			// 80 + 20 a month; Contoso 10, Fabrikam 20 of the suite, 10 each of the other
			bundleRow(0, suite, "1", "80", "2026-06-01", "2026-06-30"), bundleRow(0, evenSuite, "1", "20", "2026-06-01", "2026-06-30")),
		figures("a row that does not tell its service is of its contract line's", "Contoso 100.00 100.00 1200.00 200.00",
			line(1, mail, "10"), row(1, 0, "10", "100", "2026-06-01", "2026-06-30")),
		figures("a row that tells neither has no vendor and no period", "default 100.00 - - 200.00; period_unknown",
			row(0, 0, "10", "100", "2026-06-01", "2026-06-30")),
	}
}

// credits are lines of their own with negative amounts.
func credits() []contractFigures {
	return []contractFigures{
		figures("a full-price line and a credit line of one service: 100 − 20", "Contoso 80.00 80.00 960.00 160.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"),
			line(2, mail, "-2"), row(2, mail, "10", "-20", "2026-06-01", "2026-06-30")),
		figures("the same prorated: 10 × 10 and 10 × −2", "Contoso 40.00 80.00 960.00 80.00",
			on("2026-06-20"), line(1, mail, "10"), row(1, mail, "10", "50", "2026-06-16", "2026-06-30"),
			line(2, mail, "-2"), row(2, mail, "10", "-10", "2026-06-16", "2026-06-30")),
		figures("a credit weighs on its vendor: 100 − 90 is less than 40", "Fabrikam 50.00 50.00 600.00 100.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"),
			line(2, mail, "-9"), row(2, mail, "10", "-90", "2026-06-01", "2026-06-30"),
			line(3, hosting, ""), row(3, hosting, "1", "40", "2026-06-01", "2026-06-30")),
		figures("credits that outweigh all: no cost above zero, and the vendor all the same", "Contoso - - - -",
			line(1, mail, "10"), row(1, mail, "1", "10", "2026-06-01", "2026-06-30"),
			line(2, mail, "-2"), row(2, mail, "10", "-20", "2026-06-01", "2026-06-30")),
	}
}

// TestFiguresOfContractsAsRealTenantsHaveThem holds the rules against contracts that were
// worked out by hand, by each option.
func TestFiguresOfContractsAsRealTenantsHaveThem(t *testing.T) {
	groups := map[string][]contractFigures{
		"whole periods": wholePeriods(), "parts of periods": partPeriods(), "adjustments": adjustments(), "cancelled lines": cancelled(),
		"rows without a line": lineless(), "credits": credits(), "vendors": vendorsOfLines(), "other types": otherTypes(), "currencies": currencies(),
		"odd days": oddDays(), "odd amounts": oddAmounts(), "odd contracts": oddContracts(),
	}
	schemas, contracts := schemas(t), 0
	for name, group := range groups {
		for _, c := range group {
			contracts++
			t.Run(fmt.Sprintf("%s/%s", name, c.fact), func(t *testing.T) {
				var issues []string
				for by, want := range c.costs {
					got := project(t, append(slices.Clone(c.parts), option(by))...)
					if cost(got) != want {
						t.Errorf("%s: %q, want %q (%s; %v)", by, cost(got), want, got.Sources.Cost.Sentence, got.Sources.Cost.Notes)
					}
					if vendor := got.Input.VendorName; vendor != c.vendor && !(c.vendor == "default" && got.Input.VendorNameDefaulted) {
						t.Errorf("%s: vendor %q, want %q (%s)", by, vendor, c.vendor, got.Sources.Vendor.Sentence)
					}
					for _, issue := range got.Issues {
						if issue != "cost_unknown" && !slices.Contains(issues, issue) {
							issues = append(issues, issue)
						}
					}
					if known := got.Input.OverallCost != nil; known != (len(got.Sources.Cost.Issues) == 0) {
						t.Errorf("%s: known %v with issues %v", by, known, got.Sources.Cost.Issues)
					}
					fits(t, schemas, got.Input)
				}
				if !slices.Equal(issues, c.issues) {
					t.Errorf("issues %v, want %v", issues, c.issues)
				}
			})
		}
	}
	if contracts < 60 {
		t.Errorf("%d contracts", contracts)
	}
}
