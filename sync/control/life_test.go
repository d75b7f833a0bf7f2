package control

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/sync/deadletter"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// errCause is one that only has to be one.
var errCause = errors.New("the cause")

func TestInstallationGoesLiveAndSyncs(t *testing.T) {
	d := newDesk(t, setup{publicURL: "https://sync.msp.example"})
	company := d.customer("Northwind")
	d.run()
	in := d.create(v1.SyncActiveCustomers)
	d.eventually("the client arrives", func() error {
		if _, there := d.cp.Client(connection, fmt.Sprint(company)); !there {
			return errors.New("not there")
		}
		return nil
	})
	in = d.live(in.ID)
	if len(in.Webhooks) != 2 || !in.Webhooks[0].Ready || len(in.Issues) != 0 {
		t.Errorf("got %+v", in)
	}
	if c := in.Syncs[v1.SyncActiveCustomers].Counts; c.InScope != 1 || c.Pushed != 1 {
		t.Errorf("counts %+v", c)
	}
}

// TestUninstallLeavesNoWebhook, though Autotask tells of each deleted webhook at
// once, and that makes the service look after its webhooks.
func TestUninstallLeavesNoWebhook(t *testing.T) {
	for _, action := range []string{"uninstall", "erase"} {
		t.Run(action, func(t *testing.T) {
			d := newDesk(t, setup{publicURL: "https://sync.msp.example"})
			d.run()
			in := d.live(d.create().ID)
			d.onCallout(func() { d.CheckSoon(in.ID) })
			harness.OK(t, d.Do(t.Context(), in.ID, "", action))
			harness.OK(t, d.at.WaitCallouts(t.Context()))
			if hooks := d.at.Webhooks(); len(hooks) != 0 {
				t.Errorf("left: %+v", hooks)
			}
			if rt := d.runtime(in.ID); rt != nil {
				t.Error("it still runs")
			}
		})
	}
}

func TestUninstallThatFailsGoesOn(t *testing.T) {
	d := newDesk(t, setup{publicURL: "https://sync.msp.example"})
	d.run()
	in := d.live(d.create().ID)
	fault := d.at.SetFault(atsim.Fault{Kind: "status", Verb: "delete", Status: 503})
	if p := problem(t, d.Do(t.Context(), in.ID, "", "uninstall")); p.Status != 503 {
		t.Errorf("got %+v", p)
	}
	d.live(in.ID)
	d.at.ClearFaults(fault)
	harness.OK(t, d.Do(t.Context(), in.ID, "", "uninstall"))
	got, err := d.Get(t.Context(), in.ID)
	harness.OK(t, err)
	if got.State != v1.StateUninstalled {
		t.Errorf("it is %s", got.State)
	}
	r, known := d.Receiver(in.ID)
	if !known || r.State != v1.StateUninstalled || len(r.Signers) == 0 {
		t.Errorf("late callbacks must stay authentic: %+v, %v", r, known)
	}
	harness.OK(t, d.Do(t.Context(), in.ID, "", "reinstall"))
	d.live(in.ID)
	if n := len(d.at.Webhooks()); n != 2 {
		t.Errorf("%d webhooks after the reinstallation", n)
	}
}

func TestEraseLeavesNothing(t *testing.T) {
	d := newDesk(t, setup{publicURL: "https://sync.msp.example"})
	d.customer("Northwind")
	d.run()
	in := d.live(d.create().ID)
	harness.OK(t, d.DeadLetters.PutRecord(t.Context(), in.ID, v1.DeadLetter{ID: deadletter.RecordID(v1.KindCompany, 1), Kind: "company"}))
	harness.OK(t, d.Do(t.Context(), in.ID, "", "erase"))
	d.gone(in.ID)
}

// gone checks that no trace of an installation is stored.
func (d *desk) gone(id string) {
	d.t.Helper()
	ctx := d.t.Context()
	if _, err := d.Get(ctx, id); err == nil || problem(d.t, err).Status != 404 {
		d.t.Errorf("it is found: %v", err)
	}
	if _, known := d.Receiver(id); known {
		d.t.Error("its callbacks are known")
	}
	for name, table := range map[string]*kv.Table{"installations": d.installations, "keys": d.keys} {
		if _, err := table.Get(ctx, id); !errors.Is(err, kv.ErrNotFound) {
			d.t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.History.Table.Get(ctx, id); !errors.Is(err, kv.ErrNotFound) {
		d.t.Errorf("history: %v", err)
	}
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
		if ids, err := d.Ledger.Ids(ctx, id, kind); err != nil || len(ids) != 0 {
			d.t.Errorf("ledger: %v, %v", ids, err)
		}
	}
	if n, err := d.Bus.DeadLetters().Count(ctx, id); err != nil || n != 0 {
		d.t.Errorf("%d dead letters, %v", n, err)
	}
	depth, err := d.Bus.Worklist().Depth(ctx, id)
	if err != nil || depth.Live+depth.Bulk+depth.Scheduled != 0 {
		d.t.Errorf("worklist: %+v, %v", depth, err)
	}
	harness.OK(d.t, d.Bus.Journal().Read(ctx, events.ReadFrom{Installation: id}, func(c events.StoredChange) error {
		return fmt.Errorf("the journal has %s %d", c.Kind, c.ID)
	}))
	if len(d.Jobs.Running(id)) != 0 || len(d.Store.Leaving()) != 0 {
		d.t.Error("jobs, or the erasing itself, are left")
	}
}

// TestErasureThatWasCutShortIsFinished by the next start, or by asking again.
func TestErasureThatWasCutShortIsFinished(t *testing.T) {
	for name, finish := range map[string]func(*desk, string){
		"the next start": func(d *desk, id string) {
			d.run()
			d.eventually("it is finished", func() error {
				if len(d.Store.Leaving()) > 0 {
					return errors.New("still leaving")
				}
				return nil
			})
		},
		"asking again": func(d *desk, id string) { harness.OK(d.t, d.Do(d.t.Context(), id, "", "erase")) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, setup{})
			id := d.create().ID
			harness.OK(t, d.Ledger.Write(t.Context(), id, []*ledger.Entry{{Kind: v1.KindCompany, ID: 1, Name: "Northwind"}}))
			harness.OK(t, d.Store.Leave(t.Context(), id)) // and then the process is killed
			harness.OK(t, d.Vault.Destroy(t.Context(), id))
			store, err := installation.Open(t.Context(), d.installations, d.Vault)
			harness.OK(t, err)
			d.Store = store
			finish(d, id)
			d.gone(id)
		})
	}
}

// TestWaitingRecordsAreEnqueuedByEitherSync: with contracts alone a company waits for
// the contracts sync, though it is no record of it.
func TestWaitingRecordsAreEnqueuedByEitherSync(t *testing.T) {
	for name, act := range map[string]func(context.Context, *desk, string) error{
		"started": func(ctx context.Context, d *desk, id string) error {
			return d.Do(ctx, id, v1.SyncActiveCustomerContracts, "start")
		},
		"uninstalled": func(ctx context.Context, d *desk, id string) error {
			return d.Do(ctx, id, v1.SyncActiveCustomerContracts, "uninstall")
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, setup{})
			id := d.create(v1.SyncActiveCustomerContracts).ID
			harness.OK(t, d.Do(t.Context(), id, v1.SyncActiveCustomerContracts, "stop"))
			harness.OK(t, d.Ledger.Write(t.Context(), id, []*ledger.Entry{
				{Kind: v1.KindCompany, ID: 1, Outcome: v1.OutcomeWaiting},
				{Kind: v1.KindCompany, ID: 2, Outcome: v1.OutcomeNotMet},
				{Kind: v1.KindContract, ID: 3, Outcome: v1.OutcomeWaiting},
			}))
			harness.OK(t, act(t.Context(), d, id))
			var got []string
			harness.OK(t, d.Bus.Journal().Read(t.Context(), events.ReadFrom{Installation: id}, func(c events.StoredChange) error {
				got = append(got, fmt.Sprint(c.Kind, " ", c.ID))
				return nil
			}))
			if diff := cmp.Diff([]string{"company 1", "contract 3"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestActionsThatMakeNoSense(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create(v1.SyncActiveCustomers).ID
	for name, one := range map[string]struct {
		sync   v1.Sync
		action string
		status int
	}{
		"an action there is not":           {"", "dance", 404},
		"an action of a sync there is not": {v1.SyncActiveCustomers, "dance", 404},
		"reinstall what is installed":      {"", "reinstall", 409},
		"stop a sync never installed":      {v1.SyncActiveCustomerContracts, "stop", 409},
		"install a sync twice":             {v1.SyncActiveCustomers, "install", 409},
	} {
		if p := problem(t, d.Do(t.Context(), id, one.sync, one.action)); p.Status != one.status || p.Detail == "" {
			t.Errorf("%s: got %+v", name, p)
		}
	}
	if p := problem(t, d.Do(t.Context(), "01hzx3q8r9k2m4n6p8s0t2v4w6", "", "stop")); p.Status != 404 {
		t.Errorf("of none: got %+v", p)
	}
}

// TestIssueOfACancelledJobGoes: what a job could not list is nobody's trouble any more.
func TestIssueOfACancelledJobGoes(t *testing.T) {
	d := newDesk(t, setup{})
	d.run()
	in := d.live(d.create(v1.SyncActiveCustomers).ID)
	d.eventually("the backfill is done", func() error {
		if n := len(d.Jobs.Running(in.ID)); n > 0 {
			return fmt.Errorf("%d jobs run", n)
		}
		return nil
	})
	d.at.SetFault(atsim.Fault{Kind: "status", Status: 500, Text: "Something nobody has seen"})
	ref, err := d.Resync(t.Context(), in.ID, v1.ResyncRequest{})
	harness.OK(t, err)
	rt := d.runtime(in.ID)
	d.eventually("the issue is raised", func() error {
		if !rt.issues.Has("autotask_unavailable") {
			return errors.New("none")
		}
		return nil
	})
	harness.OK(t, d.CancelJob(t.Context(), in.ID, ref.Job))
	d.at.ClearFaults(0)
	notify(rt.newJob)
	notify(rt.pollNow)
	d.eventually("the issue is gone", func() error {
		if rt.issues.Has("autotask_unavailable") {
			return errors.New("still there")
		}
		return nil
	})
	if p := problem(t, d.CancelJob(t.Context(), in.ID, ref.Job)); p.Status != 409 {
		t.Errorf("cancelled twice: %+v", p)
	}
}

func TestFailedJobsAreNotHammered(t *testing.T) {
	now := time.Now()
	for name, one := range map[string]struct {
		err  error
		want time.Duration
	}{
		"unknown":             {errCause, jobRetry},
		"throttled for long":  {throttled(time.Hour), jobIdle},
		"throttled for short": {throttled(time.Second), jobRetry},
		"throttled a little":  {throttled(10 * time.Second), 10 * time.Second},
	} {
		if got := retryIn(one.err, now); got != one.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestReceiver(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create(v1.SyncActiveCustomers).ID
	until := time.Now().Add(time.Hour)
	_, err := d.Store.Change(t.Context(), id, func(in *installation.Installation) error {
		in.Registrations = []installation.Registration{{Entity: "Companies", GUID: "guid-one"}}
		in.Secrets.Webhooks = map[string]installation.Signer{"Companies": {Current: "new", Previous: "old", Until: until}}
		in.Stopped = true
		return nil
	})
	harness.OK(t, err)
	r, known := d.Receiver(id)
	want := CallbackReceiver{
		State: v1.StateStopped, Signers: []CallbackSigner{{GUID: "guid-one", Secrets: []v1.Secret{"new", "old"}}},
		Uses: map[v1.Kind]bool{v1.KindCompany: true, v1.KindContact: true, v1.KindContract: false},
	}
	if diff := cmp.Diff(want, r); diff != "" || !known {
		t.Errorf("known %v: %s", known, diff)
	}
	if _, known := d.Receiver("01hzx3q8r9k2m4n6p8s0t2v4w6"); known {
		t.Error("one there is not is known")
	}
	at := time.Now()
	d.Delivered(id, "GUID-One", nil, at)
	shown, err := d.Get(t.Context(), id)
	harness.OK(t, err)
	if last := shown.Webhooks[0].LastCallbackAt; last == nil || !last.Equal(at) {
		t.Errorf("last callback %v", last)
	}
}
