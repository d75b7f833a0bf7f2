package oracle

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	autotask "channelsync/test/sim/autotask/sim"
)

func company(fields autotask.Row) put {
	edit := autotask.Row{"id": acme}
	maps.Copy(edit, fields)
	return in("Companies", edit)
}

func contract(fields autotask.Row) put {
	edit := autotask.Row{"id": agreement}
	maps.Copy(edit, fields)
	return in("Contracts", edit)
}

// held is what a state holds, in short.
func held(s State) []string {
	var keys []string
	for id, c := range s.Clients {
		if c.Full {
			keys = append(keys, fullClientKey(id))
		} else {
			keys = append(keys, clientKey(id))
		}
	}
	for id := range s.Contracts {
		keys = append(keys, contractKey(id))
	}
	slices.Sort(keys)
	return keys
}

func TestScope(t *testing.T) {
	everything := []string{"client/5/full", "contract/50"}
	for _, c := range []struct {
		why   string
		syncs []string
		rows  []put
		want  []string
	}{
		{"an active customer and its contract", both, nil, everything},
		{"customers alone bring no contract", customersOnly, nil, []string{"client/5/full"}},
		{"contracts alone bring the client by name only", contractsOnly, nil, []string{"client/5", "contract/50"}},
		{"no sync, nothing", nil, nil, nil},
		{"a lead is no customer", both, with(company(autotask.Row{"companyType": 2})), nil},
		{"a vendor is no customer", both, with(company(autotask.Row{"companyType": 7})), nil},
		{
			"an inactive customer does not sync, nor does its contract",
			both, with(company(autotask.Row{"isActive": false})), nil,
		},
		{"nor with contracts alone", contractsOnly, with(company(autotask.Row{"isActive": false})), nil},
		{"no type at all", both, with(company(autotask.Row{"companyType": nil})), nil},
		{"a company without a name cannot be held", both, with(company(autotask.Row{"companyName": " \t"})), nil},
		{
			"the MSP itself never syncs, nor does a contract of its own", both,
			with(in("Contracts", autotask.Row{"id": 51, "companyID": 0, "contractName": "Own", "contractType": 7})), everything,
		},
		{
			"a customer without a contract is a client all the same", both,
			with(contract(autotask.Row{"companyID": alpha})),
			[]string{"client/5/full"},
		},
		{"but not with contracts alone", contractsOnly, with(contract(autotask.Row{"companyID": alpha})), nil},
		{"a contract of any status counts", both, with(contract(autotask.Row{"status": 0})), everything},
		{"a contract of any type counts", both, with(contract(autotask.Row{"contractType": 8})), everything},
		{
			"a contract that has ended counts", both,
			with(contract(autotask.Row{"startDate": "2019-01-01", "endDate": "2019-12-31"})), everything,
		},
		{
			"a contract of a company that is gone",
			both, with(contract(autotask.Row{"companyID": 999})),
			[]string{"client/5/full"},
		},
		{
			"several contracts of one company", contractsOnly,
			with(in("Contracts", autotask.Row{"id": 51, "companyID": acme, "contractType": 1})),
			[]string{"client/5", "contract/50", "contract/51"},
		},
	} {
		t.Run(c.why, func(t *testing.T) {
			if diff := cmp.Diff(c.want, held(Expected(tenantOf(t, c.rows...), c.syncs, today))); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
		})
	}
}

func TestContractsAloneKnowOnlyTheName(t *testing.T) {
	at := tenantOf(t, company(autotask.Row{
		"companyName": " Acme & Sons ", "address1": "1 High St", "phone": "518-555-0100", "webAddress": "acme.example",
	}))
	want := map[string]Client{"5": {Name: "Acme & Sons"}}
	if diff := cmp.Diff(want, Expected(at, contractsOnly, today).Clients); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
}

func TestContract(t *testing.T) {
	name := "Managed care"
	for _, c := range []struct {
		why  string
		rows []put
		want Contract
	}{
		{
			"name trimmed, vendor defaulted, cost not known",
			with(contract(autotask.Row{"contractName": "\u00a0Managed care \n"})),
			Contract{ClientID: "5", ClientName: "Acme", VendorName: defaultVendor, VendorNameDefaulted: true, Name: &name},
		},
		{
			"no name is no name",
			with(contract(autotask.Row{"contractName": "  "})),
			Contract{ClientID: "5", ClientName: "Acme", VendorName: defaultVendor, VendorNameDefaulted: true},
		},
	} {
		t.Run(c.why, func(t *testing.T) {
			got := Expected(tenantOf(t, c.rows...), both, today).Contracts["50"]
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("contract (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMergeMovesTheContracts(t *testing.T) {
	at := tenantOf(t, in("Companies", autotask.Row{"id": 6, "companyName": "Bolt", "companyType": 1, "isActive": true}))
	if err := at.Merge(acme, 6); err != nil {
		t.Fatal(err)
	}
	state := Expected(at, both, today)
	if diff := cmp.Diff([]string{"client/6/full", "contract/50"}, held(state)); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	if got := state.Contracts["50"]; got.ClientID != "6" || got.ClientName != "Bolt" {
		t.Errorf("the contract is of client %s %q", got.ClientID, got.ClientName)
	}
}

func TestExpectedPanicsOnASyncThatDoesNotExist(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a misspelt sync must not read as no sync")
		}
	}()
	Expected(tenantOf(t), []string{"active_customer"}, today)
}

func TestAMisspeltFieldPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a misspelt field must not read as an empty one")
		}
	}()
	text(autotask.Row{"companyName": "Acme"}, "company_name")
}
