// Package rules holds the product's rules of a contract's vendor and overall cost against
// the oracle's, which were written a second time from their description alone: over rows
// of all shapes that real tenants have, by each option, in any order.
package rules

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	"channelsync/test/sim/oracle"
)

var (
	options = []string{"auto", "monthly", "annual", "price"}
	zones   = []string{"", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"}
)

// TestTheProductAndTheOracleFindTheSameFigures: neither misreads a rule that the other does not.
func TestTheProductAndTheOracleFindTheSameFigures(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		at := anyTenant(t)
		defer at.Close()
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		now := today.Add(time.Duration(rapid.IntRange(0, 47).Draw(t, "hours")) * time.Hour)
		for _, by := range options {
			p := shuffled(t, partsOf(at, rowsOf[autotask.Contract](at, "Contracts")[0], now, v1.Options{OverallCost: by, TimeZone: zone, Currency: "GBP"}))
			got, err := projection.Contract(p)
			harness.OK(t, err)
			o := oracle.Options{OverallCost: by, TimeZone: zone, Currency: "GBP"}
			want := oracle.ExpectedBy(at, []string{string(v1.SyncActiveCustomerContracts)}, now, o).Contracts[fmt.Sprint(p.Contract.ID)]
			cost, wanted := "none", "none"
			if got.Input.OverallCost != nil {
				cost = got.Input.OverallCost.Amount + " " + got.Input.OverallCost.Currency
			}
			if want.OverallCost != nil {
				wanted = want.OverallCost.Amount + " " + want.OverallCost.Currency
			}
			if cost != wanted {
				t.Errorf("%s: the product finds %s (%s %v), the oracle %s", by, cost, got.Sources.Cost.Sentence, got.Sources.Cost.Notes, wanted)
			}
			if got.Input.VendorName != want.VendorName || got.Input.VendorNameDefaulted != want.VendorNameDefaulted {
				t.Errorf("%s: the product finds the vendor %q (%s), the oracle %q", by, got.Input.VendorName, got.Sources.Vendor.Sentence, want.VendorName)
			}
			seen["vendor by "+got.Sources.Vendor.Rule]++
			seen[by+" by "+got.Sources.Cost.Rule]++
			for _, issue := range got.Issues {
				seen[issue]++
			}
		}
	})
	// What is drawn must show every rule, or the comparison says nothing of it.
	for _, what := range []string{
		"vendor by lines", "vendor by catalogue", "vendor by charges", "vendor by default", "auto by units", "auto by estimate", "auto by charges",
		"auto by none", "monthly by lines", "monthly by none", "annual by lines", "price by units", "price by estimate", "price by charges",
		"period_unknown", "price_currency_unknown", "vendor_name_unknown",
	} {
		if seen[what] == 0 {
			t.Errorf("nothing was drawn for %s: %v", what, seen)
		}
	}
}

// TestTheSeededTenantHasTheSameFigures: both find the same on every contract that the simulator seeds, on a day of each
// kind, before and after what is done to its lines.
func TestTheSeededTenantHasTheSameFigures(t *testing.T) {
	for _, day := range []string{"2026-11-01", "2026-11-23", "2026-11-30", "2028-02-29"} {
		t.Run(day, func(t *testing.T) {
			now, err := time.Parse(time.DateOnly, day)
			harness.OK(t, err)
			at := atsim.New(atsim.Config{Now: func() time.Time { return now }})
			defer at.Close()
			at.Seed(atsim.SeedSpec{Companies: 12, UnitPeriods: 3, Seed: 5})
			seeded := sameFigures(t, at, now)
			for i, line := range at.All("ContractServices") {
				id := line["id"].(int64)
				switch i % 4 {
				case 0:
					_ = at.Adjust("ContractServices", id, int64(i%9)) // one without a row of today stays as it is
				case 1:
					err = at.CancelLine("ContractServices", id)
				case 2:
					err = at.RemoveVendor(id)
				case 3:
					err = at.Renew(line["contractID"].(int64), 3)
				}
				harness.OK(t, err)
			}
			if after := sameFigures(t, at, now.AddDate(0, 0, 1)); after == seeded {
				t.Error("what was done changed no figure")
			}
		})
	}
}

// sameFigures compares every contract by each option, and returns all figures as text.
func sameFigures(t *testing.T, at *atsim.Sim, now time.Time) (all string) {
	t.Helper()
	for _, by := range options {
		wanted := oracle.ExpectedBy(at, []string{string(v1.SyncActiveCustomerContracts)}, now, oracle.Options{OverallCost: by}).Contracts
		for _, contract := range rowsOf[autotask.Contract](at, "Contracts") {
			want, inScope := wanted[fmt.Sprint(contract.ID)]
			if !inScope {
				continue
			}
			got, err := projection.Contract(partsOf(at, contract, now, v1.Options{OverallCost: by}))
			harness.OK(t, err)
			figure, wantFigure := "none", "none"
			if got.Input.OverallCost != nil {
				figure = got.Input.OverallCost.Amount
			}
			if want.OverallCost != nil {
				wantFigure = want.OverallCost.Amount
			}
			if figure != wantFigure || got.Input.VendorName != want.VendorName {
				t.Errorf("%s of %q: %s of %s, the oracle finds %s of %s", by, contract.ContractName, figure, got.Input.VendorName, wantFigure, want.VendorName)
			}
			all += fmt.Sprintln(by, contract.ID, figure, got.Input.VendorName)
		}
	}
	return all
}
