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
		{
			fact:   "a row that ends before it starts is in force on no day; the total has it",
			parts:  june(row(1, mail, "4", "40", "2026-06-30", "2026-06-01")),
			vendor: "Contoso", total: "140.00", monthly: "100.00", annual: "1200.00", price: "280.00",
		},
		{
			fact:   "nor is it when it is the only one",
			parts:  []change{line(1, mail, "10"), row(1, mail, "4", "40", "2026-06-30", "2026-06-01")},
			vendor: "default", total: "40.00", price: "80.00",
		},
		{
			fact:   "a row of one day, and that is today: 3 units × 10",
			parts:  []change{line(1, mail, "10"), row(1, mail, "3", "1", "2026-06-15", "2026-06-15")},
			vendor: "Contoso", total: "1.00", monthly: "30.00", annual: "360.00", price: "2.00",
		},
		{
			fact:   "a quarter from 30 November ends on 27 February, the day before the last of February: 66 ÷ 3",
			parts:  []change{on("2026-01-15"), line(1, backup, "20"), row(1, backup, "3", "66", "2025-11-30", "2026-02-27")},
			vendor: "Fabrikam", total: "66.00", monthly: "22.00", annual: "264.00", price: "132.00",
		},
		{
			fact:   "a day less is a part of it: 3 units × 20 ÷ 3",
			parts:  []change{on("2026-01-15"), line(1, backup, "20"), row(1, backup, "3", "66", "2025-11-30", "2026-02-26")},
			vendor: "Fabrikam", total: "66.00", monthly: "20.00", annual: "240.00", price: "132.00",
		},
		{
			fact:   "a half-year from 31 August ends on 27 February: 306 ÷ 6",
			parts:  []change{on("2026-01-15"), line(1, labour, "50"), row(1, labour, "6", "306", "2025-08-31", "2026-02-27")},
			vendor: "default", total: "306.00", monthly: "51.00", annual: "612.00", price: "612.00",
		},
		{
			fact:   "February of a leap year has 29 days",
			parts:  []change{on("2024-02-29"), line(1, mail, "10"), row(1, mail, "10", "110", "2024-02-01", "2024-02-29")},
			vendor: "Contoso", total: "110.00", monthly: "110.00", annual: "1320.00", price: "220.00",
		},
		{
			fact:   "of which 28 are a part: 10 units × 10",
			parts:  []change{on("2024-02-28"), line(1, mail, "10"), row(1, mail, "10", "96.5517", "2024-02-01", "2024-02-28")},
			vendor: "Contoso", total: "96.5517", monthly: "100.00", annual: "1200.00", price: "193.1034",
		},
		{
			fact:   "a year over a leap day is a year: 1 March 2023 to 29 February 2024",
			parts:  []change{on("2024-02-29"), line(1, firewall, "120"), row(1, firewall, "1", "132", "2023-03-01", "2024-02-29")},
			vendor: "Adatum", total: "132.00", monthly: "11.00", annual: "132.00", price: "264.00",
		},
		{
			fact:   "31 January to 2 March: three days more than to 27 February",
			parts:  []change{on("2026-02-10"), line(1, mail, "10"), row(1, mail, "3", "33", "2026-01-31", "2026-03-02")},
			vendor: "Contoso", total: "33.00", monthly: "33.00", annual: "396.00", price: "66.00",
		},
		{
			fact:   "to 3 March they are four: 3 units × 10",
			parts:  []change{on("2026-02-10"), line(1, mail, "10"), row(1, mail, "3", "33", "2026-01-31", "2026-03-03")},
			vendor: "Contoso", total: "33.00", monthly: "30.00", annual: "360.00", price: "66.00",
		},
		{
			fact:   "a row without a start that has ended: its last day stands for today, 10 units × 10",
			parts:  []change{line(1, mail, "10"), row(1, mail, "10", "700", "", "2026-05-31")},
			vendor: "Contoso", total: "700.00", monthly: "100.00", annual: "1200.00", price: "1400.00",
		},
		{
			fact:   "a row without an end that has not begun: its first day does",
			parts:  []change{line(1, mail, "10"), row(1, mail, "10", "700", "2026-07-01", "")},
			vendor: "Contoso", total: "700.00", monthly: "100.00", annual: "1200.00", price: "1400.00",
		},
		{
			fact:   "of two rows without an end the one that starts later counts: 12 units × 10",
			parts:  []change{line(1, mail, "10"), row(1, mail, "10", "100", "2026-01-01", ""), row(1, mail, "12", "120", "2026-06-15", "")},
			vendor: "Contoso", total: "220.00", monthly: "120.00", annual: "1440.00", price: "440.00",
		},
		{
			fact:   "a row with a start goes before one without",
			parts:  []change{line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), row(1, mail, "99", "990", "", "", numbered(9999))},
			vendor: "Contoso", total: "1090.00", monthly: "100.00", annual: "1200.00", price: "2180.00",
		},
		{
			fact: "a line of a quarter beside one of a month, both adjusted today: 12 × 10 + 6 × 20 ÷ 3",
			parts: []change{
				line(1, mail, "10"), row(1, mail, "10", "50", "2026-06-01", "2026-06-15"), row(1, mail, "12", "64", "2026-06-15", "2026-06-30"),
				line(2, backup, "20"), row(2, backup, "3", "50.11", "2026-04-01", "2026-06-15"), row(2, backup, "6", "21.10", "2026-06-15", "2026-06-30"),
			},
			vendor: "Contoso", total: "185.21", monthly: "160.00", annual: "1920.00", price: "370.42",
		},
	}
}

// oddAmounts: numbers at the edges of what is added up and of what the target takes.
func oddAmounts() []contractFigures {
	return []contractFigures{
		{
			fact: "amounts are rounded once: 33.33335 twice is 66.6667",
			parts: []change{
				row(1, mail, "1", "33.33335", "2026-06-01", "2026-06-30"), row(2, mail, "1", "33.33335", "2026-06-01", "2026-06-30"),
			},
			vendor: "Contoso", total: "66.6667", monthly: "66.6667", annual: "800.0004", price: "133.3334",
		},
		{
			fact:   "half of the last place goes to the even one: 0.00025 is 0.0002",
			parts:  []change{row(1, mail, "1", "0.00025", "2026-06-01", "2026-06-30")},
			vendor: "Contoso", total: "0.0002", monthly: "0.0002", annual: "0.003", price: "0.0005",
		},
		{
			fact:   "a cost that rounds to nothing leaves it to the estimate; 12 of it are something",
			parts:  []change{row(1, mail, "1", "0.00005", "2026-06-01", "2026-06-30"), estimated("7", "9")},
			vendor: "Contoso", total: "7.00", annual: "0.0006", price: "0.0001",
		},
		{
			fact:   "15 digits before the point are taken, 16 are not",
			parts:  []change{row(1, mail, "1", "999999999999999.9999", "2026-06-01", "2026-06-30", priced("1", "1"))},
			vendor: "Contoso", total: "999999999999999.9999", monthly: "999999999999999.9999", price: "1.00", issues: []string{"cost_out_of_range"},
		},
		{
			fact:   "nor what rounds to 16",
			parts:  []change{row(1, mail, "1", "999999999999999.99999", "2026-06-01", "2026-06-30", priced("1", "1"))},
			vendor: "Contoso", price: "1.00", issues: []string{"cost_out_of_range"},
		},
		{
			fact:   "an absurd number of units at an absurd unit cost is out of range, not an overflow",
			parts:  []change{line(1, mail, "987654321987654321"), row(1, mail, "9223372036854775807", "5", "2026-06-01", "2026-06-20")},
			vendor: "Contoso", total: "5.00", price: "10.00", issues: []string{"cost_out_of_range"},
		},
		{
			fact:   "units with a fraction: 2.5 × 10 for a part of a month",
			parts:  []change{line(1, mail, "10"), row(1, mail, "2.5", "16.67", "2026-06-01", "2026-06-20")},
			vendor: "Contoso", total: "16.67", monthly: "25.00", annual: "300.00", price: "33.34",
		},
		{
			fact:   "units below 0 are no units: the credit is in the total alone",
			parts:  june(line(2, hosting, ""), row(2, hosting, "-2", "-30", "2026-06-01", "2026-06-30")),
			vendor: "Contoso", total: "70.00", monthly: "100.00", annual: "1200.00", price: "140.00",
		},
		{
			fact:   "a row that tells nothing at all changes nothing",
			parts:  june(row(0, 0, "", "", "", "")),
			vendor: "Contoso", total: "100.00", monthly: "100.00", annual: "1200.00", price: "200.00",
		},
		{
			fact:   "alone it is a row of today of no units: nothing is known",
			parts:  []change{line(1, mail, "10"), row(0, 0, "", "", "", "")},
			vendor: "default",
		},
		{
			fact:   "an adjustment of the past that took off more than it cost",
			parts:  june(row(1, mail, "1", "-100.01", "2026-05-01", "2026-05-31"), estimated("7", "9")),
			vendor: "Contoso", total: "7.00", monthly: "100.00", annual: "1200.00", price: "9.00",
		},
		{
			fact:   "an estimate below 0 and one that rounds to 0 leave it to the charges",
			parts:  []change{contractType(3), estimated("-5", "0.00004"), charge(licence, "30")},
			vendor: "Contoso", total: "30.00", price: "60.00",
		},
		{
			fact:   "a charge without a cost beside one with: the product without a vendor names nobody",
			parts:  []change{contractType(1), charge(licence, ""), charge(sundry, "5")},
			vendor: "Contoso", total: "5.00", price: "10.00",
		},
	}
}

// oddContracts: what the contract and the catalogue tell, or do not.
func oddContracts() []contractFigures {
	return []contractFigures{
		{
			fact:   "a contract of a one-time service has no month",
			parts:  june(catalogued(mail, func(s *autotask.Service) { s.PeriodType = id(1) })),
			vendor: "Contoso", total: "100.00", price: "200.00", issues: []string{"period_unknown"},
		},
		{
			fact:   "nor has one whose service is gone from the catalogue; its row's stamp names the vendor",
			parts:  []change{line(1, 77, "10"), row(1, 77, "10", "100", "2026-06-01", "2026-06-30", vendorUnit(adatum))},
			vendor: "Adatum", total: "100.00", price: "200.00", issues: []string{"period_unknown"},
		},
		{
			fact:   "without an end, inactive or past its end: neither status nor dates of the contract count",
			parts:  june(func(p *projection.ContractParts) { p.Contract.Status, p.Contract.EndDate = 0, date("2024-12-31") }),
			vendor: "Contoso", total: "100.00", monthly: "100.00", annual: "1200.00", price: "200.00",
		},
		{
			fact:   "recurring, with nothing but an estimate",
			parts:  []change{estimated("1200", "1500")},
			vendor: "default", total: "1200.00", price: "1500.00",
		},
		{
			fact:   "recurring, with lines that were never billed: the catalogue's vendor and no month",
			parts:  []change{line(1, hosting, ""), estimated("1200", "1500")},
			vendor: "Fabrikam", total: "1200.00", price: "1500.00",
		},
		{
			fact:   "a row of another service than its contract line's is of its own: 60 a quarter",
			parts:  []change{line(1, mail, "10"), row(1, backup, "3", "60", "2026-04-01", "2026-06-30")},
			vendor: "Fabrikam", total: "60.00", monthly: "20.00", annual: "240.00", price: "120.00",
		},
		{
			fact: "a service in a bundle and alone: Contoso 12 and 10 of 80, Fabrikam 20 of 80",
			parts: []change{
				line(1, mail, "10"), row(1, mail, "1", "12", "2026-06-01", "2026-06-30"),
				bundleLine(1, suite), bundleRow(1, suite, "1", "80", "2026-06-01", "2026-06-30"),
			},
			vendor: "Contoso", total: "92.00", monthly: "92.00", annual: "1104.00", price: "184.00",
		},
		{
			fact:   "a bundle of no services costs what it costs and names nobody",
			parts:  []change{contains(evenSuite, 0), bundleLine(1, evenSuite), bundleRow(1, evenSuite, "1", "40", "2026-06-01", "2026-06-30")},
			vendor: "default", total: "40.00", monthly: "40.00", annual: "480.00", price: "80.00",
		},
		{
			fact:   "a service that is twice in a bundle has two shares: of 90 Contoso 30, Fabrikam 60",
			parts:  []change{contains(evenSuite, hosting), bundleLine(1, evenSuite), bundleRow(1, evenSuite, "1", "90", "2026-06-01", "2026-06-30")},
			vendor: "Fabrikam", total: "90.00", monthly: "90.00", annual: "1080.00", price: "180.00",
		},
		{
			fact: "what falls to a service that is gone falls to nobody: of 100 Contoso 50, against 60",
			parts: []change{
				func(p *projection.ContractParts) { delete(p.Catalogue, hosting) }, bundleLine(1, evenSuite),
				bundleRow(1, evenSuite, "1", "100", "2026-06-01", "2026-06-30"), unit(mail, adatum, "60"),
			},
			vendor: "Adatum", total: "160.00", monthly: "160.00", annual: "1920.00", price: "320.00",
		},
		{
			fact:   "a unit cost below 0 in a bundle has no share: all of 80 goes by what is above 0",
			parts:  []change{catalogued(backup, func(s *autotask.Service) { s.UnitCost = money("-20") }), bundleRow(1, suite, "1", "80", "2026-06-01", "2026-06-30")},
			vendor: "Contoso", total: "80.00", monthly: "80.00", annual: "960.00", price: "160.00",
		},
		{
			fact:   "a bundle that is cancelled beside one that is not",
			parts:  []change{bundleRow(1, suite, "0", "80", "2026-06-01", "2026-06-30"), bundleRow(2, yearlySuite, "1", "120", "2026-01-01", "2026-12-31")},
			vendor: "Adatum", total: "200.00", monthly: "10.00", annual: "120.00", price: "400.00",
		},
		{
			fact: "a service line and a bundle line may have the same id",
			parts: []change{
				line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"),
				bundleLine(1, yearlySuite), bundleRow(1, yearlySuite, "1", "120", "2026-01-01", "2026-12-31"),
			},
			vendor: "Adatum", total: "220.00", monthly: "110.00", annual: "1320.00", price: "440.00",
		},
		{
			fact:   "the MSP itself may be a vendor: company 0",
			parts:  june(named(0, "Harbor Point IT"), row(2, mail, "1", "500", "2026-06-01", "2026-06-30", vendorUnit(0))),
			vendor: "Harbor Point IT", total: "600.00", monthly: "600.00", annual: "7200.00", price: "1200.00",
		},
	}
}
