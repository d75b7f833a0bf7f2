package projection_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/api/autotask"
	"channelsync/sync/projection"
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

// vendorsOfLines: the row's vendor, else the service's; a bundle shares its cost out.
func vendorsOfLines() []contractFigures {
	return []contractFigures{
		figures("the vendor on the row goes before the service's", "Adatum 100.00 100.00 1200.00 200.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30", vendorUnit(adatum))),
		figures("a row without one competes by its service's: 120 against 100", "Fabrikam 220.00 220.00 2640.00 440.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30", vendorUnit(adatum)),
			line(2, hosting, ""), row(2, hosting, "1", "120", "2026-06-01", "2026-06-30")),
		figures("a vendor's lines are added up: 60 + 50 against 100", "Contoso 210.00 210.00 2520.00 420.00",
			line(1, mail, "10"), row(1, mail, "6", "60", "2026-06-01", "2026-06-30"), line(2, spare, ""),
			row(2, spare, "1", "50", "2026-06-01", "2026-06-30"), line(3, hosting, ""), row(3, hosting, "1", "100", "2026-06-01", "2026-06-30")),
		figures("equal sums go to the lowest company id", "Contoso 200.00 200.00 2400.00 400.00",
			line(1, hosting, ""), row(1, hosting, "1", "100", "2026-06-01", "2026-06-30"), line(2, mail, "10"),
			row(2, mail, "10", "100.00", "2026-06-01", "2026-06-30")),
		figures("a vendor that cannot be read is passed over for the next", "Contoso 109.00 109.00 1308.00 218.00; vendor_name_unknown",
			line(1, heirloom, "99"), row(1, heirloom, "1", "99", "2026-06-01", "2026-06-30"), line(2, mail, "10"),
			row(2, mail, "1", "10", "2026-06-01", "2026-06-30")),
		figures("a bundle shares its row's cost by its services' unit costs: of 80 Contoso 10, Fabrikam 20, nobody 50", "Fabrikam 80.00 80.00 960.00 160.00",
			bundleLine(1, suite), bundleRow(1, suite, "1", "80", "2026-06-01", "2026-06-30")),
		figures("services and bundles compete together: 30 and 160 × 10 ÷ 80 against 160 × 20 ÷ 80", "Contoso 190.00 190.00 2280.00 380.00",
			line(1, mail, "10"), row(1, mail, "3", "30", "2026-06-01", "2026-06-30"),
			bundleLine(1, suite), bundleRow(1, suite, "2", "160", "2026-06-01", "2026-06-30")),
		figures("without unit costs a bundle shares evenly: 50 each, and the lowest id wins", "Contoso 100.00 100.00 1200.00 200.00",
			bundleLine(1, evenSuite), bundleRow(1, evenSuite, "1", "100", "2026-06-01", "2026-06-30")),
		figures("shares are exact: three thirds of 10 are as much as 10", "Contoso 40.00 40.00 480.00 80.00",
			bundleRow(1, thirdSuite, "1", "10", "2026-06-01", "2026-06-30"), bundleRow(2, thirdSuite, "1", "10", "2026-06-01", "2026-06-30"),
			bundleRow(3, thirdSuite, "1", "10", "2026-06-01", "2026-06-30"), unit(mail, adatum, "10")),
		figures("a yearly bundle: 240 by 12 months", "Adatum 240.00 20.00 240.00 480.00",
			bundleLine(1, yearlySuite), bundleRow(1, yearlySuite, "2", "240", "2026-01-01", "2026-12-31")),
		figures("a contract without any unit row: the contract lines' unit costs decide", "Contoso - - - -",
			line(1, mail, "30"), line(2, backup, "5")),
		figures("else the catalogue's: 20 over 10", "Fabrikam - - - -",
			line(1, mail, ""), line(2, backup, "")),
		figures("its bundles weigh with them: 15 and 80 × 10 ÷ 80 against 80 × 20 ÷ 80", "Contoso - - - -",
			line(1, mail, "15"), bundleLine(1, suite)),
		figures("lines in force that name nobody leave it to the charges", "Contoso 300.00 50.00 600.00 600.00",
			line(1, labour, "50"), row(1, labour, "6", "300", "2026-01-01", "2026-06-30"), charge(licence, "5")),
		figures("cancelled lines too, and never to the services", "Adatum 5.00 - - 10.00",
			line(1, mail, "10"), row(1, mail, "0", "0", "2026-06-01", "2026-06-30"), charge(appliance, "5")),
		figures("charges weigh by their cost: 6 over 5", "Adatum 111.00 - - 222.00",
			contractType(1), charge(licence, "5"), charge(appliance, "6"), charge(0, "100")),
	}
}

// otherTypes: estimates and charges.
func otherTypes() []contractFigures {
	return []contractFigures{
		figures("nothing is known: null, never 0", "default - - - -"),
		figures("time and materials: the estimate", "default 500.50 - - 900.00",
			contractType(1), estimated("500.5", "900")),
		figures("unit rows of other types than 7 are no total, but what is in force costs a month", "Contoso - 100.00 1200.00 -",
			contractType(1), line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30")),
		figures("unit rows that cost nothing leave it to the estimate; a month does not", "Contoso 1200.00 - - 1500.00",
			line(1, mail, "10"), row(1, mail, "10", "0", "2026-06-01", "2026-06-30"), estimated("1200", "1500")),
		figures("a line without a known period makes the month unknown, never guessed", "Contoso 101.00 - - 202.00; period_unknown",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), line(2, odd, "1"), row(2, odd, "1", "1", "2026-06-01", "2026-06-30")),
		figures("even if its row costs nothing", "Contoso 100.00 - - 200.00; period_unknown",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), line(2, odd, "1"), row(2, odd, "1", "", "2026-06-01", "2026-06-30")),
		figures("but not when it has no units", "Contoso 101.00 100.00 1200.00 202.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), line(2, odd, "1"), row(2, odd, "0", "1", "2026-06-01", "2026-06-30")),
		figures("a bundle without a known period does the same", "default 5.00 - - 10.00; period_unknown",
			bundleLine(1, emptySuite), bundleRow(1, emptySuite, "1", "5", "2026-06-01", "2026-06-30")),
		figures("three quarters of a third are a whole: 1 ÷ 3 × 3", "Fabrikam 3.00 1.00 12.00 6.00",
			row(1, backup, "1", "1", "2026-04-01", "2026-06-30"), row(2, backup, "1", "1", "2026-04-01", "2026-06-30"),
			row(3, backup, "1", "1", "2026-04-01", "2026-06-30")),
		figures("a half goes to the even neighbour, here down to nothing: 0.0006 ÷ 12 = 0.00005", "Adatum 0.0006 - 0.0006 0.0012",
			row(1, firewall, "1", "0.0006", "2026-01-01", "2026-12-31")),
		figures("and here up: 0.0018 ÷ 12 = 0.00015", "Adatum 0.0018 0.0002 0.0018 0.0036",
			row(1, firewall, "1", "0.0018", "2026-01-01", "2026-12-31")),
		figures("without the right to read costs they are not known, not even where a row shows one; prices are", "Contoso - - - 200.00; costs_unreadable",
			costsHidden, line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30")),
	}
}

// currencies: costs are in the tenant's internal currency, prices in the customer's.
func currencies() []contractFigures {
	june := func(n int64, changes ...unitChange) change {
		return row(n, mail, "1", "10", "2026-06-01", "2026-06-30", changes...)
	}
	one := func(fact, price string, parts ...change) contractFigures { // line of 10
		return figures(fact, "Contoso 10.00 10.00 120.00 "+price, append([]change{line(1, mail, "10")}, parts...)...)
	}
	two := func(fact, price string, parts ...change) contractFigures { // lines of 10
		return figures(fact, "Contoso 20.00 20.00 240.00 "+price, append([]change{line(1, mail, "10")}, parts...)...)
	}
	const unknown = "-; price_currency_unknown"
	return []contractFigures{
		one("a customer of another currency: 50 euros are 54.35 dollars, as the row tells", "54.35", paysIn(euros), june(1, priced("50", "54.35"))),
		one("where the row does not tell it, euros are never labelled as dollars", unknown, paysIn(euros), june(1, priced("50", ""))),
		one("a customer of the tenant's own currency: the price is in it", "50.00", paysIn(dollars), june(1, priced("50", ""))),
		one("a customer without a currency has that one", "50.00", paysIn(0), june(1, priced("50", ""))),
		one("the internal price goes before the customer's even then", "49.00", paysIn(dollars), june(1, priced("50", "49"))),
		one("an internal price of 0 is one", "-", paysIn(dollars), june(1, priced("50", "0"))),
		two("one row in euros alone makes the sum unknown", unknown, paysIn(euros), june(1, priced("50", "54.35")), june(2, priced("50", ""))),
		two("a row of no price does not", "54.35", paysIn(euros), june(1, priced("50", "54.35")), june(2, priced("0", ""))),
		two("nor does one that tells none", "54.35", paysIn(euros), june(1, priced("50", "54.35")), june(2, priced("", ""))),
		two("a credit in euros takes off nobody knows how much", unknown, paysIn(euros), june(1, priced("50", "54.35")), june(2, priced("-20", ""))),
		one("credits in euros alone are nothing above zero, whatever they come to; charges follow", "30.00",
			paysIn(euros), june(1, priced("-20", "")), billed("28", "30")),
		one("the revenue has no figure in the tenant's currency: 900 euros end the search, although a charge tells dollars", unknown,
			paysIn(euros), june(1, priced("0", "0")), estimated("0", "900"), billed("28", "30")),
		one("a price that is known goes before it", "54.35", paysIn(euros), june(1, priced("50", "54.35")), estimated("0", "900")),
		one("the revenue of a customer of the own currency counts", "900.00", paysIn(dollars), june(1, priced("0", "")), estimated("0", "900")),
		one("charges tell dollars: 30, not 28 euros", "30.00", paysIn(euros), june(1, priced("0", "0")), billed("28", "30")),
		one("or do not", unknown, paysIn(euros), june(1, priced("0", "0")), billed("28", "")),
		one("when the tenant's currency cannot be read, a customer's is not known to be it", unknown,
			paysIn(dollars), june(1, priced("50", "")), func(p *projection.ContractParts) { p.InternalCurrency = nil }),
		one("and a customer without one still has it", "50.00",
			june(1, priced("50", "")), func(p *projection.ContractParts) { p.InternalCurrency = nil }),
	}
}

// june is a whole month of ten mailboxes at 10.
func june(more ...change) []change {
	return append([]change{line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30")}, more...)
}

// catalogued changes a service of the catalogue.
func catalogued(service int64, edit func(*autotask.Service)) change {
	return func(p *projection.ContractParts) {
		s := p.Catalogue[service]
		edit(&s)
		p.Catalogue[service] = s
	}
}

// contains puts a service into a bundle once more; 0 takes all of them out.
func contains(bundle, service int64) change {
	return func(p *projection.ContractParts) {
		if service == 0 {
			p.BundleServices = nil
			return
		}
		p.BundleServices = append(p.BundleServices, autotask.ServiceBundleService{ID: 9, ServiceBundleID: bundle, ServiceID: service})
	}
}

// oddDays: rows whose days are not those of a month's first and last.
func oddDays() []contractFigures {
	return []contractFigures{
		figures("a row that ends before it starts is in force on no day; the total has it", "Contoso 140.00 100.00 1200.00 280.00",
			june(row(1, mail, "4", "40", "2026-06-30", "2026-06-01"))...),
		figures("nor is it when it is the only one", "default 40.00 - - 80.00",
			line(1, mail, "10"), row(1, mail, "4", "40", "2026-06-30", "2026-06-01")),
		figures("a row of one day, and that is today: 3 units × 10", "Contoso 1.00 30.00 360.00 2.00",
			line(1, mail, "10"), row(1, mail, "3", "1", "2026-06-15", "2026-06-15")),
		figures("a quarter from 30 November ends on 27 February, the day before the last of February: 66 ÷ 3", "Fabrikam 66.00 22.00 264.00 132.00",
			on("2026-01-15"), line(1, backup, "20"), row(1, backup, "3", "66", "2025-11-30", "2026-02-27")),
		figures("a day less is a part of it: 3 units × 20 ÷ 3", "Fabrikam 66.00 20.00 240.00 132.00",
			on("2026-01-15"), line(1, backup, "20"), row(1, backup, "3", "66", "2025-11-30", "2026-02-26")),
		figures("a half-year from 31 August ends on 27 February: 306 ÷ 6", "default 306.00 51.00 612.00 612.00",
			on("2026-01-15"), line(1, labour, "50"), row(1, labour, "6", "306", "2025-08-31", "2026-02-27")),
		figures("February of a leap year has 29 days", "Contoso 110.00 110.00 1320.00 220.00",
			on("2024-02-29"), line(1, mail, "10"), row(1, mail, "10", "110", "2024-02-01", "2024-02-29")),
		figures("of which 28 are a part: 10 units × 10", "Contoso 96.5517 100.00 1200.00 193.1034",
			on("2024-02-28"), line(1, mail, "10"), row(1, mail, "10", "96.5517", "2024-02-01", "2024-02-28")),
		figures("a year over a leap day is a year: 1 March 2023 to 29 February 2024", "Adatum 132.00 11.00 132.00 264.00",
			on("2024-02-29"), line(1, firewall, "120"), row(1, firewall, "1", "132", "2023-03-01", "2024-02-29")),
		figures("31 January to 2 March: three days more than to 27 February", "Contoso 33.00 33.00 396.00 66.00",
			on("2026-02-10"), line(1, mail, "10"), row(1, mail, "3", "33", "2026-01-31", "2026-03-02")),
		figures("to 3 March they are four: 3 units × 10", "Contoso 33.00 30.00 360.00 66.00",
			on("2026-02-10"), line(1, mail, "10"), row(1, mail, "3", "33", "2026-01-31", "2026-03-03")),
		figures("a row without a start that has ended: its last day stands for today, 10 units × 10", "Contoso 700.00 100.00 1200.00 1400.00",
			line(1, mail, "10"), row(1, mail, "10", "700", "", "2026-05-31")),
		figures("a row without an end that has not begun: its first day does", "Contoso 700.00 100.00 1200.00 1400.00",
			line(1, mail, "10"), row(1, mail, "10", "700", "2026-07-01", "")),
		figures("of two rows without an end the one that starts later counts: 12 units × 10", "Contoso 220.00 120.00 1440.00 440.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-01-01", ""), row(1, mail, "12", "120", "2026-06-15", "")),
		figures("a row with a start goes before one without", "Contoso 1090.00 100.00 1200.00 2180.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), row(1, mail, "99", "990", "", "", numbered(9999))),
		figures("a line of a quarter beside one of a month, both adjusted today: 12 × 10 + 6 × 20 ÷ 3", "Contoso 185.21 160.00 1920.00 370.42",
			line(1, mail, "10"), row(1, mail, "10", "50", "2026-06-01", "2026-06-15"), row(1, mail, "12", "64", "2026-06-15", "2026-06-30"),
			line(2, backup, "20"), row(2, backup, "3", "50.11", "2026-04-01", "2026-06-15"), row(2, backup, "6", "21.10", "2026-06-15", "2026-06-30")),
	}
}

// oddAmounts: numbers at the edges of what is added up and of what the target takes.
func oddAmounts() []contractFigures {
	return []contractFigures{
		figures("amounts are rounded once: 33.33335 twice is 66.6667", "Contoso 66.6667 66.6667 800.0004 133.3334",
			row(1, mail, "1", "33.33335", "2026-06-01", "2026-06-30"), row(2, mail, "1", "33.33335", "2026-06-01", "2026-06-30")),
		figures("half of the last place goes to the even one: 0.00025 is 0.0002", "Contoso 0.0002 0.0002 0.003 0.0005",
			row(1, mail, "1", "0.00025", "2026-06-01", "2026-06-30")),
		figures("a cost that rounds to nothing leaves it to the estimate; 12 of it are something", "Contoso 7.00 - 0.0006 0.0001",
			row(1, mail, "1", "0.00005", "2026-06-01", "2026-06-30"), estimated("7", "9")),
		figures("15 digits before the point are taken, 16 are not", "Contoso 999999999999999.9999 999999999999999.9999 - 1.00; cost_out_of_range",
			row(1, mail, "1", "999999999999999.9999", "2026-06-01", "2026-06-30", priced("1", "1"))),
		figures("nor what rounds to 16", "Contoso - - - 1.00; cost_out_of_range",
			row(1, mail, "1", "999999999999999.99999", "2026-06-01", "2026-06-30", priced("1", "1"))),
		figures("an absurd number of units at an absurd unit cost is out of range, not an overflow", "Contoso 5.00 - - 10.00; cost_out_of_range",
			line(1, mail, "987654321987654321"), row(1, mail, "9223372036854775807", "5", "2026-06-01", "2026-06-20")),
		figures("units with a fraction: 2.5 × 10 for a part of a month", "Contoso 16.67 25.00 300.00 33.34",
			line(1, mail, "10"), row(1, mail, "2.5", "16.67", "2026-06-01", "2026-06-20")),
		figures("units below 0 are no units: the credit is in the total alone", "Contoso 70.00 100.00 1200.00 140.00",
			june(line(2, hosting, ""), row(2, hosting, "-2", "-30", "2026-06-01", "2026-06-30"))...),
		figures("a row that tells nothing at all changes nothing", "Contoso 100.00 100.00 1200.00 200.00",
			june(row(0, 0, "", "", "", ""))...),
		figures("alone it is a row of today of no units: nothing is known", "default - - - -",
			line(1, mail, "10"), row(0, 0, "", "", "", "")),
		figures("an adjustment of the past that took off more than it cost", "Contoso 7.00 100.00 1200.00 9.00",
			june(row(1, mail, "1", "-100.01", "2026-05-01", "2026-05-31"), estimated("7", "9"))...),
		figures("an estimate below 0 and one that rounds to 0 leave it to the charges", "Contoso 30.00 - - 60.00",
			contractType(3), estimated("-5", "0.00004"), charge(licence, "30")),
		figures("a charge without a cost beside one with: the product without a vendor names nobody", "Contoso 5.00 - - 10.00",
			contractType(1), charge(licence, ""), charge(sundry, "5")),
	}
}

// oddContracts: what the contract and the catalogue tell, or do not.
func oddContracts() []contractFigures {
	return []contractFigures{
		figures("a contract of a one-time service has no month", "Contoso 100.00 - - 200.00; period_unknown",
			june(catalogued(mail, func(s *autotask.Service) { s.PeriodType = id(1) }))...),
		figures("nor has one whose service is gone from the catalogue; its row's stamp names the vendor", "Adatum 100.00 - - 200.00; period_unknown",
			line(1, 77, "10"), row(1, 77, "10", "100", "2026-06-01", "2026-06-30", vendorUnit(adatum))),
		figures("without an end, inactive or past its end: neither status nor dates of the contract count", "Contoso 100.00 100.00 1200.00 200.00",
			june(func(p *projection.ContractParts) { p.Contract.Status, p.Contract.EndDate = 0, date("2024-12-31") })...),
		figures("recurring, with nothing but an estimate", "default 1200.00 - - 1500.00",
			estimated("1200", "1500")),
		figures("recurring, with lines that were never billed: the catalogue's vendor and no month", "Fabrikam 1200.00 - - 1500.00",
			line(1, hosting, ""), estimated("1200", "1500")),
		figures("a row of another service than its contract line's is of its own: 60 a quarter", "Fabrikam 60.00 20.00 240.00 120.00",
			line(1, mail, "10"), row(1, backup, "3", "60", "2026-04-01", "2026-06-30")),
		figures("a service in a bundle and alone: Contoso 12 and 10 of 80, Fabrikam 20 of 80", "Contoso 92.00 92.00 1104.00 184.00",
			line(1, mail, "10"), row(1, mail, "1", "12", "2026-06-01", "2026-06-30"),
			bundleLine(1, suite), bundleRow(1, suite, "1", "80", "2026-06-01", "2026-06-30")),
		figures("a bundle of no services costs what it costs and names nobody", "default 40.00 40.00 480.00 80.00",
			contains(evenSuite, 0), bundleLine(1, evenSuite), bundleRow(1, evenSuite, "1", "40", "2026-06-01", "2026-06-30")),
		figures("a service that is twice in a bundle has two shares: of 90 Contoso 30, Fabrikam 60", "Fabrikam 90.00 90.00 1080.00 180.00",
			contains(evenSuite, hosting), bundleLine(1, evenSuite), bundleRow(1, evenSuite, "1", "90", "2026-06-01", "2026-06-30")),
		figures("what falls to a service that is gone falls to nobody: of 100 Contoso 50, against 60", "Adatum 160.00 160.00 1920.00 320.00",
			func(p *projection.ContractParts) { delete(p.Catalogue, hosting) }, bundleLine(1, evenSuite),
			bundleRow(1, evenSuite, "1", "100", "2026-06-01", "2026-06-30"), unit(mail, adatum, "60")),
		figures("a unit cost below 0 in a bundle has no share: all of 80 goes by what is above 0", "Contoso 80.00 80.00 960.00 160.00",
			catalogued(backup, func(s *autotask.Service) { s.UnitCost = money("-20") }), bundleRow(1, suite, "1", "80", "2026-06-01", "2026-06-30")),
		figures("a bundle that is cancelled beside one that is not", "Adatum 200.00 10.00 120.00 400.00",
			bundleRow(1, suite, "0", "80", "2026-06-01", "2026-06-30"), bundleRow(2, yearlySuite, "1", "120", "2026-01-01", "2026-12-31")),
		figures("a service line and a bundle line may have the same id", "Adatum 220.00 110.00 1320.00 440.00",
			line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"),
			bundleLine(1, yearlySuite), bundleRow(1, yearlySuite, "1", "120", "2026-01-01", "2026-12-31")),
		figures("the MSP itself may be a vendor: company 0", "Harbor Point IT 600.00 600.00 7200.00 1200.00",
			june(named(0, "Harbor Point IT"), row(2, mail, "1", "500", "2026-06-01", "2026-06-30", vendorUnit(0)))...),
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
