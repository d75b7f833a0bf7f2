package projection_test

import (
	"channelsync/api/autotask"
	"channelsync/sync/projection"
)

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
