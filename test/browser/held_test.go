package browser

import (
	"fmt"
	"slices"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestMassChangeIsDecided has most customers leave at once, and says yes.
func TestMassChangeIsDecided(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	ids := make([]int64, 30)
	for i := range ids {
		ids[i] = w.Company(fmt.Sprintf("Client %d", i))
	}
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	p := tab(t, w, chrome.Options{Width: 375})
	logIn(p)
	p.Open(at(in, "/settings"))
	p.Press("Stop both syncs")
	for _, id := range ids[:20] {
		w.Edit("Companies", id, atsim.Row{"isActive": false})
	}
	w.DeliverAll(soon)
	w.Until(in.ID, "has them all due", soon, func(in v1.Installation) bool { return in.Backlog == 20 })
	p.Press("Start")
	w.Until(in.ID, "holds them", soon, func(in v1.Installation) bool {
		return slices.ContainsFunc(in.Issues, func(i v1.Issue) bool { return i.Code == "mass_change_held" && i.Records == 20 })
	})
	p.Open(at(in, ""))
	p.See("Approve it", "Discard it")
	everythingHolds(t, "overview-held", p)
	p.Press("Approve it")
	p.See("The mass change is approved and is being delivered.")
	for _, id := range ids[:20] {
		w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeNotMet })
	}
}
