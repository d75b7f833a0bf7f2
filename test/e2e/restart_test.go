package e2e

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestRestartWithABacklog: what could not be pushed before a restart is pushed
// after it, and nothing that was there is asked for again from the beginning.
func TestRestartWithABacklog(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(300)
	in := w.Install(v1.SyncActiveCustomers)
	w.Drain(in.ID)
	w.Refuse(cpsim.Fault{Kind: cpsim.FaultUnavailable})
	for i, id := range ids {
		w.Edit("Companies", id, atsim.Row{"companyName": newName(i)})
	}
	w.DeliverAll(soon)
	w.Until(in.ID, "has a backlog", soon, func(in v1.Installation) bool { return in.Backlog == len(ids) })

	w.Stop()
	stopped := time.Now()
	w.Autotask.ResetStats()
	w.Target.ClearFaults()
	w.Start()
	again := w.Until(in.ID, "is there after the restart", soon, func(in v1.Installation) bool {
		return in.State == v1.StateLive
	})
	if again.Name != in.Name || len(again.Webhooks) != 2 || again.Webhooks[0].GUID != in.Webhooks[0].GUID {
		t.Errorf("after the restart: %+v, before: %+v", again, in)
	}
	w.Agree(soon, v1.SyncActiveCustomers)
	w.Idle(in.ID, soon)
	if n := len(w.Autotask.Webhooks()); n != 2 {
		t.Errorf("%d webhooks at Autotask, want the two there were", n)
	}
	rec := w.Record(in.ID, v1.KindCompany, ids[0])
	if first := rec.Timeline[0].At; first.After(stopped) || rec.PushedAt == nil || rec.PushedAt.Before(stopped) {
		t.Errorf("stopped at %s; the timeline begins at %s, pushed at %v", stopped, first, rec.PushedAt)
	}
	if n := w.AutotaskRequests(); n > 25 {
		t.Errorf("%d Autotask requests after the restart: %+v", n, w.Autotask.Stats().Requests)
	}
}

// TestMissedWhileAwayIsFound: changes whose callbacks nobody took arrive after the start.
func TestMissedWhileAwayIsFound(t *testing.T) {
	t.Parallel()
	tenant := service.Unlimited()
	tenant.Scale = 0.001 // Autotask gives a callback up within a fraction of a second
	w := service.New(t, service.Options{Autotask: tenant})
	ids := make([]int64, 30) // more than it takes Autotask to switch the webhook off
	for i := range ids {
		ids[i] = w.Company(fmt.Sprintf("Client %04d", i))
	}
	in := w.Install(v1.SyncActiveCustomers)
	w.Drain(in.ID)
	w.Stop()
	for i, id := range ids {
		w.Edit("Companies", id, atsim.Row{"companyName": newName(i)})
	}
	added := w.Company("Came meanwhile")
	w.Contact(added, "first@meanwhile.example")
	w.DeliverAll(soon)
	if hooks := w.Autotask.Webhooks(); hooks[0].Active {
		t.Fatalf("Autotask did not give up: %+v", hooks)
	}
	w.Start()
	w.Agree(soon, v1.SyncActiveCustomers)
	w.Eventually("the webhook is active again", soon, func() error {
		if hooks := w.Autotask.Webhooks(); !hooks[0].Active {
			return fmt.Errorf("%+v", hooks)
		}
		return nil
	})
	w.Edit("Companies", ids[0], atsim.Row{"companyName": "By callback again"})
	w.ClientBecomes(ids[0], "an edit after it", soon, service.Named("By callback again"))
}

// TestStopLeavesNothingRunning: every goroutine of the service ends with it,
// while both vendors are still there; and it starts again.
func TestStopLeavesNothingRunning(t *testing.T) {
	w := service.New(t, service.Options{})
	id := w.Company("Northwind Dental")
	w.Stop()
	before := goleak.IgnoreCurrent()
	w.Start()
	in := w.Install()
	for i := range 5 {
		w.Edit("Companies", id, atsim.Row{"companyName": newName(i)})
		w.ClientBecomes(id, "edited", soon, service.Named(newName(i)))
		w.Stop()
		w.DeliverAll(soon)
		w.Eventually("no goroutine is left", soon, func() error { return goleak.Find(before) })
		w.Start()
	}
	w.Until(in.ID, "live", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
}
