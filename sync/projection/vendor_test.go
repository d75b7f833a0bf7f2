package projection_test

import (
	"slices"
	"strings"
	"testing"

	"channelsync/api/autotask"
	"channelsync/sync/projection"
)

func vendors(rows ...autotask.ProductVendor) change {
	return func(p *projection.ContractParts) { p.ProductVendors = rows }
}

// Each row's name is the reason for what it wants (autotask-rest.md, 5.2 and 6.1).
func TestVendor(t *testing.T) {
	rows := []struct {
		because string
		parts   []change
		want    string
		rule    projection.VendorRule
		note    bool // somebody was passed over
	}{
		{because: "a contract without a line has no vendor", want: "MSP Managed Services", rule: "default"},
		{
			because: "time and materials (1) has no services, so the default stands",
			parts:   []change{contractType(1)}, want: "MSP Managed Services", rule: "default",
		},
		{because: "fixed price (3) has none either", parts: []change{contractType(3)}, want: "MSP Managed Services", rule: "default"},
		{because: "block hours (4) has none either", parts: []change{contractType(4)}, want: "MSP Managed Services", rule: "default"},
		{because: "retainer (6) has none either", parts: []change{contractType(6)}, want: "MSP Managed Services", rule: "default"},
		{because: "per ticket (8) has none either", parts: []change{contractType(8)}, want: "MSP Managed Services", rule: "default"},
		{
			because: "but a charge's product gives any type a vendor",
			parts:   []change{contractType(1), charge(licence, "5")}, want: "Contoso", rule: "charges",
		},
		{because: "the vendor stamped on the unit row of today", parts: []change{unit(mail, contoso, "10")}, want: "Contoso", rule: "units"},
		{
			because: "the stamp counts, not the catalogue's vendor of that service",
			parts:   []change{unit(mail, fabrikam, "10")}, want: "Fabrikam", rule: "units",
		},
		{
			because: "of several, the one that costs most",
			parts:   []change{unit(mail, contoso, "10"), unit(backup, fabrikam, "20")}, want: "Fabrikam", rule: "units",
		},
		{
			because: "a vendor's rows are added up before they are compared",
			parts:   []change{unit(mail, contoso, "11"), unit(mail, contoso, "10"), unit(backup, fabrikam, "20")},
			want:    "Contoso", rule: "units",
		},
		{
			because: "equal sums go to the lowest company id",
			parts:   []change{unit(backup, fabrikam, "20"), unit(mail, contoso, "20.00")}, want: "Contoso", rule: "units",
		},
		{
			because: "a hair more decides, decimals are exact",
			parts:   []change{unit(mail, contoso, "0.1"), unit(mail, contoso, "0.2"), unit(backup, fabrikam, "0.30000001")},
			want:    "Fabrikam", rule: "units",
		},
		{
			because: "rows without a cost weigh nothing, so the lowest id stands",
			parts:   []change{unit(backup, fabrikam, ""), unit(mail, contoso, "")}, want: "Contoso", rule: "units",
		},
		{
			because: "a vendor at zero loses to one above",
			parts:   []change{unit(mail, contoso, "0"), unit(backup, fabrikam, "0.01")}, want: "Fabrikam", rule: "units",
		},
		{
			because: "a credited vendor loses to one at zero",
			parts:   []change{unit(mail, contoso, "-5"), unit(backup, fabrikam, "0")}, want: "Fabrikam", rule: "units",
		},
		{
			because: "a row that ended yesterday is not of today",
			parts:   []change{unitOver(mail, contoso, "99", "2026-05-01", "2026-06-14"), unit(backup, fabrikam, "1")},
			want:    "Fabrikam", rule: "units",
		},
		{
			because: "a row that begins tomorrow is not either",
			parts:   []change{unitOver(mail, contoso, "99", "2026-06-16", "2026-07-15"), unit(backup, fabrikam, "1")},
			want:    "Fabrikam", rule: "units",
		},
		{
			because: "a row counts on its first day",
			parts:   []change{unitOver(mail, contoso, "9", "2026-06-15", "2026-07-14"), unit(backup, fabrikam, "1")},
			want:    "Contoso", rule: "units",
		},
		{
			because: "and on its last, whatever the hour",
			parts:   []change{unitOver(mail, contoso, "9", "2026-05-16", "2026-06-15"), unit(backup, fabrikam, "1")},
			want:    "Contoso", rule: "units",
		},
		{
			because: "a row without an end goes on",
			parts:   []change{unitOver(mail, contoso, "9", "2020-01-01", "")}, want: "Contoso", rule: "units",
		},
		{
			because: "rows of other days only leave it to the services",
			parts:   []change{unitOver(mail, contoso, "99", "2025-01-01", "2025-01-31"), service(backup, "1")},
			want:    "Fabrikam", rule: "services",
		},
		{
			because: "unit rows without a vendor leave it to the services",
			parts:   []change{unit(mail, 0, "99"), service(backup, "1")}, want: "Fabrikam", rule: "services",
		},
		{
			because: "one stamped unit row outweighs any service",
			parts:   []change{unit(mail, contoso, "0.01"), service(backup, "1000")}, want: "Contoso", rule: "units",
		},
		{
			because: "services weigh by the contract's unit cost, not the catalogue's",
			parts:   []change{service(mail, "30"), service(backup, "5")}, want: "Contoso", rule: "services",
		},
		{
			because: "equal services go to the lowest company id",
			parts:   []change{service(firewall, "5"), service(backup, "5"), service(mail, "5")}, want: "Contoso", rule: "services",
		},
		{
			because: "a service without a vendor is none, however dear",
			parts:   []change{service(labour, "1000"), service(backup, "5")}, want: "Fabrikam", rule: "services",
		},
		{
			because: "a service that the catalogue lacks has no vendor",
			parts:   []change{service(12345, "1000"), charge(licence, "1")}, want: "Contoso", rule: "charges",
		},
		{
			because: "in a bundle the catalogue's unit cost decides (20 over 10)",
			parts:   []change{bundle(suite)}, want: "Fabrikam", rule: "bundles",
		},
		{
			because: "several bundles are one level (120 over 20)",
			parts:   []change{bundle(suite), bundle(yearlySuite)}, want: "Adatum", rule: "bundles",
		},
		{
			because: "a bundle that is on the contract three times weighs three times",
			parts: []change{bundle(suite), bundle(suite), bundle(suite), func(p *projection.ContractParts) {
				s := p.Catalogue[firewall]
				s.UnitCost = money("59.99")
				p.Catalogue[firewall] = s
			}, bundle(yearlySuite)}, want: "Fabrikam", rule: "bundles",
		},
		{
			because: "an empty bundle has no vendor",
			parts:   []change{bundle(emptySuite)}, want: "MSP Managed Services", rule: "default",
		},
		{
			because: "services come before bundles",
			parts:   []change{service(mail, "1"), bundle(yearlySuite)}, want: "Contoso", rule: "services",
		},
		{
			because: "bundles come before charges",
			parts:   []change{charge(licence, "1000"), bundle(yearlySuite)}, want: "Adatum", rule: "bundles",
		},
		{
			because: "charges weigh by extended cost",
			parts:   []change{charge(licence, "5"), charge(appliance, "6")}, want: "Adatum", rule: "charges",
		},
		{
			because: "a product without a default vendor has its product vendor's",
			parts:   []change{charge(cable, "5")}, want: "Fabrikam", rule: "charges",
		},
		{
			because: "a product without any vendor gives none",
			parts:   []change{charge(sundry, "5")}, want: "MSP Managed Services", rule: "default",
		},
		{
			because: "a charge without a product gives none",
			parts:   []change{charge(0, "5")}, want: "MSP Managed Services", rule: "default",
		},
		{
			because: "of two default product vendors, the one in use",
			parts: []change{charge(cable, "5"), vendors(
				autotask.ProductVendor{ProductID: cable, VendorID: contoso, IsDefault: true},
				autotask.ProductVendor{ProductID: cable, VendorID: adatum, IsDefault: true, IsActive: true},
			)}, want: "Adatum", rule: "charges",
		},
		{
			because: "of two in use, the lowest company id",
			parts: []change{charge(cable, "5"), vendors(
				autotask.ProductVendor{ProductID: cable, VendorID: adatum, IsDefault: true, IsActive: true},
				autotask.ProductVendor{ProductID: cable, VendorID: fabrikam, IsDefault: true, IsActive: true},
			)}, want: "Fabrikam", rule: "charges",
		},
		{
			because: "a default product vendor out of use is still the product's",
			parts: []change{charge(cable, "5"), vendors(
				autotask.ProductVendor{ProductID: cable, VendorID: fabrikam, IsDefault: true},
			)}, want: "Fabrikam", rule: "charges",
		},
		{
			because: "a renamed vendor goes by its new name",
			parts:   []change{unit(mail, contoso, "1"), named(contoso, " Contoso Cloud ")}, want: "Contoso Cloud", rule: "units",
		},
		{
			because: "an inactive vendor company still has its name",
			parts:   []change{unit(mail, 73, "1"), named(73, "Tailspin (inactive)")}, want: "Tailspin (inactive)", rule: "units",
		},
		{
			because: "a vendor that is really called so is not the default",
			parts:   []change{unit(mail, contoso, "1"), named(contoso, "MSP Managed Services")}, want: "MSP Managed Services", rule: "units",
		},
		{
			because: "the MSP's own company (id 0) is a company like any other when a row names it",
			parts: []change{func(p *projection.ContractParts) {
				p.Units = []autotask.ContractServiceUnit{{ID: 1, VendorCompanyID: ptr(int64(0)), Cost: money("1"), EndDate: date("2026-12-31")}}
			}, named(0, "Our MSP")}, want: "Our MSP", rule: "units",
		},
		{
			because: "a vendor that cannot be read is passed over for the next dearest",
			parts:   []change{unit(heirloom, ghost, "99"), unit(mail, contoso, "1")}, want: "Contoso", rule: "units", note: true,
		},
		{
			because: "a level of vendors that cannot be read is a level without any",
			parts:   []change{unit(heirloom, ghost, "99"), service(mail, "1")}, want: "Contoso", rule: "services", note: true,
		},
		{
			because: "none that can be read leaves the default",
			parts:   []change{service(heirloom, "99")}, want: "MSP Managed Services", rule: "default", note: true,
		},
		{
			because: "a vendor whose name is only spaces cannot be read",
			parts:   []change{unit(mail, contoso, "1"), named(contoso, " \u00a0")}, want: "MSP Managed Services", rule: "default", note: true,
		},
		{
			because: "a name longer than the target takes is no usable name",
			parts:   []change{unit(mail, contoso, "1"), named(contoso, strings.Repeat("é", 256))},
			want:    "MSP Managed Services", rule: "default", note: true,
		},
		{
			because: "without the right to read costs the vendors are all the same, so the lowest id",
			parts:   []change{costsHidden, unit(backup, fabrikam, ""), unit(mail, contoso, "")}, want: "Contoso", rule: "units",
		},
	}
	all := schemas(t)
	for _, row := range rows {
		t.Run(row.because, func(t *testing.T) {
			got := project(t, row.parts...)
			if got.Vendor.Name != row.want || got.Vendor.Rule != row.rule {
				t.Errorf("vendor %q by %s, want %q by %s", got.Vendor.Name, got.Vendor.Rule, row.want, row.rule)
			}
			if got.Input.VendorName != got.Vendor.Name || got.Input.VendorNameDefaulted != got.Vendor.Defaulted {
				t.Errorf("payload says %q (defaulted: %v), the report %q (%v)", got.Input.VendorName,
					got.Input.VendorNameDefaulted, got.Vendor.Name, got.Vendor.Defaulted)
			}
			if got.Vendor.Defaulted != (row.rule == "default") || (got.Vendor.ID == nil) != got.Vendor.Defaulted {
				t.Errorf("defaulted %v with rule %s and id %v", got.Vendor.Defaulted, got.Vendor.Rule, got.Vendor.ID)
			}
			if noted := slices.Contains(got.Issues, projection.IssueVendorUnnamed); noted != row.note || noted != (len(got.Vendor.Notes) > 0) {
				t.Errorf("issues %v, notes %v", got.Issues, got.Vendor.Notes)
			}
			fits(t, all, got.Input)
		})
	}
}

func TestVendorReport(t *testing.T) {
	got := project(t, unit(backup, fabrikam, "20"), unit(mail, contoso, "12.5"), unit(mail, contoso, "12.5")).Vendor
	if len(got.Candidates) != 2 || got.Candidates[0].ID != contoso || got.Candidates[1].ID != fabrikam {
		t.Fatalf("candidates %+v, want the chosen one first", got.Candidates)
	}
	first := got.Candidates[0]
	if first.Sum != "25.00" || len(first.Rows) != 2 || first.Rows[0].Entity != "ContractServiceUnits" ||
		first.Rows[0].ID != 1001 || *first.Rows[0].Amount != "12.5" {
		t.Errorf("chosen %+v", first)
	}
}
