package projection_test

import "channelsync/sync/projection"

// vendorsOfLines: the row's vendor, else the service's; a bundle shares its cost out.
func vendorsOfLines() []contractFigures {
	return []contractFigures{
		{
			fact:   "the vendor on the row goes before the service's",
			parts:  []change{line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30", vendorUnit(adatum))},
			vendor: "Adatum", total: "100.00", monthly: "100.00", annual: "1200.00", price: "200.00",
		},
		{
			fact: "a row without one competes by its service's: 120 against 100",
			parts: []change{
				line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30", vendorUnit(adatum)),
				line(2, hosting, ""), row(2, hosting, "1", "120", "2026-06-01", "2026-06-30"),
			},
			vendor: "Fabrikam", total: "220.00", monthly: "220.00", annual: "2640.00", price: "440.00",
		},
		{
			fact: "a vendor's lines are added up: 60 + 50 against 100",
			parts: []change{
				line(1, mail, "10"), row(1, mail, "6", "60", "2026-06-01", "2026-06-30"), line(2, spare, ""),
				row(2, spare, "1", "50", "2026-06-01", "2026-06-30"), line(3, hosting, ""), row(3, hosting, "1", "100", "2026-06-01", "2026-06-30"),
			},
			vendor: "Contoso", total: "210.00", monthly: "210.00", annual: "2520.00", price: "420.00",
		},
		{
			fact: "equal sums go to the lowest company id",
			parts: []change{
				line(1, hosting, ""), row(1, hosting, "1", "100", "2026-06-01", "2026-06-30"), line(2, mail, "10"),
				row(2, mail, "10", "100.00", "2026-06-01", "2026-06-30"),
			},
			vendor: "Contoso", total: "200.00", monthly: "200.00", annual: "2400.00", price: "400.00",
		},
		{
			fact: "a vendor that cannot be read is passed over for the next",
			parts: []change{
				line(1, heirloom, "99"), row(1, heirloom, "1", "99", "2026-06-01", "2026-06-30"), line(2, mail, "10"),
				row(2, mail, "1", "10", "2026-06-01", "2026-06-30"),
			},
			vendor: "Contoso", total: "109.00", monthly: "109.00", annual: "1308.00", price: "218.00", issues: []string{"vendor_name_unknown"},
		},
		{
			fact:   "a bundle shares its row's cost by its services' unit costs: of 80 Contoso 10, Fabrikam 20, nobody 50",
			parts:  []change{bundleLine(1, suite), bundleRow(1, suite, "1", "80", "2026-06-01", "2026-06-30")},
			vendor: "Fabrikam", total: "80.00", monthly: "80.00", annual: "960.00", price: "160.00",
		},
		{
			fact: "services and bundles compete together: 30 and 160 × 10 ÷ 80 against 160 × 20 ÷ 80",
			parts: []change{
				line(1, mail, "10"), row(1, mail, "3", "30", "2026-06-01", "2026-06-30"),
				bundleLine(1, suite), bundleRow(1, suite, "2", "160", "2026-06-01", "2026-06-30"),
			},
			vendor: "Contoso", total: "190.00", monthly: "190.00", annual: "2280.00", price: "380.00",
		},
		{
			fact:   "without unit costs a bundle shares evenly: 50 each, and the lowest id wins",
			parts:  []change{bundleLine(1, evenSuite), bundleRow(1, evenSuite, "1", "100", "2026-06-01", "2026-06-30")},
			vendor: "Contoso", total: "100.00", monthly: "100.00", annual: "1200.00", price: "200.00",
		},
		{
			fact: "shares are exact: three thirds of 10 are as much as 10",
			parts: []change{
				bundleRow(1, thirdSuite, "1", "10", "2026-06-01", "2026-06-30"), bundleRow(2, thirdSuite, "1", "10", "2026-06-01", "2026-06-30"),
				bundleRow(3, thirdSuite, "1", "10", "2026-06-01", "2026-06-30"), unit(mail, adatum, "10"),
			},
			vendor: "Contoso", total: "40.00", monthly: "40.00", annual: "480.00", price: "80.00",
		},
		{
			fact:   "a yearly bundle: 240 by 12 months",
			parts:  []change{bundleLine(1, yearlySuite), bundleRow(1, yearlySuite, "2", "240", "2026-01-01", "2026-12-31")},
			vendor: "Adatum", total: "240.00", monthly: "20.00", annual: "240.00", price: "480.00",
		},
		{
			fact:   "a contract without any unit row: the contract lines' unit costs decide",
			parts:  []change{line(1, mail, "30"), line(2, backup, "5")},
			vendor: "Contoso",
		},
		{
			fact:   "else the catalogue's: 20 over 10",
			parts:  []change{line(1, mail, ""), line(2, backup, "")},
			vendor: "Fabrikam",
		},
		{
			fact:   "its bundles weigh with them: 15 and 80 × 10 ÷ 80 against 80 × 20 ÷ 80",
			parts:  []change{line(1, mail, "15"), bundleLine(1, suite)},
			vendor: "Contoso",
		},
		{
			fact:   "lines in force that name nobody leave it to the charges",
			parts:  []change{line(1, labour, "50"), row(1, labour, "6", "300", "2026-01-01", "2026-06-30"), charge(licence, "5")},
			vendor: "Contoso", total: "300.00", monthly: "50.00", annual: "600.00", price: "600.00",
		},
		{
			fact:   "cancelled lines too, and never to the services",
			parts:  []change{line(1, mail, "10"), row(1, mail, "0", "0", "2026-06-01", "2026-06-30"), charge(appliance, "5")},
			vendor: "Adatum", total: "5.00", price: "10.00",
		},
		{
			fact:   "charges weigh by their cost: 6 over 5",
			parts:  []change{contractType(1), charge(licence, "5"), charge(appliance, "6"), charge(0, "100")},
			vendor: "Adatum", total: "111.00", price: "222.00",
		},
	}
}

// otherTypes: estimates and charges.
func otherTypes() []contractFigures {
	return []contractFigures{
		{fact: "nothing is known: null, never 0", vendor: "default"},
		{
			fact:   "time and materials: the estimate",
			parts:  []change{contractType(1), estimated("500.5", "900")},
			vendor: "default", total: "500.50", price: "900.00",
		},
		{
			fact:   "unit rows of other types than 7 are no total, but what is in force costs a month",
			parts:  []change{contractType(1), line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30")},
			vendor: "Contoso", monthly: "100.00", annual: "1200.00",
		},
		{
			fact: "unit rows that cost nothing leave it to the estimate; a month does not",
			parts: []change{
				line(1, mail, "10"), row(1, mail, "10", "0", "2026-06-01", "2026-06-30"), estimated("1200", "1500"),
			},
			vendor: "Contoso", total: "1200.00", price: "1500.00",
		},
		{
			fact:   "a line without a known period makes the month unknown, never guessed",
			parts:  []change{line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), line(2, odd, "1"), row(2, odd, "1", "1", "2026-06-01", "2026-06-30")},
			vendor: "Contoso", total: "101.00", price: "202.00", issues: []string{"period_unknown"},
		},
		{
			fact:   "even if its row costs nothing",
			parts:  []change{line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), line(2, odd, "1"), row(2, odd, "1", "", "2026-06-01", "2026-06-30")},
			vendor: "Contoso", total: "100.00", price: "200.00", issues: []string{"period_unknown"},
		},
		{
			fact:   "but not when it has no units",
			parts:  []change{line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30"), line(2, odd, "1"), row(2, odd, "0", "1", "2026-06-01", "2026-06-30")},
			vendor: "Contoso", total: "101.00", monthly: "100.00", annual: "1200.00", price: "202.00",
		},
		{
			fact:   "a bundle without a known period does the same",
			parts:  []change{bundleLine(1, emptySuite), bundleRow(1, emptySuite, "1", "5", "2026-06-01", "2026-06-30")},
			vendor: "default", total: "5.00", price: "10.00", issues: []string{"period_unknown"},
		},
		{
			fact: "three quarters of a third are a whole: 1 ÷ 3 × 3",
			parts: []change{
				row(1, backup, "1", "1", "2026-04-01", "2026-06-30"), row(2, backup, "1", "1", "2026-04-01", "2026-06-30"),
				row(3, backup, "1", "1", "2026-04-01", "2026-06-30"),
			},
			vendor: "Fabrikam", total: "3.00", monthly: "1.00", annual: "12.00", price: "6.00",
		},
		{
			fact:   "a half goes to the even neighbour, here down to nothing: 0.0006 ÷ 12 = 0.00005",
			parts:  []change{row(1, firewall, "1", "0.0006", "2026-01-01", "2026-12-31")},
			vendor: "Adatum", total: "0.0006", annual: "0.0006", price: "0.0012",
		},
		{
			fact:   "and here up: 0.0018 ÷ 12 = 0.00015",
			parts:  []change{row(1, firewall, "1", "0.0018", "2026-01-01", "2026-12-31")},
			vendor: "Adatum", total: "0.0018", monthly: "0.0002", annual: "0.0018", price: "0.0036",
		},
		{
			fact:   "without the right to read costs they are not known, not even where a row shows one; prices are",
			parts:  []change{costsHidden, line(1, mail, "10"), row(1, mail, "10", "100", "2026-06-01", "2026-06-30")},
			vendor: "Contoso", price: "200.00", issues: []string{"costs_unreadable"},
		},
	}
}

// currencies: costs are in the tenant's internal currency, prices in the customer's.
func currencies() []contractFigures {
	june := func(n int64, changes ...unitChange) change {
		return row(n, mail, "1", "10", "2026-06-01", "2026-06-30", changes...)
	}
	unknown := []string{"price_currency_unknown"}
	figures := func(fact, price string, issues []string, parts ...change) contractFigures {
		return contractFigures{
			fact: fact, parts: append([]change{line(1, mail, "10")}, parts...), vendor: "Contoso", total: "10.00", monthly: "10.00",
			annual: "120.00", price: price, issues: issues,
		}
	}
	two := func(f contractFigures) contractFigures { // two lines of 10
		f.total, f.monthly, f.annual = "20.00", "20.00", "240.00"
		return f
	}
	return []contractFigures{
		figures("a customer of another currency: 50 euros are 54.35 dollars, as the row tells", "54.35", nil, paysIn(euros), june(1, priced("50", "54.35"))),
		figures("where the row does not tell it, euros are never labelled as dollars", "", unknown, paysIn(euros), june(1, priced("50", ""))),
		figures("a customer of the tenant's own currency: the price is in it", "50.00", nil, paysIn(dollars), june(1, priced("50", ""))),
		figures("a customer without a currency has that one", "50.00", nil, paysIn(0), june(1, priced("50", ""))),
		figures("the internal price goes before the customer's even then", "49.00", nil, paysIn(dollars), june(1, priced("50", "49"))),
		figures("an internal price of 0 is one", "", nil, paysIn(dollars), june(1, priced("50", "0"))),
		two(figures("one row in euros alone makes the sum unknown", "", unknown, paysIn(euros), june(1, priced("50", "54.35")), june(2, priced("50", "")))),
		two(figures("a row of no price does not", "54.35", nil, paysIn(euros), june(1, priced("50", "54.35")), june(2, priced("0", "")))),
		two(figures("nor does one that tells none", "54.35", nil, paysIn(euros), june(1, priced("50", "54.35")), june(2, priced("", "")))),
		two(figures("a credit in euros takes off nobody knows how much", "", unknown, paysIn(euros), june(1, priced("50", "54.35")), june(2, priced("-20", "")))),
		figures("credits in euros alone are nothing above zero, whatever they come to; charges follow", "30.00", nil,
			paysIn(euros), june(1, priced("-20", "")), billed("28", "30")),
		figures("the revenue has no figure in the tenant's currency: 900 euros end the search, although a charge tells dollars", "", unknown,
			paysIn(euros), june(1, priced("0", "0")), estimated("0", "900"), billed("28", "30")),
		figures("a price that is known goes before it", "54.35", nil, paysIn(euros), june(1, priced("50", "54.35")), estimated("0", "900")),
		figures("the revenue of a customer of the own currency counts", "900.00", nil, paysIn(dollars), june(1, priced("0", "")), estimated("0", "900")),
		figures("charges tell dollars: 30, not 28 euros", "30.00", nil, paysIn(euros), june(1, priced("0", "0")), billed("28", "30")),
		figures("or do not", "", unknown, paysIn(euros), june(1, priced("0", "0")), billed("28", "")),
		figures("when the tenant's currency cannot be read, a customer's is not known to be it", "", unknown,
			paysIn(dollars), june(1, priced("50", "")), func(p *projection.ContractParts) { p.InternalCurrency = nil }),
		figures("and a customer without one still has it", "50.00", nil,
			june(1, priced("50", "")), func(p *projection.ContractParts) { p.InternalCurrency = nil }),
	}
}
