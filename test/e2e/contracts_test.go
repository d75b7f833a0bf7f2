package e2e

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// seeded starts a harness with a believable tenant.
func seeded(t *testing.T, companies int, settings map[string]string) *service.Harness {
	t.Helper()
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Settings: settings})
	w.Autotask.Seed(atsim.SeedSpec{Companies: companies, Seed: 7})
	return w
}

// TestContractsFollowAutotask goes through what can happen to contracts, of
// which no webhook tells.
func TestContractsFollowAutotask(t *testing.T) {
	t.Parallel()
	w := seeded(t, 60, map[string]string{"contract-parts-interval": "2s"})
	in := w.Install()
	w.Drain(in.ID)
	w.Agree(soon)

	owner := w.Company("Northwind Dental")
	added := w.Agreement(owner, "Project one")
	w.ContractBecomes(added, "new", twoPolls, service.Called("Project one"))
	w.Edit("Contracts", added, atsim.Row{"contractName": "Project two", "estimatedCost": "99.125"})
	w.ContractBecomes(added, "edited", twoPolls, func(c cpsim.ContractInput) bool {
		return c.OverallCost != nil && c.OverallCost.Amount == "99.125" && *c.Name == "Project two"
	})

	unit := w.Autotask.All("ContractServiceUnits")[0]
	was := w.Contract(unit["contractID"].(int64)).Data.OverallCost
	w.Edit("ContractServiceUnits", unit["id"].(int64), atsim.Row{"cost": "4321.5"})
	w.ContractBecomes(unit["contractID"].(int64), "a unit's cost", 2*time.Second+twoPolls, func(c cpsim.ContractInput) bool {
		return c.OverallCost != nil && (was == nil || c.OverallCost.Amount != was.Amount)
	})
	w.Agree(soon)
	vendorRenamed(t, w)
	scopeMoves(t, w, in.ID)

	w.Autotask.Remove("Contracts", added)
	harness.OK(t, w.Admin.ReconcileRecord(t.Context(), in.ID, v1.KindContract, service.Text(added)))
	contractNotMet(w, in.ID, added, v1.ReasonDeletedAtSource)
	if c := w.Contract(added); c.Data.Name == nil || *c.Data.Name != "Project two" || c.Data.Lifecycle == "archived" {
		t.Errorf("a deleted contract was changed at the target: %+v", c)
	}

	from, into := w.Company("Merged away"), w.Company("Merged into")
	moved := w.Agreement(from, "Moves over")
	w.ContractBecomes(moved, "of the first", soon, service.Called("Moves over"))
	w.Agree(soon)
	harness.OK(t, w.Autotask.Merge(from, into))
	w.ContractBecomes(moved, "of the second", soon, func(c cpsim.ContractInput) bool {
		return c.Client.ExternalID == service.Text(into)
	})
	w.Drain(in.ID)
	w.Agree(soon)
	if o := w.Target.Overlaps(); len(o) > 0 {
		t.Errorf("overlapping writes: %+v", o)
	}
}

// contractNotMet waits until the record of a contract says why it does not sync.
func contractNotMet(w *service.Harness, installation string, id int64, reason string) {
	w.T.Helper()
	w.RecordBecomes(installation, v1.KindContract, id, soon, func(r v1.RecordDetail) bool {
		return r.Outcome == v1.OutcomeNotMet && len(r.Reasons) > 0 && r.Reasons[0] == reason
	})
}

// scopeMoves brings a company into scope, with its contracts, and out of it again.
func scopeMoves(t *testing.T, w *service.Harness, installation string) {
	t.Helper()
	sleeper := w.Autotask.Put("Companies", atsim.Row{"companyName": "Sleeper", "companyType": 1, "isActive": false})
	first, second := w.Agreement(sleeper, "First"), w.Agreement(sleeper, "Second")
	contractNotMet(w, installation, first, v1.ReasonClientOutOfScope)
	w.Edit("Companies", sleeper, atsim.Row{"isActive": true})
	w.ContractBecomes(first, "in scope", soon, service.Called("First"))
	w.ContractBecomes(second, "in scope", soon, service.Called("Second"))
	w.Agree(soon)
	w.Edit("Companies", sleeper, atsim.Row{"isActive": false})
	contractNotMet(w, installation, second, v1.ReasonClientOutOfScope)
	if c := w.Contract(second); c.Data.Name == nil || c.Data.Lifecycle == "archived" {
		t.Errorf("a contract whose company left was changed at the target: %+v", c)
	}
}

// vendorRenamed renames the vendor that most contracts name.
func vendorRenamed(t *testing.T, w *service.Harness) {
	names := map[string]int{}
	for _, c := range w.Target.Contracts(service.Connection) {
		names[c.Data.VendorName]++
	}
	var vendor int64
	most := 1
	for _, row := range w.Autotask.All("Companies") {
		if name, _ := row["companyName"].(string); row["companyType"] == int64(7) && names[name] > most {
			vendor, most = row["id"].(int64), names[name]
		}
	}
	if vendor == 0 {
		t.Fatalf("no vendor is named by several contracts: %v", names)
	}
	w.Edit("Companies", vendor, atsim.Row{"companyName": "Renamed Vendor, Inc."})
	w.Agree(soon)
	n := 0
	for _, c := range w.Target.Contracts(service.Connection) {
		if c.Data.VendorName == "Renamed Vendor, Inc." {
			n++
		}
	}
	if n != most {
		t.Errorf("%d contracts name the vendor anew, want %d", n, most)
	}
}

// TestEitherSyncAloneAndInAnyOrder: each sync alone, and both in either order.
func TestEitherSyncAloneAndInAnyOrder(t *testing.T) {
	t.Parallel()
	const customers, contracts = v1.SyncActiveCustomers, v1.SyncActiveCustomerContracts
	for name, order := range map[string][]v1.Sync{
		"customers only": {customers}, "contracts only": {contracts},
		"customers first": {customers, contracts}, "contracts first": {contracts, customers},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := seeded(t, 40, nil)
			in := w.Install(order[0])
			w.Agree(soon, order[0])
			if len(order) == 2 {
				harness.OK(t, w.Admin.Act(t.Context(), in.ID, order[1], "install"))
				w.Agree(soon, order...)
			}
			w.Drain(in.ID)

			// Afterwards each goes on by itself: a rename, a new contact, a new company with a contract, one that leaves.
			id := w.Autotask.All("Contracts")[0]["companyID"].(int64)
			w.Edit("Companies", id, atsim.Row{"companyName": "Renamed, with contracts"})
			w.Contact(id, "new@renamed.example")
			added := w.Company("Added")
			w.Agreement(added, "Of the added one")
			w.Agree(soon, order...)
			if order[len(order)-1] == contracts { // of the last one nothing was ever heard before
				all := w.Autotask.All("Contracts")
				leaver := all[len(all)-2]
				w.Edit("Companies", leaver["companyID"].(int64), atsim.Row{"isActive": false})
				contractNotMet(w, in.ID, leaver["id"].(int64), v1.ReasonClientOutOfScope)
			}
			w.Edit("Companies", id, atsim.Row{"isActive": false})
			w.Drain(in.ID)
			w.Agree(soon, order...)
		})
	}
}

// TestASweepFindsWhatNothingTells: a deleted contract leaves no trace but its absence.
func TestASweepFindsWhatNothingTells(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Settings: map[string]string{"sweep-interval": "3s"}})
	id := w.Company("Northwind Dental")
	kept, gone := w.Agreement(id, "Kept"), w.Agreement(id, "Gone")
	in := w.Install()
	w.Agree(soon)
	w.Autotask.Remove("Contracts", gone)
	if err := w.Target.Edit(cpsim.Edit{
		Connection: service.Connection, Entity: "contract", ExternalID: service.Text(kept),
		Fields: map[string]any{"vendorName": "Edited by hand"},
	}); err != nil {
		t.Fatal(err)
	}
	contractNotMet(w, in.ID, gone, v1.ReasonDeletedAtSource)
	w.Agree(soon)
}
