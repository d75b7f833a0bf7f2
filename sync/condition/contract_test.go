package condition_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/sync/condition"
)

func managed(change ...func(*autotask.Contract)) autotask.Contract {
	c := autotask.Contract{ID: 9, CompanyID: 42, ContractName: "Managed", ContractType: 7, ContractCategory: ptr(int64(12)), Status: 1}
	for _, f := range change {
		f(&c)
	}
	return c
}

func withStatus(n int64) func(*autotask.Contract) { return func(c *autotask.Contract) { c.Status = n } }

func withType(n int64) func(*autotask.Contract) {
	return func(c *autotask.Contract) { c.ContractType = n }
}
func withoutCategory(c *autotask.Contract) { c.ContractCategory = nil }

func TestContract(t *testing.T) {
	active := v1.Options{ContractStatus: "active"}
	rows := []struct {
		name     string
		contract autotask.Contract
		gone     bool
		company  autotask.Company
		deleted  bool // the company
		absent   bool
		options  v1.Options
		want     []string
		detail   string
	}{
		{name: "of an active customer", contract: managed(), company: customer(), detail: "Synced: every condition holds."},
		{name: "inactive, and any status syncs", contract: managed(withStatus(0)), company: customer()},
		{
			name: "inactive, and any status is said", contract: managed(withStatus(0)), company: customer(),
			options: v1.Options{ContractStatus: "any"},
		},
		{
			name: "inactive (0), and only active ones sync", contract: managed(withStatus(0)), company: customer(), options: active,
			want:   []string{"contract_inactive"},
			detail: "Not synced: contract status is Inactive (0); the options of this installation let only In Effect (1) sync.",
		},
		{
			name: "inactive by the tenant's number for it", contract: managed(withStatus(2)), company: customer(), options: active,
			want: []string{"contract_inactive"},
		},
		{name: "active, and only active ones sync", contract: managed(), company: customer(), options: active},
		{
			name: "type that is let through", contract: managed(), company: customer(),
			options: v1.Options{ContractTypes: []int64{7}},
		},
		{
			name: "type that is not", contract: managed(withType(1)), company: customer(),
			options: v1.Options{ContractTypes: []int64{7, 3}}, want: []string{"filtered"},
			detail: "Not synced: contract type is Time & Materials (1); the filter of this installation lets only " +
				"Fixed Price (3), Recurring Service (7) sync.",
		},
		{
			name: "category that is not", contract: managed(), company: customer(),
			options: v1.Options{ContractCategories: []int64{1}}, want: []string{"filtered"},
			detail: "Not synced: contract category is 12; the filter of this installation lets only 1 sync.",
		},
		{
			name: "no category under a filter", contract: managed(withoutCategory), company: customer(),
			options: v1.Options{ContractCategories: []int64{12}}, want: []string{"filtered"},
		},
		{
			name: "type and category are one code, both in the detail", contract: managed(withType(4)), company: customer(),
			options: v1.Options{ContractTypes: []int64{7}, ContractCategories: []int64{1}}, want: []string{"filtered"},
			detail: "Not synced: contract type is Block Hours (4); the filter of this installation lets only " +
				"Recurring Service (7) sync; also, contract category is 12; the filter of this installation lets only 1 sync.",
		},
		{
			name: "deleted is only that", contract: autotask.Contract{ID: 9}, gone: true, company: autotask.Company{},
			options: v1.Options{ContractStatus: "active", ContractTypes: []int64{7}}, want: []string{"deleted_at_source"},
			detail: "Not synced: contract no longer exists in Autotask.",
		},
		{
			name: "its company is a prospect", contract: managed(), company: customer(ofType(3)), want: []string{"client_out_of_scope"},
			detail: "Not synced: the contract's company is out of scope (company type is Prospect (3); only Customer (1) syncs).",
		},
		{
			name: "its company is inactive", contract: managed(), company: customer(inactive), want: []string{"client_out_of_scope"},
			detail: "Not synced: the contract's company is out of scope (company status is Inactive; only Active syncs).",
		},
		{
			name: "its company is gone", contract: managed(), company: autotask.Company{ID: 42}, deleted: true,
			want:   []string{"client_out_of_scope"},
			detail: "Not synced: the contract's company is out of scope (company no longer exists in Autotask).",
		},
		{name: "its company is the MSP itself", contract: managed(), company: customer(withID(0)), want: []string{"client_out_of_scope"}},
		{
			name: "its company is excluded", contract: managed(), company: customer(), options: v1.Options{Exclude: []int64{42}},
			want: []string{"client_out_of_scope"},
		},
		{
			name: "its company is not included", contract: managed(), company: customer(), options: v1.Options{Include: []int64{1}},
			want: []string{"client_out_of_scope"},
		},
		{
			name: "its company is filtered", contract: managed(), company: customer(),
			options: v1.Options{CompanyClassifications: []int64{1}}, want: []string{"client_out_of_scope"},
		},
		{
			name: "the sync is not installed", contract: managed(), company: customer(), absent: true,
			want: []string{"sync_not_installed"}, detail: "Not synced: the sync Active Customer Contracts is not installed.",
		},
		{
			name: "every reason at once, in the order of the list", contract: managed(withStatus(0), withType(1)),
			company: customer(inactive), absent: true, options: v1.Options{ContractStatus: "active", ContractTypes: []int64{7}},
			want: []string{"contract_inactive", "filtered", "client_out_of_scope", "sync_not_installed"},
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			d := condition.Contract(condition.ContractFacts{
				Contract: row.contract, ContractDeleted: row.gone, Company: row.company, CompanyDeleted: row.deleted,
				Installed: !row.absent, Options: row.options,
			})
			verdict(t, d, v1.SyncActiveCustomerContracts, row.want, row.detail)
		})
	}
}

func TestTheClientsReasonsAreTheValue(t *testing.T) {
	d := condition.Contract(condition.ContractFacts{
		Contract: managed(), Company: customer(ofType(3), inactive), Installed: true,
	})
	i := slices.IndexFunc(d.Conditions, func(c v1.Condition) bool { return c.Code == v1.ReasonClientOutOfScope })
	if got := d.Conditions[i].Value; got != "type_not_customer, status_inactive" {
		t.Errorf("value %q", got)
	}
}

func TestArchivedReason(t *testing.T) {
	company := channelprogram.ArchivedReasons(v1.KindCompany)
	contract := channelprogram.ArchivedReasons(v1.KindContract)
	ofCompany := func(c autotask.Company, deleted, installed bool, o v1.Options) condition.Decision {
		return condition.Company(condition.CompanyFacts{Company: c, Deleted: deleted, Installed: installed, Options: o})
	}
	ofContract := func(c autotask.Company, gone bool, o v1.Options) condition.Decision {
		return condition.Contract(condition.ContractFacts{
			Contract: managed(withStatus(0)), ContractDeleted: gone, Company: c, Installed: true, Options: o,
		})
	}
	rows := []struct {
		name    string
		d       condition.Decision
		allowed []string
		want    string
	}{
		{"in scope", ofCompany(customer(), false, true, v1.Options{}), company, ""},
		{"a prospect", ofCompany(customer(ofType(3)), false, true, v1.Options{}), company, "type_not_customer"},
		{"a prospect that is inactive", ofCompany(customer(ofType(3), inactive), false, true, v1.Options{}), company, "type_not_customer"},
		{"inactive", ofCompany(customer(inactive), false, true, v1.Options{}), company, "status_inactive"},
		{"deleted", ofCompany(autotask.Company{ID: 42}, true, true, v1.Options{}), company, "deleted_at_source"},
		{"the sync was uninstalled", ofCompany(customer(inactive), false, false, v1.Options{}), company, ""},
		{"excluded is left alone", ofCompany(customer(inactive), false, true, v1.Options{Exclude: []int64{42}}), company, ""},
		{"the MSP itself is left alone", ofCompany(customer(withID(0), inactive), false, true, v1.Options{}), company, ""},
		{"contract of an inactive company", ofContract(customer(inactive), false, v1.Options{}), contract, "client_out_of_scope"},
		{"contract of an excluded company", ofContract(customer(), false, v1.Options{Exclude: []int64{42}}), contract, ""},
		{"contract that is filtered", ofContract(customer(inactive), false, v1.Options{ContractTypes: []int64{1}}), contract, ""},
		{"contract that is inactive by option", ofContract(customer(), false, v1.Options{ContractStatus: "active"}), contract, ""},
		{"deleted contract", ofContract(autotask.Company{}, true, v1.Options{}), contract, "deleted_at_source"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := row.d.ArchivedReason(row.allowed); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// A decision is met exactly when no condition fails, whatever the facts, and
// its reasons never leave the order of the list.
func TestDecisionsAgreeWithThemselves(t *testing.T) {
	order := v1.Reasons()
	ids := rapid.SliceOfN(rapid.Int64Range(0, 3), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		options := v1.Options{
			ContractStatus: rapid.SampledFrom([]string{"", "any", "active"}).Draw(t, "contractStatus"),
			ContractTypes:  ids.Draw(t, "types"), ContractCategories: ids.Draw(t, "categories"),
			CompanyClassifications: ids.Draw(t, "classifications"),
			Include:                ids.Draw(t, "include"), Exclude: ids.Draw(t, "exclude"),
		}
		company := autotask.Company{
			ID: rapid.Int64Range(0, 3).Draw(t, "id"), CompanyType: rapid.Int64Range(0, 9).Draw(t, "type"),
			IsActive: rapid.Bool().Draw(t, "active"), Classification: ptr(rapid.Int64Range(0, 3).Draw(t, "classification")),
		}
		facts := condition.CompanyFacts{
			Company: company, Deleted: rapid.Bool().Draw(t, "deleted"), Installed: rapid.Bool().Draw(t, "installed"), Options: options,
		}
		contract := condition.ContractFacts{
			Contract:        autotask.Contract{ContractType: rapid.Int64Range(0, 9).Draw(t, "contractType"), Status: rapid.Int64Range(0, 2).Draw(t, "status")},
			ContractDeleted: rapid.Bool().Draw(t, "gone"), Company: company, CompanyDeleted: facts.Deleted,
			Installed: facts.Installed, Options: options,
		}
		for _, d := range []condition.Decision{
			condition.Company(facts), condition.Contract(contract),
			condition.ContractsCompany(condition.ContractsCompanyFacts{CompanyFacts: facts, HasContract: rapid.Bool().Draw(t, "has")}),
		} {
			reasons := d.Reasons()
			if d.Met != (len(reasons) == 0) || d.Met != strings.HasPrefix(d.Detail(), "Synced") {
				t.Fatalf("met %v, reasons %v, detail %q", d.Met, reasons, d.Detail())
			}
			if !slices.IsSortedFunc(reasons, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) }) {
				t.Fatalf("reasons %v out of order", reasons)
			}
			if d.Met && (company.CompanyType != 1 || !company.IsActive || company.ID == 0) && !contract.ContractDeleted {
				t.Fatalf("met for %+v", company)
			}
		}
	})
}

func BenchmarkContract(b *testing.B) {
	facts := condition.ContractFacts{Contract: managed(), Company: customer(), Installed: true}
	b.ReportAllocs()
	for b.Loop() {
		if !condition.Contract(facts).Met {
			b.Fatal("does not sync")
		}
	}
}
