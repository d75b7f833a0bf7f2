package seed_test

import (
	"slices"
	"strings"
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

var today = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func fill(n int, s int64) *tenant { return fillAt(n, s, today) }

func fillAt(n int, s int64, today time.Time) *tenant {
	t := &tenant{next: 1000, rows: map[string][]map[string]any{}}
	seed.Fill(t, seed.Spec{Companies: n, Seed: s, Today: today})
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

// Unit rows hold extended amounts, and each managed contract has one for each of its lines that covers today.
func TestUnits(t *testing.T) {
	rows := fill(100, 1).rows
	covered := map[any]bool{}
	plain, lines := map[any]bool{}, 0
	for _, c := range rows["Contracts"] {
		plain[c["id"]] = strings.HasPrefix(c["contractName"].(string), "Managed services: ")
	}
	unit := map[any]decimal.Decimal{}
	for _, s := range rows["ContractServices"] {
		unit[s["id"]] = s["unitCost"].(decimal.Decimal)
		if plain[s["contractID"]] {
			lines++
		}
	}
	for _, u := range rows["ContractServiceUnits"] {
		if !plain[u["contractID"]] {
			continue
		}
		if want := unit[u["contractServiceID"]].Mul(decimal.NewFromInt(u["units"].(int64))); !want.Equal(u["cost"].(decimal.Decimal)) {
			t.Fatalf("cost %v of %v units, want %v", u["cost"], u["units"], want)
		}
		if covers(u) {
			covered[u["contractServiceID"]] = true
		}
	}
	if len(covered) != lines || lines == 0 {
		t.Errorf("%d of %d services have units today", len(covered), lines)
	}
}

func covers(u map[string]any) bool {
	return !u["startDate"].(time.Time).After(today) && u["endDate"].(time.Time).AddDate(0, 0, 1).After(today)
}

// Every shape is there, however small the tenant is, and whatever day it is.
func TestShapes(t *testing.T) {
	for _, day := range []string{"2026-11-23", "2026-11-01", "2026-11-30", "2028-02-29", "2027-01-31"} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(23 * time.Hour)
		rows := fillAt(3, 1, at).rows
		of := func(contract string) (lines, units []map[string]any) {
			var id any
			for _, c := range rows["Contracts"] {
				if c["contractName"] == contract {
					id = c["id"]
				}
			}
			if id == nil {
				t.Fatalf("on %s there is no contract %q", day, contract)
			}
			for _, l := range slices.Concat(rows["ContractServices"], rows["ContractServiceBundles"]) {
				if l["contractID"] == id {
					lines = append(lines, l)
				}
			}
			for _, u := range slices.Concat(rows["ContractServiceUnits"], rows["ContractServiceBundleUnits"]) {
				if u["contractID"] == id {
					units = append(units, u)
				}
			}
			return lines, units
		}
		now := func(contract string) (covering []map[string]any) {
			_, units := of(contract)
			for _, u := range units {
				if !u["startDate"].(time.Time).After(at) && u["endDate"].(time.Time).AddDate(0, 0, 1).After(at) {
					covering = append(covering, u)
				}
			}
			return covering
		}
		cost := func(u map[string]any) decimal.Decimal { return u["cost"].(decimal.Decimal) }

		if _, u := of("Backup from the middle of the month"); !cost(u[0]).LessThan(cost(u[1])) || !cost(u[1]).Equal(cost(u[2])) {
			t.Errorf("on %s the first row is not prorated: %v", day, u[:3])
		}
		if u := now("Mail security, adjusted today"); len(u) != 2 || u[0]["endDate"] != u[1]["startDate"] || u[0]["units"] == u[1]["units"] {
			t.Errorf("on %s no two rows share the day: %v", day, u)
		}
		if u := now("Firewall, without the desktops it had"); len(u) != 2 || u[1]["units"] != int64(0) {
			t.Errorf("on %s no line has no units: %v", day, u)
		}
		if l, _ := of("Endpoint protection, mail security cancelled"); len(l) != 2 || len(now("Endpoint protection, mail security cancelled")) != 1 {
			t.Errorf("on %s no line is without a row", day)
		}
		if u := now("Rows without a line"); len(u) != 2 || u[0]["contractServiceID"] != nil || u[1]["contractServiceBundleID"] != nil {
			t.Errorf("on %s rows tell their line: %v", day, u)
		}
		if u := now("Stamped beside unstamped"); len(u) != 2 || u[0]["vendorCompanyID"] == nil || u[1]["vendorCompanyID"] != nil {
			t.Errorf("on %s stamps: %v", day, u)
		}
		if _, u := of("Ten years of backup"); len(u) != 120 || u[119]["endDate"].(time.Time).Year() < at.Year()+9 {
			t.Errorf("on %s %d rows", day, len(u))
		}
		if u := now("Endpoint protection for three months"); len(u) != 1 || !cost(u[0]).LessThan(decimal.RequireFromString("36")) {
			t.Errorf("on %s a quarter of 40 × 3.40 costs %v", day, u)
		}
		if l, u := of("Desktops with a credit"); len(l) != 2 || l[0]["serviceID"] != l[1]["serviceID"] || !cost(u[len(u)-1]).IsNegative() {
			t.Errorf("on %s there is no credit line", day)
		}
		if _, u := of("Mail security between two periods"); len(u) == 0 || len(now("Mail security between two periods")) != 0 {
			t.Errorf("on %s a row covers today", day)
		}
		if _, u := of("Firewall until last year"); len(u) == 0 || !u[len(u)-1]["endDate"].(time.Time).Before(at) {
			t.Errorf("on %s the contract has not ended", day)
		}
	}
}

// Customers pay in several currencies; the price in the tenant's own goes by what that of the customer costs.
func TestCurrencies(t *testing.T) {
	rows := fill(100, 1).rows
	pays, paid := map[any]any{}, map[any]int{}
	for _, c := range rows["Companies"] {
		pays[c["id"]] = c["currencyID"]
	}
	for _, c := range rows["Contracts"] {
		pays[c["id"]] = pays[c["companyID"]]
	}
	rates := map[any]string{nil: "1", int64(1): "1", int64(2): "0.92", int64(3): "0.79"}
	for _, u := range rows["ContractServiceUnits"] {
		currency := pays[u["contractID"]]
		paid[currency]++
		theirs := u["internalCurrencyPrice"].(decimal.Decimal).Mul(decimal.RequireFromString(rates[currency]))
		if got := u["price"].(decimal.Decimal); got.Sub(theirs).Abs().GreaterThan(decimal.RequireFromString("0.05")) {
			t.Fatalf("price %v in currency %v, want %v", got, currency, theirs)
		}
	}
	for currency := range rates {
		if paid[currency] == 0 {
			t.Errorf("no row of a customer of currency %v", currency)
		}
	}
	if len(rows["Currencies"]) != 3 {
		t.Errorf("%d currencies", len(rows["Currencies"]))
	}
}
