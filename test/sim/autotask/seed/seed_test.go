package seed_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/seed"
)

// tenant remembers rows as they are put.
type tenant struct {
	next int64
	rows map[string][]map[string]any
}

func (t *tenant) Put(entity string, fields map[string]any) int64 {
	if _, given := fields["id"]; !given {
		t.next++
		fields["id"] = t.next
	}
	t.rows[entity] = append(t.rows[entity], fields)
	id, _ := fields["id"].(int64)
	return id
}

func fill(n int, s int64) *tenant {
	t := &tenant{next: 1000, rows: map[string][]map[string]any{}}
	seed.Fill(t, seed.Spec{Companies: n, Seed: s, Today: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)})
	return t
}

func TestSameSpecSameRows(t *testing.T) {
	decimals := cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) })
	if diff := cmp.Diff(fill(80, 3).rows, fill(80, 3).rows, decimals); diff != "" {
		t.Errorf("two runs differ: %s", diff)
	}
	if cmp.Equal(fill(80, 3).rows, fill(80, 4).rows, decimals) {
		t.Error("the seed makes no difference")
	}
}

func TestMix(t *testing.T) {
	rows := fill(200, 1).rows
	kinds := map[[2]any]int{}
	names := map[string]bool{}
	for _, c := range rows["Companies"] {
		kinds[[2]any{c["companyType"], c["isActive"]}]++
		names[c["companyName"].(string)] = true
	}
	for _, want := range [][2]any{{1, true}, {1, false}, {2, true}, {3, true}, {4, false}, {7, true}, {7, false}, {8, true}} {
		if kinds[want] == 0 {
			t.Errorf("no company of type %v, active %v", want[0], want[1])
		}
	}
	if len(names) != len(rows["Companies"]) || rows["Companies"][0]["id"] != 0 {
		t.Errorf("%d names for %d companies, first id %v", len(names), len(rows["Companies"]), rows["Companies"][0]["id"])
	}
	types := map[any]int{}
	for _, c := range rows["Contracts"] {
		types[c["contractType"]]++
	}
	for _, kind := range []int{1, 3, 4, 6, 7, 8} {
		if types[kind] == 0 {
			t.Errorf("no contract of type %d", kind)
		}
	}
	for _, entity := range []string{
		"Contacts", "ContractServices", "ContractServiceUnits", "ContractServiceBundles", "ContractServiceBundleUnits",
		"ContractCharges", "Services", "ServiceBundles", "ServiceBundleServices", "Products", "ProductVendors", "Currencies", "Countries",
	} {
		if len(rows[entity]) == 0 {
			t.Errorf("no %s", entity)
		}
	}
}

// Unit rows hold extended amounts, and each running contract has one that covers today.
func TestUnits(t *testing.T) {
	rows := fill(100, 1).rows
	today := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	covered := map[any]bool{}
	unit := map[any]decimal.Decimal{}
	for _, s := range rows["ContractServices"] {
		unit[s["id"]] = s["unitCost"].(decimal.Decimal)
	}
	for _, u := range rows["ContractServiceUnits"] {
		if want := unit[u["contractServiceID"]].Mul(decimal.NewFromInt(u["units"].(int64))); !want.Equal(u["cost"].(decimal.Decimal)) {
			t.Fatalf("cost %v of %v units, want %v", u["cost"], u["units"], want)
		}
		if !u["startDate"].(time.Time).After(today) && u["endDate"].(time.Time).AddDate(0, 0, 1).After(today) {
			covered[u["contractServiceID"]] = true
		}
	}
	if len(covered) != len(rows["ContractServices"]) {
		t.Errorf("%d of %d services have units today", len(covered), len(rows["ContractServices"]))
	}
}
