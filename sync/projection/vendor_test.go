package projection_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
)

func vendors(rows ...autotask.ProductVendor) change {
	return func(p *projection.ContractParts) { p.ProductVendors = rows }
}

// Each row's name is the reason for what it wants (autotask-rest.md, 5.2 and 6.1). What
// lines give which vendor is in TestFiguresOfContractsAsRealTenantsHaveThem.
func TestVendor(t *testing.T) {
	const nobody = "MSP Managed Services"
	rows := []struct {
		because string
		parts   []change
		want    string
		rule    string
		note    bool // somebody was passed over
	}{
		{because: "a contract without a line has no vendor", want: nobody, rule: "default"},
		{because: "time and materials (1) has no services, so the default stands", parts: []change{contractType(1)}, want: nobody, rule: "default"},
		{because: "fixed price (3) has none either", parts: []change{contractType(3)}, want: nobody, rule: "default"},
		{because: "block hours (4) has none either", parts: []change{contractType(4)}, want: nobody, rule: "default"},
		{because: "retainer (6) has none either", parts: []change{contractType(6)}, want: nobody, rule: "default"},
		{because: "per ticket (8) has none either", parts: []change{contractType(8)}, want: nobody, rule: "default"},
		{
			because: "but a charge's product gives any type a vendor",
			parts:   []change{contractType(1), charge(licence, "5")}, want: "Contoso", rule: "charges",
		},
		{
			because: "a hair more decides, decimals are exact",
			parts:   []change{unit(spare, 0, "0.1"), unit(mail, 0, "0.2"), unit(hosting, 0, "0.30000001")}, want: "Fabrikam", rule: "lines",
		},
		{
			because: "rows without a cost weigh nothing, so the lowest id stands",
			parts:   []change{unit(hosting, 0, ""), unit(mail, 0, "")}, want: "Contoso", rule: "lines",
		},
		{because: "a vendor at zero loses to one above", parts: []change{unit(mail, 0, "0"), unit(hosting, 0, "0.01")}, want: "Fabrikam", rule: "lines"},
		{because: "a credited vendor loses to one at zero", parts: []change{unit(mail, 0, "-5"), unit(hosting, 0, "0")}, want: "Fabrikam", rule: "lines"},
		{
			because: "of a bundle's services only those above zero have a share while one is",
			parts: []change{bundleUnit(evenSuite, "10"), func(p *projection.ContractParts) {
				p.Catalogue[spare] = autotask.Service{ID: spare, VendorCompanyID: id(contoso), UnitCost: money("-5")}
				p.Catalogue[hosting] = autotask.Service{ID: hosting, VendorCompanyID: id(fabrikam), UnitCost: money("1")}
			}}, want: "Fabrikam", rule: "lines",
		},
		{
			because: "a service that is in a bundle twice has two shares",
			parts: []change{bundleUnit(evenSuite, "30"), func(p *projection.ContractParts) {
				p.BundleServices = append(p.BundleServices, autotask.ServiceBundleService{ID: 9, ServiceBundleID: evenSuite, ServiceID: hosting})
			}}, want: "Fabrikam", rule: "lines",
		},
		{because: "an empty bundle has no vendor", parts: []change{bundleUnit(emptySuite, "30")}, want: nobody, rule: "default"},
		{because: "a service that the catalogue lacks has none", parts: []change{unit(12345, 0, "30"), charge(licence, "1")}, want: "Contoso", rule: "charges"},
		{
			because: "without unit rows a bundle without a unit cost weighs nothing",
			parts:   []change{bundleLine(1, thirdSuite), line(1, firewall, "0.01")}, want: "Adatum", rule: "catalogue",
		},
		{because: "without unit rows an empty bundle has no vendor", parts: []change{bundleLine(1, emptySuite)}, want: nobody, rule: "default"},
		{
			because: "without unit rows services that name nobody leave it to the charges",
			parts:   []change{line(1, labour, "50"), charge(licence, "1")}, want: "Contoso", rule: "charges",
		},
		{
			because: "a product without a default vendor has its product vendor's",
			parts:   []change{charge(cable, "5")}, want: "Fabrikam", rule: "charges",
		},
		{
			because: "a product vendor that is not the default says nothing",
			parts:   []change{charge(cable, "5"), vendors(autotask.ProductVendor{ProductID: cable, VendorID: contoso, IsActive: true})}, want: nobody, rule: "default",
		},
		{
			because: "an inactive default is still the default",
			parts:   []change{charge(cable, "5"), vendors(autotask.ProductVendor{ProductID: cable, VendorID: contoso, IsDefault: true})}, want: "Contoso", rule: "charges",
		},
		{
			because: "of several defaults one in use, then the lowest id",
			parts: []change{charge(cable, "5"), vendors(
				autotask.ProductVendor{ProductID: cable, VendorID: contoso, IsDefault: true},
				autotask.ProductVendor{ProductID: cable, VendorID: adatum, IsDefault: true, IsActive: true},
				autotask.ProductVendor{ProductID: cable, VendorID: fabrikam, IsDefault: true, IsActive: true},
			)}, want: "Fabrikam", rule: "charges",
		},
		{because: "a product without a vendor has none", parts: []change{charge(sundry, "5")}, want: nobody, rule: "default"},
		{because: "a charge without a product has none", parts: []change{charge(0, "5")}, want: nobody, rule: "default"},
		{because: "charges of one vendor are added up", parts: []change{charge(licence, "4"), charge(appliance, "6"), charge(licence, "3")}, want: "Contoso", rule: "charges"},
		{
			because: "a renamed vendor goes by its new name",
			parts:   []change{unit(mail, 0, "1"), named(contoso, " Contoso Cloud ")}, want: "Contoso Cloud", rule: "lines",
		},
		{
			because: "an inactive vendor company still has its name",
			parts:   []change{unit(mail, 73, "1"), named(73, "Tailspin (inactive)")}, want: "Tailspin (inactive)", rule: "lines",
		},
		{
			because: "a vendor that is really called so is not the default",
			parts:   []change{unit(mail, 0, "1"), named(contoso, "MSP Managed Services")}, want: nobody, rule: "lines",
		},
		{
			because: "the MSP's own company (id 0) is a company like any other when a row names it",
			parts: []change{unit(mail, 0, "1"), named(0, "Our MSP"), func(p *projection.ContractParts) {
				p.Units[0].VendorCompanyID = ptr(int64(0))
			}}, want: "Our MSP", rule: "lines",
		},
		{because: "none that can be read leaves the default", parts: []change{unit(heirloom, 0, "99")}, want: nobody, rule: "default", note: true},
		{
			because: "a rule of vendors that cannot be read names nobody",
			parts:   []change{unit(heirloom, 0, "99"), charge(licence, "1")}, want: "Contoso", rule: "charges", note: true,
		},
		{
			because: "a stamp that cannot be read does not fall back to the service's vendor",
			parts:   []change{unit(mail, ghost, "99")}, want: nobody, rule: "default", note: true,
		},
		{
			because: "a vendor whose name is only spaces cannot be read",
			parts:   []change{unit(mail, 0, "1"), named(contoso, " \u00a0")}, want: nobody, rule: "default", note: true,
		},
		{
			because: "a name longer than the target takes is no usable name",
			parts:   []change{unit(mail, 0, "1"), named(contoso, strings.Repeat("é", 256))}, want: nobody, rule: "default", note: true,
		},
		{
			because: "without the right to read costs the vendors weigh the same, so the lowest id",
			parts:   []change{costsHidden, unit(hosting, 0, ""), unit(mail, 0, "")}, want: "Contoso", rule: "lines",
		},
	}
	all := schemas(t)
	for _, row := range rows {
		t.Run(row.because, func(t *testing.T) {
			got := project(t, row.parts...)
			found := got.Sources.Vendor
			if found.Name != row.want || found.Rule != row.rule {
				t.Errorf("vendor %q by %s, want %q by %s", found.Name, found.Rule, row.want, row.rule)
			}
			if got.Input.VendorName != found.Name || got.Input.VendorNameDefaulted != found.Defaulted {
				t.Errorf("payload says %q (defaulted: %v), the source %q (%v)", got.Input.VendorName,
					got.Input.VendorNameDefaulted, found.Name, found.Defaulted)
			}
			if found.Defaulted != (row.rule == "default") || (found.ID == nil) != found.Defaulted {
				t.Errorf("defaulted %v with rule %s and id %v", found.Defaulted, found.Rule, found.ID)
			}
			if noted := slices.Contains(got.Issues, projection.IssueVendorUnnamed); noted != row.note || noted != (len(found.Notes) > 0) {
				t.Errorf("issues %v, notes %v", got.Issues, found.Notes)
			}
			fits(t, all, got.Input)
		})
	}
}

func TestVendorSource(t *testing.T) {
	got := project(t, unit(hosting, 0, "20"), unit(mail, 0, "12.5"), bundleUnit(suite, "100")).Sources.Vendor
	want := v1.VendorSource{
		Rule: "lines", ID: id(fabrikam), Name: "Fabrikam",
		Sentence: "Fabrikam costs most of the vendors of the lines in force on 15 June 2026: 45.00; the next is Contoso with 25.00.",
		Candidates: []v1.VendorCandidate{
			{ID: fabrikam, Name: "Fabrikam", Sum: "45.00", Rows: []v1.AmountRow{
				{Entity: "ContractServiceBundleUnits", ID: 2000, Amount: new("25.00"), How: "share of service 2 in the bundle"},
				{Entity: "ContractServiceUnits", ID: 1000, Amount: new("20.00"), How: "vendor of service 7"},
			}},
			{ID: contoso, Name: "Contoso", Sum: "25.00", Rows: []v1.AmountRow{
				{Entity: "ContractServiceBundleUnits", ID: 2000, Amount: new("12.50"), How: "share of service 1 in the bundle"},
				{Entity: "ContractServiceUnits", ID: 1001, Amount: new("12.50"), How: "vendor of service 1"},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestAVendorIsToldInASentence(t *testing.T) {
	for _, c := range []struct {
		because  string
		parts    []change
		sentence string
	}{
		{"one alone", []change{unit(mail, adatum, "5")}, "Adatum is the only vendor of the lines in force on 15 June 2026."},
		{
			"a tie",
			[]change{unit(mail, 0, "5"), unit(hosting, 0, "5")},
			"Contoso costs most of the vendors of the lines in force on 15 June 2026: 5.00, as much as Fabrikam, whose company id is higher.",
		},
		{
			"no unit rows",
			[]change{line(1, mail, "5"), line(2, backup, "4")},
			"Contoso costs most of the vendors of the contract's services and bundles, which have no unit row yet: 5.00; the next is Fabrikam with 4.00.",
		},
		{"charges", []change{charge(licence, "5")}, "Contoso is the only vendor of the products of the contract's charges."},
		{"nothing", nil, "No service, bundle or charge of the contract names a vendor, so it is the default."},
		{
			"cancelled",
			[]change{row(1, mail, "0", "0", "2026-06-01", "2026-06-30")},
			"Neither a line in force on 15 June 2026 nor a charge names a vendor, so it is the default.",
		},
		{"an ended contract", []change{row(1, mail, "1", "5", "2026-05-01", "2026-05-31")}, "Contoso is the only vendor of the lines in force on 31 May 2026."},
	} {
		if got := project(t, c.parts...).Sources.Vendor.Sentence; got != c.sentence {
			t.Errorf("%s: %q, want %q", c.because, got, c.sentence)
		}
	}
}

// TestManyVendorsStayShort: what is kept of a contract has bounds, its figures have none.
func TestManyVendorsStayShort(t *testing.T) {
	var parts []change
	for n := range int64(200) {
		parts = append(parts, unit(mail, 1000+n, fmt.Sprint(n)), named(1000+n, fmt.Sprintf("Vendor %d", n)))
	}
	got := project(t, parts...)
	if got.Input.VendorName != "Vendor 199" || len(got.Sources.Vendor.Candidates) != 10 {
		t.Errorf("vendor %q of %d candidates", got.Input.VendorName, len(got.Sources.Vendor.Candidates))
	}
}
