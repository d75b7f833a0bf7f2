package projection_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
	"channelsync/test/harness"
)

func TestContractWhole(t *testing.T) {
	got := project(t, unit(mail, contoso, "254.10"))
	name := "Managed M365"
	want := channelprogram.ContractInput{
		Client:     channelprogram.ClientRef{ExternalID: "29683616", Name: "Northwind Dental"},
		VendorName: "Contoso", Name: &name, OverallCost: &channelprogram.Money{Amount: "254.10", Currency: "USD"},
	}
	if diff := cmp.Diff(want, got.Input); diff != "" {
		t.Error(diff)
	}
	sources := []v1.Source{
		{Field: "client.externalId", Value: "29683616", From: "Contracts.companyID"},
		{Field: "client.name", Value: "Northwind Dental", From: "Companies.companyName"},
		{Field: "vendorName", Value: "Contoso", From: "Companies 70 companyName, by lines"},
		{Field: "name", Value: "Managed M365", From: "Contracts.contractName"},
		{Field: "overallCost.amount", Value: "254.10", From: "cost of all unit rows, 1 row"},
		{Field: "overallCost.currency", Value: "USD", From: "Currencies.name of the internal currency"},
	}
	if diff := cmp.Diff(sources, got.Sources.Fields); diff != "" {
		t.Error(diff)
	}
	if len(got.Issues) != 0 {
		t.Errorf("issues %v", got.Issues)
	}
}

func TestContractWithNothingOnIt(t *testing.T) {
	got := project(t, func(p *projection.ContractParts) { p.Contract.ContractName = " \t" })
	b, err := json.Marshal(got.Input)
	harness.OK(t, err)
	for _, part := range []string{`"vendorName":"MSP Managed Services","vendorNameDefaulted":true`, `"name":null`, `"overallCost":null`} {
		if !strings.Contains(string(b), part) {
			t.Errorf("payload lacks %s: %s", part, b)
		}
	}
	if !slices.Equal(got.Issues, []string{projection.IssueCostUnknown}) {
		t.Errorf("issues %v", got.Issues)
	}
	if len(got.Sources.Fields) != 3 {
		t.Errorf("sources of what is not there: %v", got.Sources.Fields)
	}
}

func TestContractNames(t *testing.T) {
	rows := []struct {
		because, client, contract, refused string
	}{
		{"both are trimmed", " Northwind ", " Managed ", ""},
		{"no contract name is fine", "Northwind", "", ""},
		{"255 characters are", "Northwind", strings.Repeat("é", 255), ""},
		{"256 are not", "Northwind", strings.Repeat("é", 256), "Contracts.contractName"},
		{"no client name is not", " ", "Managed", "Companies.companyName"},
		{"nor one of 256", strings.Repeat("é", 256), "Managed", "Companies.companyName"},
	}
	for _, row := range rows {
		t.Run(row.because, func(t *testing.T) {
			p := recurring(func(p *projection.ContractParts) { p.ClientName, p.Contract.ContractName = row.client, row.contract })
			got, err := projection.Contract(p)
			if row.refused != "" {
				if field, ok := errors.AsType[*projection.FieldError](err); !ok || field.Field != row.refused {
					t.Errorf("got %v, want an error of %s", err, row.refused)
				}
				return
			}
			harness.OK(t, err)
			if got.Input.Client.Name != strings.TrimSpace(row.client) {
				t.Errorf("client %q", got.Input.Client.Name)
			}
			if name := strings.TrimSpace(row.contract); (got.Input.Name == nil) != (name == "") || name != "" && *got.Input.Name != name {
				t.Errorf("name %v", got.Input.Name)
			}
		})
	}
}

func TestContractFingerprint(t *testing.T) {
	base := []change{unit(mail, contoso, "10"), charge(licence, "5")}
	want := project(t, base...).Fingerprint
	rows := []struct {
		because string
		change  change
		same    bool
	}{
		{"stamps of the contract", func(p *projection.ContractParts) { p.Contract.LastModified = today }, true},
		{"a charge that gives no figure", charge(licence, "7"), true},
		{"the same amount written otherwise", func(p *projection.ContractParts) { p.Units[0].Cost = money("10.0000") }, true},
		{"the cost", unit(mail, contoso, "0.01"), false},
		{"the vendor's name", named(contoso, "Contoso Cloud"), false},
		{"the contract's name", func(p *projection.ContractParts) { p.Contract.ContractName = "M" }, false},
		{"the client's name: contracts alone keep it right", func(p *projection.ContractParts) { p.ClientName = "Northwind" }, false},
		{"the currency", func(p *projection.ContractParts) { p.Currency = "EUR" }, false},
	}
	for _, row := range rows {
		t.Run(row.because, func(t *testing.T) {
			got := project(t, append(slices.Clone(base), row.change)...).Fingerprint
			if (got == want) != row.same {
				t.Errorf("same fingerprint: %v, want %v", got == want, row.same)
			}
		})
	}
	in := project(t, base...).Input
	in.Source, in.Lifecycle = source, channelprogram.LifecycleActive
	if projection.ContractFingerprint(in) != want {
		t.Error("the source or the default lifecycle counts")
	}
	in.Lifecycle = channelprogram.LifecycleArchived
	if projection.ContractFingerprint(in) == want {
		t.Error("archiving does not count")
	}
}

// amount draws what a row may carry: nothing, zero, a credit, many places.
func amount() *rapid.Generator[*decimal.Decimal] {
	return rapid.Custom(func(t *rapid.T) *decimal.Decimal {
		if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
			return nil
		}
		return ptr(decimal.New(rapid.Int64Range(-1000, 1_000_000).Draw(t, "value"), -rapid.Int32Range(0, 6).Draw(t, "places")))
	})
}

// anyContract draws rows of all shapes that real tenants have.
func anyContract(t *rapid.T) projection.ContractParts {
	p := recurring()
	p.Contract.ContractType = rapid.SampledFrom([]int64{1, 3, 4, 6, 7, 7, 7, 8, 9}).Draw(t, "type")
	p.Contract.EstimatedCost, p.Contract.EstimatedRevenue = amount().Draw(t, "cost"), amount().Draw(t, "revenue")
	p.Options.OverallCost = rapid.SampledFrom([]string{"", "auto", "monthly", "annual", "price"}).Draw(t, "option")
	p.CostsReadable = rapid.IntRange(0, 9).Draw(t, "readable") > 0
	p.CurrencyKnown = rapid.Bool().Draw(t, "currency")
	p.CompanyCurrency = id(rapid.SampledFrom([]int64{0, dollars, euros}).Draw(t, "company's currency"))
	services := rapid.SampledFrom([]int64{mail, backup, firewall, labour, heirloom, odd, hosting, spare, lease, 12345})
	bundles := rapid.SampledFrom([]int64{suite, yearlySuite, emptySuite, evenSuite, thirdSuite})
	vendor := rapid.SampledFrom([]int64{0, 0, contoso, fabrikam, adatum, ghost})
	lines := rapid.SampledFrom([]int64{0, 1, 2, 3})
	units := rapid.SampledFrom([]string{"", "0", "1", "3", "2.5"})
	period := rapid.Custom(func(t *rapid.T) [2]time.Time {
		from := today.AddDate(0, 0, rapid.IntRange(-40, 40).Draw(t, "from"))
		days := rapid.SampledFrom([]int{0, 6, 14, 29, 30, 31, 33, 364}).Draw(t, "days")
		return [2]time.Time{from, from.AddDate(0, 0, days)}
	})
	for i := range int64(rapid.IntRange(0, 8).Draw(t, "units")) {
		of := period.Draw(t, "period")
		u := autotask.ContractServiceUnit{
			ID: i, ContractServiceID: id(lines.Draw(t, "line")), ServiceID: id(services.Draw(t, "service")), Units: money(units.Draw(t, "units")),
			Cost: amount().Draw(t, "cost"), Price: amount().Draw(t, "price"), InternalCurrencyPrice: amount().Draw(t, "internal"),
			StartDate: of[0], EndDate: of[1], VendorCompanyID: id(vendor.Draw(t, "vendor")),
		}
		if rapid.IntRange(0, 9).Draw(t, "open") == 0 {
			u.EndDate = time.Time{}
		}
		p.Units = append(p.Units, u)
	}
	for i := range int64(rapid.IntRange(0, 4).Draw(t, "bundleUnits")) {
		of := period.Draw(t, "period")
		p.BundleUnits = append(p.BundleUnits, autotask.ContractServiceBundleUnit{
			ID: i, ContractServiceBundleID: id(lines.Draw(t, "line")), ServiceBundleID: id(bundles.Draw(t, "bundle")),
			Units: money(units.Draw(t, "units")), Cost: amount().Draw(t, "cost"), Price: amount().Draw(t, "price"),
			InternalCurrencyPrice: amount().Draw(t, "internal"), StartDate: of[0], EndDate: of[1],
		})
	}
	for i := range int64(rapid.IntRange(0, 4).Draw(t, "services")) {
		p.Services = append(p.Services, autotask.ContractService{
			ID: i + 1, ServiceID: services.Draw(t, "service"), UnitCost: amount().Draw(t, "cost"),
		})
	}
	for i := range int64(rapid.IntRange(0, 3).Draw(t, "bundles")) {
		p.Bundles = append(p.Bundles, autotask.ContractServiceBundle{ID: i + 1, ServiceBundleID: bundles.Draw(t, "bundle")})
	}
	for i := range int64(rapid.IntRange(0, 4).Draw(t, "charges")) {
		p.Charges = append(p.Charges, autotask.ContractCharge{
			ID: i, ProductID: ptr(rapid.SampledFrom([]int64{licence, appliance, cable, sundry}).Draw(t, "product")),
			ExtendedCost: amount().Draw(t, "cost"), BillableAmount: amount().Draw(t, "billable"),
			InternalCurrencyBillableAmount: amount().Draw(t, "internal"),
		})
	}
	return p
}

// Rows come in any order from Autotask; the projection, its reasons and its
// fingerprint are a function of what they say. And the target takes it all.
func TestContractIgnoresOrderAndAlwaysFits(t *testing.T) {
	all := schemas(t)
	rapid.Check(t, func(t *rapid.T) {
		p := anyContract(t)
		got, err := projection.Contract(p)
		harness.OK(t, err)
		fits(t, all, got.Input)
		if cost := got.Input.OverallCost; cost != nil && !decimal.RequireFromString(cost.Amount).IsPositive() {
			t.Fatalf("a cost of %s is not above zero", cost.Amount)
		}
		p.Units = rapid.Permutation(p.Units).Draw(t, "u")
		p.BundleUnits = rapid.Permutation(p.BundleUnits).Draw(t, "bu")
		p.Services = rapid.Permutation(p.Services).Draw(t, "s")
		p.Bundles = rapid.Permutation(p.Bundles).Draw(t, "b")
		p.Charges = rapid.Permutation(p.Charges).Draw(t, "c")
		p.BundleServices = rapid.Permutation(p.BundleServices).Draw(t, "bs")
		p.ProductVendors = rapid.Permutation(p.ProductVendors).Draw(t, "pv")
		again, err := projection.Contract(p)
		harness.OK(t, err)
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatalf("another order gives another contract: %s", diff)
		}
	})
}

// TestAProratedAndAWholeRowOfOneRateGiveOneRate: whatever part of a period a row covers,
// its line costs the same a month.
func TestAProratedAndAWholeRowOfOneRateGiveOneRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		service := rapid.SampledFrom([]int64{mail, backup, labour, firewall}).Draw(t, "service")
		months := map[int64]int{mail: 1, backup: 3, labour: 6, firewall: 12}[service]
		units := rapid.Int64Range(1, 500).Draw(t, "units")
		rate := decimal.New(rapid.Int64Range(1, 1_000_000).Draw(t, "rate"), -rapid.Int32Range(0, 4).Draw(t, "places"))
		first := date("2024-01-01").AddDate(0, 0, rapid.IntRange(0, 1000).Draw(t, "first"))
		month := time.Date(first.Year(), first.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		last := month.AddDate(0, 0, min(first.Day(), month.AddDate(0, 1, -1).Day())-2)
		days := int(last.Sub(first).Hours()/24) + 1
		covered := rapid.IntRange(1, days-1).Draw(t, "days")
		total := rate.Mul(decimal.NewFromInt(units))
		part := total.Mul(decimal.NewFromInt(int64(covered))).DivRound(decimal.NewFromInt(int64(days)), 4)
		of := func(cost decimal.Decimal, to time.Time) projection.ContractProjection {
			p := recurring(option("annual"), line(1, service, rate.String()),
				row(1, service, fmt.Sprint(units), cost.String(), first.Format(time.DateOnly), to.Format(time.DateOnly)))
			p.Today = first
			got, err := projection.Contract(p)
			harness.OK(t, err)
			return got
		}
		if a, b := cost(of(total, last)), cost(of(part, first.AddDate(0, 0, covered-1))); a != b {
			t.Fatalf("%d × %s from %s: a whole row gives %s a year, one of %d of %d days %s", units, rate, first.Format(time.DateOnly), a, covered, days, b)
		}
	})
}

// thousands is a contract with ten services billed monthly for so many months.
func thousands(n int) projection.ContractParts {
	var rows []change
	for s := range int64(10) {
		rows = append(rows, line(s+1, 1+s%3, "3"))
		rows = append(rows, months(s+1, 1+s%3, "1", "3.25", "2025-01-01", n)...)
	}
	return recurring(rows...)
}

func BenchmarkContract(b *testing.B) {
	for name, p := range map[string]projection.ContractParts{"360 rows": thousands(36), "18000 rows": thousands(1800)} {
		for _, by := range []string{"auto", "monthly"} {
			p.Options.OverallCost = by
			b.Run(name+" "+by, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := projection.Contract(p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkContractFingerprint(b *testing.B) {
	p, err := projection.Contract(thousands(36))
	harness.OK(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if projection.ContractFingerprint(p.Input) != p.Fingerprint {
			b.Fatal("another fingerprint")
		}
	}
}
