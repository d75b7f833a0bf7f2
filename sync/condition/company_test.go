package condition_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/condition"
)

func TestCompany(t *testing.T) {
	rows := []struct {
		name    string
		company autotask.Company
		deleted bool
		absent  bool // the sync is not installed
		options v1.Options
		want    []string
		detail  string
	}{
		{name: "an active customer syncs", company: customer(), detail: "Synced: every condition holds."},
		{
			name: "an inactive customer does not", company: customer(inactive), want: []string{"status_inactive"},
			detail: "Not synced: company status is Inactive; only Active syncs.",
		},
		{
			name: "both reasons are named", company: customer(ofType(3), inactive),
			want: []string{"type_not_customer", "status_inactive"},
			detail: "Not synced: company type is Prospect (3); only Customer (1) syncs; also, " +
				"company status is Inactive; only Active syncs.",
		},
		{
			name: "the MSP itself never syncs", company: customer(withID(0)), want: []string{"own_company"},
			detail: "Not synced: company is your own organization (id 0), which never syncs.",
		},
		{
			name: "nor when it is on the include list", company: customer(withID(0)), options: v1.Options{Include: []int64{0}},
			want: []string{"own_company"},
		},
		{
			name: "on the exclude list", company: customer(), options: v1.Options{Exclude: []int64{41, 42}},
			want: []string{"excluded"}, detail: "Not synced: company 42 is on the exclude list of this installation.",
		},
		{name: "somebody else on the exclude list", company: customer(), options: v1.Options{Exclude: []int64{41}}},
		{name: "on the include list", company: customer(), options: v1.Options{Include: []int64{42}}},
		{
			name: "not on a non-empty include list", company: customer(), options: v1.Options{Include: []int64{41}},
			want: []string{"excluded"}, detail: "Not synced: company 42 is not on the include list of this installation.",
		},
		{
			name: "exclude wins over include", company: customer(),
			options: v1.Options{Include: []int64{42}, Exclude: []int64{42}}, want: []string{"excluded"},
		},
		{name: "classification that is let through", company: customer(), options: v1.Options{CompanyClassifications: []int64{1, 5}}},
		{
			name: "classification that is not", company: customer(classified(9)),
			options: v1.Options{CompanyClassifications: []int64{5, 1}}, want: []string{"filtered"},
			detail: "Not synced: company classification is 9; the filter of this installation lets only 1, 5 sync.",
		},
		{
			name: "no classification under a filter", company: customer(withoutClassification),
			options: v1.Options{CompanyClassifications: []int64{5}}, want: []string{"filtered"},
			detail: "Not synced: company classification is none; the filter of this installation lets only 5 sync.",
		},
		{name: "no classification without a filter", company: customer(withoutClassification)},
		{
			name: "a deleted company is only that", company: autotask.Company{ID: 42}, deleted: true,
			want: []string{"deleted_at_source"}, detail: "Not synced: company no longer exists in Autotask.",
		},
		{
			name: "the sync is not installed", company: customer(), absent: true, want: []string{"sync_not_installed"},
			detail: "Not synced: the sync Active Customers is not installed.",
		},
		{
			name: "every reason at once, in the order of the list", company: customer(ofType(3), inactive, withID(0), classified(9)),
			absent: true, options: v1.Options{Exclude: []int64{0}, CompanyClassifications: []int64{5}},
			want: []string{"type_not_customer", "status_inactive", "own_company", "excluded", "filtered", "sync_not_installed"},
		},
	}
	for n, name := range map[int64]string{2: "Lead", 3: "Prospect", 4: "Dead", 5: "unknown", 6: "Cancelation", 7: "Vendor", 8: "Partner"} {
		row := rows[0]
		row.name, row.company, row.want = "no other type does: "+name, customer(ofType(n)), []string{"type_not_customer"}
		row.detail = fmt.Sprintf("Not synced: company type is %s (%d); only Customer (1) syncs.", name, n)
		rows = append(rows, row)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			d := condition.Company(condition.CompanyFacts{
				Company: row.company, Deleted: row.deleted, Installed: !row.absent, Options: row.options,
			})
			verdict(t, d, v1.SyncActiveCustomers, row.want, row.detail)
		})
	}
}

func TestContractsCompany(t *testing.T) {
	rows := []struct {
		name        string
		company     autotask.Company
		hasContract bool
		deleted     bool
		want        []string
	}{
		{"an active customer with a contract", customer(), true, false, nil},
		{"an active customer without one", customer(), false, false, []string{"no_contract"}},
		{"a prospect without one", customer(ofType(3)), false, false, []string{"type_not_customer", "no_contract"}},
		{"an inactive customer with one", customer(inactive), true, false, []string{"status_inactive"}},
		{"a deleted one", autotask.Company{ID: 42}, true, true, []string{"deleted_at_source"}},
		{"the MSP itself", customer(withID(0)), true, false, []string{"own_company"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			d := condition.ContractsCompany(condition.ContractsCompanyFacts{
				CompanyFacts: condition.CompanyFacts{Company: row.company, Deleted: row.deleted, Installed: true},
				HasContract:  row.hasContract,
			})
			verdict(t, d, v1.SyncActiveCustomerContracts, row.want, "")
		})
	}
}

// All conditions of a sync are there whether they hold or not: the list is what a person reads.
func TestEveryConditionIsNamed(t *testing.T) {
	codes := func(d condition.Decision) (out []string) {
		for _, c := range d.Conditions {
			out = append(out, c.Code)
		}
		return out
	}
	d := condition.Company(condition.CompanyFacts{Company: customer(), Installed: true})
	want := []string{
		"type_not_customer", "status_inactive", "own_company", "excluded", "filtered", "deleted_at_source", "sync_not_installed",
	}
	if got := codes(d); !slices.Equal(got, want) {
		t.Errorf("company: %v, want %v", got, want)
	}
	d = condition.Contract(condition.ContractFacts{Contract: managed(), Company: customer(), Installed: true})
	want = []string{
		"contract_inactive", "filtered", "filtered", "deleted_at_source", "client_out_of_scope", "sync_not_installed",
	}
	if got := codes(d); !slices.Equal(got, want) {
		t.Errorf("contract: %v, want %v", got, want)
	}
}

func BenchmarkCompany(b *testing.B) {
	facts := condition.CompanyFacts{Company: customer(ofType(3), inactive), Installed: true}
	b.ReportAllocs()
	for b.Loop() {
		if condition.Company(facts).Met {
			b.Fatal("a prospect syncs")
		}
	}
}

// TestANumberIsSaidWithItsName: the vendor's, else the tenant's, as far as it is known.
func TestANumberIsSaidWithItsName(t *testing.T) {
	names := condition.Names{
		"companyType": {1: "Client", 12: "Reseller"}, "classification": {2: "Silver"}, "contractType": {30: "Flat"}, "contractCategory": {5: "Backup"}, "status": {2: "On hold"},
	}
	silver, backup := int64(2), int64(5)
	company := autotask.Company{ID: 7, CompanyType: 12, IsActive: true, Classification: &silver}
	contract := autotask.Contract{ID: 9, CompanyID: 7, ContractType: 30, ContractCategory: &backup, Status: 2}
	o := v1.Options{CompanyClassifications: []int64{1, 2}, ContractStatus: condition.OptionActive}
	for what, tc := range map[string]struct {
		names condition.Names
		want  []string
	}{
		"known": {names, []string{
			"company type is Reseller (12)", "company classification is Silver (2)", "contract status is On hold (2)", "contract type is Flat (30)", "contract category is Backup (5)",
			"out of scope (company type is Reseller (12)",
		}},
		"not known": {nil, []string{
			"company type is unknown (12)", "company classification is 2", "contract status is Inactive (2)", "contract type is unknown (30)", "contract category is 5",
		}},
	} {
		said := ""
		for _, d := range []condition.Decision{
			condition.Company(condition.CompanyFacts{Company: company, Installed: true, Options: o, Names: tc.names}),
			condition.Contract(condition.ContractFacts{Contract: contract, Company: company, Installed: true, Options: o, Names: tc.names}),
		} {
			for _, c := range d.Conditions {
				said += c.Detail + "\n"
			}
		}
		for _, want := range tc.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not said in\n%s", what, want, said)
			}
		}
	}
}
