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

// The target stores B, the answer is lost, and the company is A again before the
// next attempt: what we remember of the target (A) must not be believed then.
func TestAnswerLostThenEditedBack(t *testing.T) {
	w := service.New(t, service.Options{})
	id := w.Autotask.Put("Companies", atsim.Row{"companyName": "Name A", "companyType": 1, "isActive": true})
	in := w.Install(v1.SyncActiveCustomers)
	w.Idle(in.ID, 10*time.Second)
	if _, err := w.Target.SetFault(cpsim.Fault{Kind: cpsim.FaultLostResponse, Operation: "writes", Next: 1}); err != nil {
		t.Fatal(err)
	}
	edit := func(name string) {
		t.Helper()
		harness.OK(t, w.Autotask.Edit("Companies", id, atsim.Row{"companyName": name}))
	}
	edit("Name B")
	w.ClientBecomes(id, "name B, stored though the answer is lost", 10*time.Second, func(c cpsim.ClientInput) bool { return c.Name == "Name B" })
	edit("Name A")
	w.ClientBecomes(id, "name A again", 15*time.Second, func(c cpsim.ClientInput) bool { return c.Name == "Name A" })
}
