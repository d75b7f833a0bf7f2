package projection_test

import "channelsync/sync/projection"

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
