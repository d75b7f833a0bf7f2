package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/sim/autotask/sim"
)

// recurring puts a contract from June to December 2026 with a line of mail, 10 units of 10, whose rows name a vendor of their own.
func recurring(t *testing.T, tn *tenant) (contract, line int64) {
	t.Helper()
	usual := tn.Put("Companies", sim.Row{"companyName": "Usual", "companyType": 7})
	vendor := tn.Put("Companies", sim.Row{"companyName": "Vendor", "companyType": 7})
	service := tn.Put("Services", sim.Row{"name": "Mail", "periodType": 2, "unitCost": "10", "unitPrice": "20", "vendorCompanyID": usual})
	company := tn.Put("Companies", sim.Row{"companyName": "Client", "companyType": 1})
	contract = tn.Put("Contracts", sim.Row{
		"companyID": company, "contractName": "Care", "contractType": 7, "status": 1, "startDate": "2026-06-16", "endDate": "2026-12-31",
	})
	line, err := tn.AddLine(contract, service, 10, time.Date(2026, 6, 16, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range tn.All("ContractServiceUnits") {
		if err := tn.Edit("ContractServiceUnits", row["id"].(int64), sim.Row{"vendorCompanyID": vendor}); err != nil {
			t.Fatal(err)
		}
	}
	return contract, line
}

// unitsOf are the unit rows as text, of which the last few.
func unitsOf(tn *tenant, last int) []string {
	var all []string
	for _, row := range tn.All("ContractServiceUnits") {
		day := func(field string) string { return row[field].(time.Time).Format(time.DateOnly) }
		all = append(all, fmt.Sprintf("%s %s %v units %v %v", day("startDate"), day("endDate"), row["units"], row["cost"], row["price"]))
	}
	return all[max(0, len(all)-last):]
}

func want(t *testing.T, tn *tenant, rows ...string) {
	t.Helper()
	if diff := cmp.Diff(rows, unitsOf(tn, len(rows))); diff != "" {
		t.Errorf("unit rows (-want +got):\n%s", diff)
	}
}

// The day of these tests is 23 November 2026.
func TestLinesOfContracts(t *testing.T) {
	tn := start(t, nil)
	contract, line := recurring(t, tn)
	if first := unitsOf(tn, 7)[0]; first != "2026-06-16 2026-06-30 10 units 50 100" {
		t.Errorf("the first row is %s, want half of a month's", first)
	}
	modified := func() time.Time {
		row, _ := tn.Get("Contracts", contract)
		return row["lastModifiedDateTime"].(time.Time)
	}
	before := modified()

	tn.clock.Add(time.Hour)
	tn.must("POST", fmt.Sprintf("/sim/ContractServices/%d/adjust", line), `{"units":12}`)
	want(t, tn,
		"2026-11-01 2026-11-23 10 units 76.6667 153.3333",
		"2026-12-01 2026-12-31 12 units 120 240",
		"2026-11-23 2026-11-30 12 units 32 64")
	if !modified().Equal(before) {
		t.Error("an adjustment moved the contract's modification time")
	}

	tn.must("POST", fmt.Sprintf("/sim/Contracts/%d/renew", contract), `{"months":2}`)
	want(t, tn, "2027-01-01 2027-01-31 12 units 120 240", "2027-02-01 2027-02-28 12 units 120 240")
	if row, _ := tn.Get("Contracts", contract); row["endDate"].(time.Time).Format(time.DateOnly) != "2027-02-28" {
		t.Errorf("the renewed contract ends on %v", row["endDate"])
	}

	tn.must("POST", fmt.Sprintf("/sim/ContractServices/%d/unstamp", line), "")
	for _, row := range tn.All("ContractServiceUnits") {
		if row["vendorCompanyID"] != nil {
			t.Errorf("row %v has vendor %v", row["id"], row["vendorCompanyID"])
		}
	}

	tn.must("POST", fmt.Sprintf("/sim/ContractServices/%d/adjust", line), `{"units":0}`)
	want(t, tn, "2027-01-01 2027-01-31 0 units 0 0", "2027-02-01 2027-02-28 0 units 0 0", "2026-11-23 2026-11-30 0 units 0 0")

	tn.clock.Add(24 * time.Hour)
	tn.must("POST", fmt.Sprintf("/sim/ContractServices/%d/cancel", line), "")
	want(t, tn, "2026-11-01 2026-11-23 10 units 76.6667 153.3333", "2026-11-23 2026-11-23 12 units 4 8", "2026-11-23 2026-11-23 0 units 0 0")
	if _, there := tn.Get("ContractServices", line); !there {
		t.Error("the line's own row is gone")
	}
	if r := tn.do("POST", fmt.Sprintf("/sim/ContractServices/%d/adjust", line), `{"units":3}`); r.status != 400 {
		t.Errorf("a line without a row of today was adjusted: %d %s", r.status, r.raw)
	}
	added := tn.must("POST", fmt.Sprintf("/sim/Contracts/%d/addLine", contract),
		fmt.Sprintf(`{"serviceID":%d,"units":1,"from":"2027-02-15"}`, tn.All("Services")[0]["id"])).body["id"]
	want(t, tn, "2027-02-15 2027-02-28 1 units 5 10")
	if added == float64(line) {
		t.Error("the added line is the cancelled one")
	}
}

func TestOperationsThatCannotBe(t *testing.T) {
	tn := start(t, nil)
	contract, line := recurring(t, tn)
	for path, status := range map[string]int{
		fmt.Sprintf("/sim/ContractServices/%d/adjust", line):      400, // of no units
		fmt.Sprintf("/sim/ContractServices/%d/renew", line):       400,
		fmt.Sprintf("/sim/ContractServices/%d/explode", line):     400,
		fmt.Sprintf("/sim/Contracts/%d/renew", contract):          400, // by no months
		fmt.Sprintf("/sim/Contracts/%d/addLine", contract):        400,
		fmt.Sprintf("/sim/Companies/%d/cancel", contract):         400,
		"/sim/ContractServices/99/cancel":                         404,
		"/sim/ContractServiceBundles/99/cancel":                   404,
		"/sim/Contracts/99/renew":                                 404,
		"/sim/ContractServices/one/cancel":                        400,
		fmt.Sprintf("/sim/ContractServiceUnits/%d/unstamp", line): 400,
	} {
		if r := tn.do("POST", path, ""); r.status != status {
			t.Errorf("%s: %d %s, want %d", path, r.status, r.raw, status)
		}
	}
	if rows := unitsOf(tn, 99); len(rows) != 7 {
		t.Errorf("rows %v", rows)
	}
}

// A bundle's line is adjusted like a service's; its cost is the catalogue's.
func TestLinesOfBundles(t *testing.T) {
	tn := start(t, nil)
	contract, _ := recurring(t, tn)
	bundle := tn.Put("ServiceBundles", sim.Row{"name": "Suite", "periodType": 2, "unitCost": "30", "unitPrice": "60"})
	line := tn.Put("ContractServiceBundles", sim.Row{"contractID": contract, "serviceBundleID": bundle, "unitPrice": "60"})
	row := tn.Put("ContractServiceBundleUnits", sim.Row{
		"contractID": contract, "contractServiceBundleID": line, "serviceBundleID": bundle, "units": 1, "cost": "30", "price": "60",
		"startDate": "2026-11-01", "endDate": "2026-11-30",
	})
	if err := tn.Adjust("ContractServiceBundles", line, 4); err != nil {
		t.Fatal(err)
	}
	rows := tn.All("ContractServiceBundleUnits")
	if len(rows) != 2 || rows[0]["id"] != row || fmt.Sprint(rows[0]["cost"]) != "23" || fmt.Sprint(rows[1]["cost"]) != "32" {
		t.Errorf("rows %v", rows)
	}
}
