// Package rules holds the product's rules of a contract's vendor and overall cost against
// the oracle's, which were written a second time from their description alone: over rows
// of all shapes that real tenants have, by each option, in any order.
package rules

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
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
			p := shuffled(t, partsOf(at, now, v1.Options{OverallCost: by, TimeZone: zone, Currency: "GBP"}))
			got, err := projection.Contract(p)
			if err != nil {
				t.Fatal(err)
			}
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
