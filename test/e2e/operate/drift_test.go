package operate

import (
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestDriftIsReportedUntilSomebodySaysSo: nothing is pushed over an edit at the target, whatever
// finds it, and what is said is for that record alone.
func TestDriftIsReportedUntilSomebodySaysSo(t *testing.T) {
	w := start(t, service.Options{})
	mine, theirs := w.Company("Northwind"), w.Company("Contoso")
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	options := in.Options
	options.Drift = "report"
	if _, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Options: &options}); err != nil {
		t.Fatal(err)
	}
	w.Quiesce(in.ID)
	drift(t, w, mine, map[string]any{"name": "Edited by hand"})
	drift(t, w, theirs, map[string]any{"name": "Kept"})
	w.Edit("Companies", mine, atsim.Row{"companyName": "Northwind Group"})
	w.DeliverAll(soon)
	w.Until(in.ID, "the edit that a callback came upon", soon, func(in v1.Installation) bool { return in.Drift.Open == 1 && in.Backlog == 0 })
	ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
	ended(t, w, in.ID, ref, err)
	w.Until(in.ID, "both edits", soon, func(in v1.Installation) bool { return in.Drift.Open == 2 && in.Backlog == 0 })
	w.HasIssue(in.ID, v1.ReasonEditedAtTarget)
	page, err := w.Admin.Drift(t.Context(), in.ID, v1.DriftQuery{State: v1.DriftOpen})
	if err != nil || len(page.Items) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, d := range page.Items {
		if f := d.Fields[0]; len(d.Fields) != 1 || f.Field != "name" || d.ID == service.Text(mine) && (*f.Theirs != "Edited by hand" || f.Due != "Northwind Group") {
			t.Errorf("%+v", d)
		}
	}
	harness.OK(t, w.Admin.PushOurs(t.Context(), in.ID, v1.KindCompany, service.Text(mine)))
	w.ClientBecomes(mine, "ours", soon, func(c cpsim.ClientInput) bool { return c.Name == "Northwind Group" })
	w.Until(in.ID, "one is put right", soon, func(in v1.Installation) bool { return in.Drift == v1.DriftCounts{Open: 1, Repaired: 1} })
	if c := w.Client(theirs); c.Data.Name != "Kept" {
		t.Errorf("the other was pushed over: %+v", c.Data)
	}
	options.Drift = "repair"
	if _, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Options: &options}); err != nil {
		t.Fatal(err)
	}
	w.ClientBecomes(theirs, "ours once edits are put right", soon, func(c cpsim.ClientInput) bool { return c.Name == "Contoso" })
	w.Until(in.ID, "both are put right", soon, func(in v1.Installation) bool { return in.Drift == v1.DriftCounts{Repaired: 2} })
	w.HasNoIssue(in.ID, v1.ReasonEditedAtTarget)
}
