package operate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// poll and parts are the intervals of these services.
const (
	poll  = time.Second
	parts = time.Second
)

// within gives a promise of so much time some more for a busy machine.
func within(promise time.Duration) time.Duration { return promise + 8*time.Second }

func often() map[string]string {
	return map[string]string{"contract-poll-interval": poll.String(), "contract-parts-interval": parts.String()}
}

// TestContractsArriveInTime: how long each kind of change may take that no webhook tells of.
func TestContractsArriveInTime(t *testing.T) {
	t.Parallel()
	for name, undated := range map[string]bool{"contracts are stamped": false, "an older build without stamps": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contractsArrive(t, seeded(t, 30, service.Options{Autotask: atsim.Config{Undated: undated}, Settings: often()}))
		})
	}
}

func contractsArrive(t *testing.T, w *service.Harness) {
	in := w.Install()
	w.Agree(soon)
	w.Quiesce(in.ID)
	took := func(what string, promise time.Duration, do func()) {
		t.Helper()
		began := time.Now()
		do()
		if err := w.TryAgree(within(promise)); err != nil {
			for r, err := range w.Admin.AllRecords(t.Context(), in.ID, v1.RecordQuery{Kind: v1.KindContract}) {
				t.Logf("%+v %v", r, err)
			}
			t.Fatalf("%s: %v", what, err)
		}
		t.Logf("%s: %.1f s", what, time.Since(began).Seconds())
	}
	owner := w.Company("Northwind Dental")
	var contract int64
	took("a new contract", 2*poll, func() { contract = w.Agreement(owner, "Care") })
	took("an edited contract", 2*poll, func() {
		w.Edit("Contracts", contract, atsim.Row{"contractName": "Care plus", "estimatedCost": "99.125"})
	})
	took("a cleared name and cost", 2*poll, func() {
		w.Edit("Contracts", contract, atsim.Row{"contractName": "", "estimatedCost": nil})
	})
	row := w.Autotask.All("ContractServiceUnits")[0]
	unit, recurring := row["id"].(int64), row["contractID"].(int64)
	took("a unit's cost", parts+poll, func() { w.Edit("ContractServiceUnits", unit, atsim.Row{"cost": "4321.5"}) })
	took("a unit's vendor", parts+poll, func() { w.Edit("ContractServiceUnits", unit, atsim.Row{"vendorCompanyID": owner}) })
	took("a charge", parts+poll, func() {
		w.Autotask.Put("ContractCharges", atsim.Row{
			"contractID": contract, "name": "Hardware", "unitQuantity": 1, "unitCost": 7, "extendedCost": 7,
		})
	})
	took("a bundle", parts+poll, func() {
		bundle := w.Autotask.All("ServiceBundles")[0]["id"].(int64)
		w.Autotask.Put("ContractServiceBundles", atsim.Row{"contractID": contract, "serviceBundleID": bundle})
	})
	took("what a bundle costs", parts+poll, func() {
		w.Edit("ServiceBundles", w.Autotask.All("ServiceBundles")[0]["id"].(int64), atsim.Row{"unitCost": "777.7"})
	})
	took("what a bundle consists of", parts+poll, func() {
		w.Autotask.Put("ServiceBundleServices", atsim.Row{
			"serviceBundleID": w.Autotask.All("ServiceBundles")[0]["id"], "serviceID": w.Autotask.All("Services")[4]["id"],
		})
	})
	took("whose product it is", parts+poll, func() {
		w.Edit("Products", w.Autotask.All("Products")[0]["id"].(int64), atsim.Row{"defaultVendorID": owner})
	})
	took("a service of the catalogue", 2*poll, func() {
		w.Edit("Services", w.Autotask.All("Services")[0]["id"].(int64), atsim.Row{"vendorCompanyID": owner, "unitCost": "500"})
	})
	named := func(name string) (n int) {
		for _, c := range w.Target.Contracts(service.Connection) {
			if c.Data.VendorName == name {
				n++
			}
		}
		return n
	}
	var vendor int64
	was := ""
	for _, row := range w.Autotask.All("Companies") {
		if name, _ := row["companyName"].(string); row["companyType"] == int64(7) && named(name) > named(was) {
			vendor, was = row["id"].(int64), name
		}
	}
	before := named(was)
	took("a renamed vendor", poll, func() { w.Edit("Companies", vendor, atsim.Row{"companyName": "Renamed Vendor, Inc."}) })
	if n := named("Renamed Vendor, Inc."); n != before || n < 2 {
		t.Errorf("%d contracts name the vendor anew, want %d, and several", n, before)
	}
	took("a vendor without a name", poll, func() { w.Edit("Companies", vendor, atsim.Row{"companyName": ""}) })
	took("one with a name again", poll, func() { w.Edit("Companies", vendor, atsim.Row{"companyName": "Named again"}) })
	took("a deleted vendor", poll, func() { w.Autotask.Remove("Companies", vendor) })
	var sleeper int64
	took("a company into scope", poll, func() {
		sleeper = w.Autotask.Put("Companies", atsim.Row{"companyName": "Sleeper", "companyType": 1, "isActive": false})
		w.Agreement(sleeper, "First")
		w.Agreement(sleeper, "Second")
		w.Expected()
		w.Edit("Companies", sleeper, atsim.Row{"isActive": true})
	})
	took("a merged company", 2*poll, func() {
		harness.OK(t, w.Autotask.Merge(sleeper, owner))
	})
	w.Autotask.Remove("Contracts", recurring)
	reconcile(w, in.ID, v1.KindContract, recurring, v1.OutcomeNotMet)
	if c := w.Contract(recurring).Data; c.Name == nil || c.Lifecycle == "archived" {
		t.Errorf("a deleted contract was changed at the target: %+v", c)
	}
	w.Quiesce(in.ID)
	w.Agree(soon)
}

// TestHiddenCostsAreUnknownNeverZero: a security level that cannot read costs
// sees nothing, or zero, in their place.
func TestHiddenCostsAreUnknownNeverZero(t *testing.T) {
	t.Parallel()
	for _, seen := range []string{"null", "zero"} {
		t.Run(seen, func(t *testing.T) {
			t.Parallel()
			w := seeded(t, 20, service.Options{Autotask: atsim.Config{Modes: atsim.Modes{Costs: seen}}, Settings: often()})
			dropEnded(w) // of what has ended nothing is compared
			in := w.Install()
			w.Quiesce(in.ID)
			all := w.Target.Contracts(service.Connection)
			if len(all) == 0 {
				t.Fatal("no contract was pushed")
			}
			for _, c := range all {
				if c.Data.OverallCost != nil {
					t.Errorf("contract %s costs %s", c.ExternalID, c.Data.OverallCost.Amount)
				}
			}
			i := w.HasIssue(in.ID, "cost_unknown")
			if i.Records != len(all) || i.Severity != v1.SeverityAct || !strings.Contains(i.Fix, "cost") {
				t.Errorf("issue %+v, want one for %d contracts", i, len(all))
			}
			w.Autotask.SetModes(func(m *atsim.Modes) { m.Costs = "" })
			w.Agree(within(parts + poll)) // the next comparison of the parts sees them
			ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{Kinds: []v1.Kind{v1.KindContract}})
			ended(t, w, in.ID, ref, err)
			w.Agree(soon)
		})
	}
}

// dropEnded deletes the contracts that have ended.
func dropEnded(w *service.Harness) {
	for _, c := range w.Autotask.All("Contracts") {
		if end, ends := c["endDate"].(time.Time); ends && end.Before(time.Now().AddDate(0, 0, -1)) {
			w.Autotask.Remove("Contracts", c["id"].(int64))
		}
	}
}

// TestARightThatIsLostBlanksNothing: what was known of costs and vendors stays
// at the target, and an issue says that it is not read any more.
func TestARightThatIsLostBlanksNothing(t *testing.T) {
	t.Parallel()
	for _, entity := range []string{"ContractServiceUnits", "ContractServiceBundleUnits", "ContractCharges"} {
		t.Run(entity, func(t *testing.T) {
			t.Parallel()
			w := seeded(t, 20, service.Options{Settings: often()})
			in := w.Install()
			w.Agree(soon)
			w.Quiesce(in.ID)
			figures := func() string {
				var all []string
				for _, c := range w.Target.Contracts(service.Connection) {
					cost := "none"
					if c.Data.OverallCost != nil {
						cost = c.Data.OverallCost.Amount
					}
					all = append(all, c.ExternalID+" "+cost+" "+c.Data.VendorName)
				}
				return strings.Join(all, "\n")
			}
			before := figures()
			w.Target.ResetStats()
			w.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = []string{entity} })
			ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{Kinds: []v1.Kind{v1.KindContract}})
			ended(t, w, in.ID, ref, err)
			if after := figures(); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
			w.HasIssue(in.ID, "costs_unreadable")

			name := w.Contract(w.Autotask.All("Contracts")[0]["id"].(int64)).ExternalID
			w.Edit("Contracts", w.Autotask.All("Contracts")[0]["id"].(int64), atsim.Row{"contractName": "Edited all the same"})
			w.Eventually("contract "+name+" goes on", soon, func() error {
				c, _ := w.Target.Contract(service.Connection, name)
				if c.Data.Name == nil || *c.Data.Name != "Edited all the same" {
					return fmt.Errorf("name %v", c.Data.Name)
				}
				return nil
			})
			if after := figures(); after != before {
				t.Errorf("after an edit, before:\n%s\nafter:\n%s", before, after)
			}
			w.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = nil })
			w.Agree(within(parts + poll))
			ref, err = w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{Kinds: []v1.Kind{v1.KindContract}})
			ended(t, w, in.ID, ref, err)
			w.HasNoIssue(in.ID, "costs_unreadable")
			w.Agree(soon)
		})
	}
}

// TestACurrencyThatIsNotTakenIsNamed: the contracts in it are dead letters, never
// relabelled; what has no cost goes on.
func TestACurrencyThatIsNotTakenIsNamed(t *testing.T) {
	t.Parallel()
	onlyUSD := cpsim.Connection{ID: service.Connection, Token: service.Token, AccountName: "Example MSP", Currencies: []string{"USD"}}
	w := start(t, service.Options{Settings: often(), Target: cpsim.Config{Connections: []cpsim.Connection{onlyUSD}}})
	w.Autotask.Put("Currencies", atsim.Row{"id": 1, "name": "EUR", "isInternalCurrency": true})
	owner := w.Company("Northwind Dental")
	priced, unpriced := w.Agreement(owner, "Priced"), w.Agreement(owner, "Unpriced")
	w.Edit("Contracts", unpriced, atsim.Row{"estimatedCost": nil})
	in := w.Install()
	rec := w.RecordBecomes(in.ID, v1.KindContract, priced, soon, had(v1.OutcomeDead))
	if fmt.Sprint(rec.Reasons) != "[currency_unsupported]" || !strings.Contains(rec.Detail, "overallCost/currency") {
		t.Errorf("reasons %v, detail %q", rec.Reasons, rec.Detail)
	}
	w.ContractBecomes(unpriced, "there", soon, func(c cpsim.ContractInput) bool { return c.OverallCost == nil })
	w.ClientBecomes(owner, "there", soon, service.Named("Northwind Dental"))
	if i := w.HasIssue(in.ID, "currency_unsupported"); i.Records != 1 || i.Severity != v1.SeverityAct {
		t.Errorf("issue %+v", i)
	}
	if d := deadLetters(t, w, in.ID)["contract-"+service.Text(priced)]; d.Code != "currency_unsupported" || d.Kind != "contract" {
		t.Errorf("dead letter %+v", d)
	}
	if c := w.Contract(priced); c.ExternalID != "" {
		t.Errorf("it was pushed: %+v", c.Data)
	}
	// The tenant's own currency goes before the option: nothing is relabelled.
	dollars := v1.UpdateInstallation{Options: &v1.Options{Currency: "USD"}}
	if _, err := w.Admin.UpdateInstallation(t.Context(), in.ID, dollars); err != nil {
		t.Fatal(err)
	}
	w.Quiesce(in.ID)
	if c := w.Contract(priced); c.ExternalID != "" {
		t.Errorf("it was relabelled: %+v", c.Data)
	}
	var projection struct{ OverallCost *struct{ Currency string } }
	e, err := w.Admin.Explain(t.Context(), in.ID, v1.KindContract, service.Text(priced))
	if err != nil || json.Unmarshal(e.Projection, &projection) != nil ||
		projection.OverallCost == nil || projection.OverallCost.Currency != "EUR" {
		t.Errorf("projection %s, %v", e.Projection, err)
	}
}

// TestARowThatGoesBadIsNamed: the comparison of the parts finds it, the contract's
// reconcile names it, and it goes on by itself once the row can be read. What is said of
// how fresh parts are is there all along.
func TestARowThatGoesBadIsNamed(t *testing.T) {
	t.Parallel()
	w := seeded(t, 20, service.Options{Settings: often()})
	in := w.Install()
	w.Agree(soon)
	w.Quiesce(in.ID)
	row := w.Autotask.All("ContractServiceUnits")[0]
	unit, contract := row["id"].(int64), row["contractID"].(int64)
	w.Edit("ContractServiceUnits", unit, atsim.Row{"startDate": "2020-01-01", "endDate": nil})
	w.Agree(within(parts + poll))
	bad := w.Autotask.SetFault(atsim.Fault{Kind: "badvalue", Entity: "ContractServiceUnits", Record: unit, Field: "cost", Value: []byte(`"n/a"`)})
	rec := w.RecordBecomes(in.ID, v1.KindContract, contract, within(parts+poll), had(v1.OutcomeRetrying))
	if fmt.Sprint(rec.Reasons) != "[parts_unreadable]" || !strings.Contains(rec.Detail, "cost") {
		t.Errorf("reasons %v, detail %q, want the field named", rec.Reasons, rec.Detail)
	}
	w.Autotask.ClearFaults(bad)
	w.Edit("ContractServiceUnits", unit, atsim.Row{"cost": "777"})
	w.Agree(within(parts + poll))
	shown, err := w.Admin.Installation(t.Context(), in.ID)
	harness.OK(t, err)
	if p := shown.Parts; p == nil || p.Contracts == 0 || p.ComparedSince == nil || time.Since(*p.ComparedSince) > within(parts+poll) {
		t.Errorf("how fresh parts are: %+v", p)
	}
	st, err := w.Admin.Status(t.Context())
	if err != nil || len(st.Installations) != 1 || st.Installations[0].Parts == nil {
		t.Errorf("status %+v, %v", st, err)
	}
}
