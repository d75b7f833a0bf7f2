package projection_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask"
	"channelsync/sync/projection"
)

// Companies, services, bundles and products that the tables speak of.
const (
	contoso, fabrikam, adatum, ghost = 70, 71, 72, 79 // ghost cannot be read

	mail, backup, firewall, labour, heirloom, odd = 1, 2, 3, 4, 5, 6 // services
	suite, yearlySuite, emptySuite                = 50, 51, 52       // bundles
	licence, appliance, cable, sundry             = 90, 91, 92, 93   // products
)

var today = time.Date(2026, 6, 15, 13, 45, 0, 0, time.UTC)

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

// money is an amount; "" is a row that carries none.
func money(text string) *decimal.Decimal {
	if text == "" {
		return nil
	}
	return ptr(decimal.RequireFromString(text))
}

type change func(*projection.ContractParts)

// recurring is the contract of the reference (autotask-rest.md, 5.1) with a
// catalogue behind it and no line on it.
func recurring(changes ...change) projection.ContractParts {
	service := func(id, vendor, period int64, cost string) autotask.Service {
		s := autotask.Service{ID: id, UnitCost: money(cost)}
		if vendor != 0 {
			s.VendorCompanyID = &vendor
		}
		if period != 0 {
			s.PeriodType = &period
		}
		return s
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
		},
		BundleCatalogue: map[int64]autotask.ServiceBundle{
			suite: {ID: suite, PeriodType: ptr(int64(2))}, yearlySuite: {ID: yearlySuite, PeriodType: ptr(int64(5))},
			emptySuite: {ID: emptySuite},
		},
		BundleServices: []autotask.ServiceBundleService{
			{ID: 1, ServiceBundleID: suite, ServiceID: mail},
			{ID: 2, ServiceBundleID: suite, ServiceID: backup},
			{ID: 3, ServiceBundleID: suite, ServiceID: labour},
			{ID: 4, ServiceBundleID: yearlySuite, ServiceID: firewall},
		},
		Products: map[int64]autotask.Product{
			licence: {ID: licence, DefaultVendorID: ptr(int64(contoso))}, appliance: {ID: appliance, DefaultVendorID: ptr(int64(adatum))},
			cable: {ID: cable}, sundry: {ID: sundry},
		},
		ProductVendors: []autotask.ProductVendor{
			{ID: 1, ProductID: cable, VendorID: fabrikam, IsDefault: true, IsActive: true},
			{ID: 2, ProductID: cable, VendorID: contoso, IsActive: true},
		},
		VendorNames: map[int64]string{contoso: "Contoso", fabrikam: "Fabrikam", adatum: "Adatum"},
		Currency:    "USD", CurrencyKnown: true, CostsReadable: true, Today: today,
	}
	for _, c := range changes {
		c(&p)
	}
	return p
}

func contractType(n int64) change {
	return func(p *projection.ContractParts) { p.Contract.ContractType = n }
}

func estimated(cost, revenue string) change {
	return func(p *projection.ContractParts) {
		p.Contract.EstimatedCost, p.Contract.EstimatedRevenue = money(cost), money(revenue)
	}
}

// unit is a service unit row over June; vendor 0 is a row without one.
func unit(service, vendor int64, cost string) change {
	return unitOver(service, vendor, cost, "2026-06-01", "2026-06-30")
}

func unitOver(service, vendor int64, cost, from, to string) change {
	return func(p *projection.ContractParts) {
		u := autotask.ContractServiceUnit{
			ID: 1000 + int64(len(p.Units)), ServiceID: &service, Cost: money(cost), StartDate: date(from), EndDate: date(to),
		}
		if vendor != 0 {
			u.VendorCompanyID = &vendor
		}
		if u.Cost != nil {
			u.Price = ptr(u.Cost.Mul(decimal.NewFromInt(2))) // the customer pays twice the cost
		}
		p.Units = append(p.Units, u)
	}
}

func bundleUnit(bundle int64, cost string) change {
	return bundleUnitOver(bundle, cost, "2026-06-01", "2026-06-30")
}

func bundleUnitOver(bundle int64, cost, from, to string) change {
	return func(p *projection.ContractParts) {
		u := autotask.ContractServiceBundleUnit{
			ID: 2000 + int64(len(p.BundleUnits)), ServiceBundleID: &bundle, Cost: money(cost),
			StartDate: date(from), EndDate: date(to),
		}
		if u.Cost != nil {
			u.Price = ptr(u.Cost.Mul(decimal.NewFromInt(2)))
		}
		p.BundleUnits = append(p.BundleUnits, u)
	}
}

func service(id int64, unitCost string) change {
	return func(p *projection.ContractParts) {
		p.Services = append(p.Services, autotask.ContractService{
			ID: 3000 + int64(len(p.Services)), ServiceID: id, UnitCost: money(unitCost),
		})
	}
}

func bundle(id int64) change {
	return func(p *projection.ContractParts) {
		p.Bundles = append(p.Bundles, autotask.ContractServiceBundle{ID: 4000 + int64(len(p.Bundles)), ServiceBundleID: id})
	}
}

// charge is billed at twice its cost; product 0 is a charge without one.
func charge(product int64, cost string) change {
	return func(p *projection.ContractParts) {
		c := autotask.ContractCharge{ID: 5000 + int64(len(p.Charges)), ExtendedCost: money(cost)}
		if product != 0 {
			c.ProductID = &product
		}
		if c.ExtendedCost != nil {
			c.BillableAmount = ptr(c.ExtendedCost.Mul(decimal.NewFromInt(2)))
		}
		p.Charges = append(p.Charges, c)
	}
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
	if err != nil {
		t.Fatal(err)
	}
	return got
}
