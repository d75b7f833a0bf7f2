package projection_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask"
	"channelsync/sync/projection"
	"channelsync/test/harness"
)

// Companies, services, bundles and products that the tables speak of.
const (
	contoso, fabrikam, adatum, ghost = 70, 71, 72, 79 // ghost cannot be read

	mail     = 1  // of Contoso, 10 a month
	backup   = 2  // of Fabrikam, 20 a quarter
	firewall = 3  // of Adatum, 120 a year
	labour   = 4  // of nobody, 50 a half-year
	heirloom = 5  // of ghost, 99 a month
	odd      = 6  // of Contoso, 1 in a period that nobody knows
	hosting  = 7  // of Fabrikam, a month, without a unit cost
	spare    = 8  // of Contoso, a month, without a unit cost
	lease    = 9  // of Adatum, a year, without a unit cost
	porter   = 10 // of nobody, a month, without a unit cost

	suite       = 50 // 80 a month: mail, backup, labour
	yearlySuite = 51 // 120 a year: firewall
	emptySuite  = 52 // nothing, in a period that nobody knows
	evenSuite   = 53 // a month, without a unit cost: spare, hosting
	thirdSuite  = 54 // a month, without a unit cost: spare, hosting, porter

	licence, appliance, cable, sundry = 90, 91, 92, 93 // products of Contoso, Adatum, Fabrikam and nobody

	dollars, euros = 1, 2 // dollars are the tenant's internal currency
)

var today = date("2026-06-15")

func date(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

// money is an amount; "" is a row that tells none.
func money(text string) *decimal.Decimal {
	if text == "" {
		return nil
	}
	return ptr(decimal.RequireFromString(text))
}

// id is an id; 0 is a row that tells none.
func id(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

type change func(*projection.ContractParts)

// recurring is the contract of the reference (autotask-rest.md, 5.1) with a
// catalogue behind it and no line on it.
func recurring(changes ...change) projection.ContractParts {
	service := func(n, vendor, period int64, cost string) autotask.Service {
		return autotask.Service{ID: n, UnitCost: money(cost), VendorCompanyID: id(vendor), PeriodType: id(period)}
	}
	bundle := func(n, period int64, cost string) autotask.ServiceBundle {
		return autotask.ServiceBundle{ID: n, UnitCost: money(cost), PeriodType: id(period)}
	}
	p := projection.ContractParts{
		Contract: autotask.Contract{
			ID: 29684183, CompanyID: 29683616, ContractName: "Managed M365", ContractType: 7, Status: 1,
			EstimatedCost: money("0.0000"), EstimatedRevenue: money("0.0000"),
		},
		ClientName: "Northwind Dental",
		Catalogue: map[int64]autotask.Service{
			mail: service(mail, contoso, 2, "10"), backup: service(backup, fabrikam, 3, "20"),
			firewall: service(firewall, adatum, 5, "120"), labour: service(labour, 0, 4, "50"),
			heirloom: service(heirloom, ghost, 2, "99"), odd: service(odd, contoso, 0, "1"),
			hosting: service(hosting, fabrikam, 2, ""), spare: service(spare, contoso, 2, ""),
			lease: service(lease, adatum, 5, ""), porter: service(porter, 0, 2, ""),
		},
		BundleCatalogue: map[int64]autotask.ServiceBundle{
			suite: bundle(suite, 2, "80"), yearlySuite: bundle(yearlySuite, 5, "120"), emptySuite: bundle(emptySuite, 0, ""),
			evenSuite: bundle(evenSuite, 2, ""), thirdSuite: bundle(thirdSuite, 2, ""),
		},
		Products: map[int64]autotask.Product{
			licence: {ID: licence, DefaultVendorID: id(contoso)}, appliance: {ID: appliance, DefaultVendorID: id(adatum)},
			cable: {ID: cable}, sundry: {ID: sundry},
		},
		ProductVendors: []autotask.ProductVendor{
			{ID: 1, ProductID: cable, VendorID: fabrikam, IsDefault: true, IsActive: true},
			{ID: 2, ProductID: cable, VendorID: contoso, IsActive: true},
		},
		VendorNames: map[int64]string{contoso: "Contoso", fabrikam: "Fabrikam", adatum: "Adatum"},
		Currency:    "USD", CurrencyKnown: true, InternalCurrency: id(dollars), CostsReadable: true, Today: today,
	}
	for of, services := range map[int64][]int64{
		suite: {mail, backup, labour}, yearlySuite: {firewall}, evenSuite: {spare, hosting}, thirdSuite: {spare, hosting, porter},
	} {
		for _, s := range services {
			p.BundleServices = append(p.BundleServices, autotask.ServiceBundleService{ID: of*100 + s, ServiceBundleID: of, ServiceID: s})
		}
	}
	for _, c := range changes {
		c(&p)
	}
	return p
}

// on makes it another day.
func on(day string) change {
	return func(p *projection.ContractParts) { p.Today = date(day) }
}

func contractType(n int64) change {
	return func(p *projection.ContractParts) { p.Contract.ContractType = n }
}

func estimated(cost, revenue string) change {
	return func(p *projection.ContractParts) {
		p.Contract.EstimatedCost, p.Contract.EstimatedRevenue = money(cost), money(revenue)
	}
}

// line is a service line of the contract.
func line(n, service int64, unitCost string) change {
	return func(p *projection.ContractParts) {
		p.Services = append(p.Services, autotask.ContractService{ID: n, ServiceID: service, UnitCost: money(unitCost)})
	}
}

func bundleLine(n, bundle int64) change {
	return func(p *projection.ContractParts) {
		p.Bundles = append(p.Bundles, autotask.ContractServiceBundle{ID: n, ServiceBundleID: bundle})
	}
}

type unitChange func(*autotask.ContractServiceUnit)

// row is a unit row of a service line; 0 and "" are what it does not tell. The customer
// pays twice the cost, in the customer's currency.
func row(of, service int64, units, cost, from, to string, changes ...unitChange) change {
	return func(p *projection.ContractParts) {
		u := autotask.ContractServiceUnit{
			ID: 1000 + int64(len(p.Units)), ContractServiceID: id(of), ServiceID: id(service), Units: money(units), Cost: money(cost),
			StartDate: date(from), EndDate: date(to),
		}
		if u.Cost != nil {
			u.Price = ptr(u.Cost.Mul(decimal.NewFromInt(2)))
		}
		for _, c := range changes {
			c(&u)
		}
		p.Units = append(p.Units, u)
	}
}

// vendorUnit is a row that tells its vendor.
func vendorUnit(vendor int64) unitChange {
	return func(u *autotask.ContractServiceUnit) { u.VendorCompanyID = &vendor }
}

// priced is a row with prices in the customer's and in the tenant's currency.
func priced(customers, internal string) unitChange {
	return func(u *autotask.ContractServiceUnit) {
		u.Price, u.InternalCurrencyPrice = money(customers), money(internal)
	}
}

func numbered(n int64) unitChange {
	return func(u *autotask.ContractServiceUnit) { u.ID = n }
}

func bundleRow(of, bundle int64, units, cost, from, to string) change {
	return func(p *projection.ContractParts) {
		u := autotask.ContractServiceBundleUnit{
			ID: 2000 + int64(len(p.BundleUnits)), ContractServiceBundleID: id(of), ServiceBundleID: id(bundle), Units: money(units),
			Cost: money(cost), StartDate: date(from), EndDate: date(to),
		}
		if u.Cost != nil {
			u.Price = ptr(u.Cost.Mul(decimal.NewFromInt(2)))
		}
		p.BundleUnits = append(p.BundleUnits, u)
	}
}

// unit is a line of its own with one unit over June; vendor 0 is a row that does not tell it.
func unit(service, vendor int64, cost string) change {
	return func(p *projection.ContractParts) {
		var changes []unitChange
		if vendor != 0 {
			changes = append(changes, vendorUnit(vendor))
		}
		row(500+int64(len(p.Units)), service, "1", cost, "2026-06-01", "2026-06-30", changes...)(p)
	}
}

// bundleUnit is a bundle line of its own with one unit over June.
func bundleUnit(bundle int64, cost string) change {
	return func(p *projection.ContractParts) {
		bundleRow(600+int64(len(p.BundleUnits)), bundle, "1", cost, "2026-06-01", "2026-06-30")(p)
	}
}

// charge is billed at twice its cost in the customer's currency; product 0 is a charge without one.
func charge(product int64, cost string) change {
	return func(p *projection.ContractParts) {
		c := autotask.ContractCharge{ID: 5000 + int64(len(p.Charges)), ProductID: id(product), ExtendedCost: money(cost)}
		if c.ExtendedCost != nil {
			c.BillableAmount = ptr(c.ExtendedCost.Mul(decimal.NewFromInt(2)))
		}
		p.Charges = append(p.Charges, c)
	}
}

// billed is a charge with amounts in the customer's and in the tenant's currency.
func billed(customers, internal string) change {
	return func(p *projection.ContractParts) {
		p.Charges = append(p.Charges, autotask.ContractCharge{
			ID: 5000 + int64(len(p.Charges)), BillableAmount: money(customers), InternalCurrencyBillableAmount: money(internal),
		})
	}
}

// paysIn is the currency of the contract's company; 0 is one that does not tell it.
func paysIn(currency int64) change {
	return func(p *projection.ContractParts) { p.CompanyCurrency = id(currency) }
}

func named(vendor int64, name string) change {
	return func(p *projection.ContractParts) { p.VendorNames[vendor] = name }
}

func option(cost string) change {
	return func(p *projection.ContractParts) { p.Options.OverallCost = cost }
}

func costsHidden(p *projection.ContractParts) { p.CostsReadable = false }

func project(t testing.TB, changes ...change) projection.ContractProjection {
	t.Helper()
	got, err := projection.Contract(recurring(changes...))
	harness.OK(t, err)
	return got
}

// cost is the overall cost of a projection; "" when it is not known.
func cost(p projection.ContractProjection) string {
	if p.Input.OverallCost == nil {
		return ""
	}
	return p.Input.OverallCost.Amount
}
