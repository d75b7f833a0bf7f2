package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/internal/progress"
	"channelsync/sync/reconcile"
	atsim "channelsync/test/sim/autotask/sim"
)

// watched gives a desk a watchdog that is soon impatient, and returns it with what it gave up for.
func (d *desk) watched(limits progress.Limits) (dog *progress.Watchdog, gaveUp <-chan error) {
	lost := make(chan error, 10)
	dog = progress.New(progress.Config{Limits: limits, GiveUp: func(err error) { lost <- err }, Log: zap.NewNop()})
	d.Watchdog = dog
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { dog.Run(ctx) })
	d.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return dog, lost
}

// TestAStuckWorkerRunsAgainByItself: a worker that never returns is named, and another one
// goes on with what it had begun; the stop does not wait for it.
func TestAStuckWorkerRunsAgainByItself(t *testing.T) {
	d := newDesk(t, setup{})
	let := make(chan struct{})
	t.Cleanup(func() { close(let) })
	var armed atomic.Bool
	d.Metrics.Reconciled = func(s reconcile.Settled) {
		if s.Kind == v1.KindCompany && armed.CompareAndSwap(true, false) {
			<-let
		}
	}
	dog, gaveUp := d.watched(progress.Limits{Live: 2 * time.Second, Bulk: 5 * time.Second, Again: 20 * time.Second})
	client := d.customer("Northwind")
	d.run()
	in := d.live(d.create(v1.SyncActiveCustomers).ID)
	before := d.runtime(in.ID)
	armed.Store(true)
	ok(t, d.at.Edit("Companies", client, atsim.Row{"companyName": "Northwind Traders"}))
	ok(t, d.Reconcile(t.Context(), in.ID, v1.KindCompany, client))
	d.eventually("it is named", func() error {
		if _, err := dog.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "worker of installation "+in.ID) {
			return fmt.Errorf("the check says %w", err)
		}
		return nil
	})
	d.eventually("another one runs", func() error {
		if rt := d.runtime(in.ID); rt == nil || rt == before {
			return errors.New("not yet")
		}
		return nil
	})
	other := d.customer("Contoso")
	ok(t, d.Reconcile(t.Context(), in.ID, v1.KindCompany, other))
	d.eventually("the next edit arrives", func() error {
		if _, there := d.cp.Client(connection, fmt.Sprint(other)); !there {
			return errors.New("not there")
		}
		return nil
	})
	d.eventually("all moves", func() error { _, err := dog.Check(t.Context()); return err })
	if len(gaveUp) > 0 {
		t.Errorf("the process was given up: %v", <-gaveUp)
	}
}

// TestWhatANewStartDoesNotHelpIsGivenUp: a worker that stands still again ends the process.
func TestWhatANewStartDoesNotHelpIsGivenUp(t *testing.T) {
	d := newDesk(t, setup{})
	let := make(chan struct{})
	t.Cleanup(func() { close(let) })
	d.Metrics.Reconciled = func(reconcile.Settled) { <-let }
	_, gaveUp := d.watched(progress.Limits{Live: time.Second, Bulk: time.Second, Again: 12 * time.Second})
	d.customer("Northwind")
	d.run()
	d.create(v1.SyncActiveCustomers)
	select {
	case err := <-gaveUp:
		if !strings.Contains(err.Error(), "stands still although it was started anew") {
			t.Error(err)
		}
	case <-time.After(60 * time.Second):
		t.Error("it was not given up")
	}
}
