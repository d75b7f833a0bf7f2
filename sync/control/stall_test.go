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
	"channelsync/events/lease"
	"channelsync/internal/progress"
	"channelsync/sync/reconcile"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// watched gives a desk a watchdog that is soon impatient, and returns it with what it gave up for.
func (d *desk) watched(limits progress.Limits) (dog *progress.Watchdog, gaveUp <-chan error) {
	lost := make(chan error, 10)
	dog = progress.New(progress.Config{
		Limits: limits, GiveUp: func(err error) { lost <- err }, Log: zap.NewNop(),
		Observed: func() { // each time: what is started anew at once is named for a moment only
			if _, err := dog.Check(context.Background()); err != nil {
				d.named.Store(err.Error(), true)
			}
		},
	})
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
	d.Metrics.Reconciled = func(s reconcile.Result) {
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
	harness.OK(t, d.at.Edit("Companies", client, atsim.Row{"companyName": "Northwind Traders"}))
	harness.OK(t, d.Reconcile(t.Context(), in.ID, v1.KindCompany, client))
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
	d.worksAgain(in.ID, other, dog, gaveUp)
}

// TestWhatANewStartDoesNotHelpIsGivenUp: a worker that stands still again ends the process.
func TestWhatANewStartDoesNotHelpIsGivenUp(t *testing.T) {
	d := newDesk(t, setup{})
	let := make(chan struct{})
	t.Cleanup(func() { close(let) })
	d.Metrics.Reconciled = func(reconcile.Result) { <-let }
	_, gaveUp := d.watched(progress.Limits{Live: time.Second, Bulk: time.Second, Again: 12 * time.Second})
	d.customer("Northwind")
	d.run()
	d.create(v1.SyncActiveCustomers)
	select {
	case err := <-gaveUp:
		if !strings.Contains(err.Error(), "is stalled although it was restarted") {
			t.Error(err)
		}
	case <-time.After(60 * time.Second):
		t.Error("it was not given up")
	}
}

// stops stops an installation as if it had never come to run, and keeps what starts it waiting.
func (d *desk) stops(id string) (free func()) {
	d.t.Helper()
	leave, err := d.changing.Enter(d.t.Context(), id)
	harness.OK(d.t, err)
	d.stop(id)
	return sync.OnceFunc(leave)
}

// TestAnInstallationThatDoesNotRunIsNamedAndStarted: nothing runs of it, so no worker could
// be found standing still; and what should start it waits for ever.
func TestAnInstallationThatDoesNotRunIsNamedAndStarted(t *testing.T) {
	d := newDesk(t, setup{})
	dog, gaveUp := d.watched(progress.Limits{Live: 3 * time.Second, Bulk: 5 * time.Second, Again: 20 * time.Second})
	d.run()
	in := d.live(d.create(v1.SyncActiveCustomers).ID)
	t.Cleanup(d.stops(in.ID))
	d.eventually("it is named", func() error {
		err := errors.New("never")
		d.named.Range(func(text, _ any) bool {
			if strings.Contains(text.(string), "start of installation "+in.ID) {
				err = nil
			}
			return err != nil
		})
		return err
	})
	client := d.customer("Northwind")
	d.eventually("it runs", func() error {
		if d.runtime(in.ID) == nil {
			return errors.New("not yet")
		}
		return nil
	})
	d.worksAgain(in.ID, client, dog, gaveUp)
}

// TestWhatNeedNotRunIsNoStall: an installation that is uninstalled, erased, or being changed.
func TestWhatNeedNotRunIsNoStall(t *testing.T) {
	d := newDesk(t, setup{})
	dog, _ := d.watched(progress.Limits{Live: 3 * time.Second, Bulk: 20 * time.Second, Again: 20 * time.Second})
	d.run()
	in := d.live(d.create(v1.SyncActiveCustomers).ID)
	done := d.begin(lease.ShardOf(in.ID)) // an operator's change is under way, and the installation is stopped for it
	free := d.stops(in.ID)
	wait := func(what string) {
		t.Helper()
		end := time.After(6 * time.Second)
		for tick := time.Tick(100 * time.Millisecond); ; {
			if _, err := dog.Check(t.Context()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			select {
			case <-tick:
			case <-end:
				return
			}
		}
	}
	wait("being changed")
	free()
	done()
	d.eventually("it runs again", func() error {
		if d.runtime(in.ID) == nil {
			return errors.New("not yet")
		}
		return nil
	})
	harness.OK(t, d.Do(t.Context(), in.ID, "", "uninstall"))
	wait("uninstalled")
}

// TestAnInstallationThatDoesNotRunIsAnothers: the shard is handed back where there is another instance.
func TestAnInstallationThatDoesNotRunIsAnothers(t *testing.T) {
	d, l, _ := newShared(t, func(d *desk) {
		d.watched(progress.Limits{Live: 3 * time.Second, Bulk: 5 * time.Second, Again: 20 * time.Second})
	})
	l.other = true
	in := d.create(v1.SyncActiveCustomers)
	l.begin(in.ID)
	d.live(in.ID)
	t.Cleanup(d.stops(in.ID))
	d.eventually("it is left to the other instance", func() error {
		if d.holds(in.ID) {
			return errors.New("it is held")
		}
		return nil
	})
	if dog := d.Watchdog; dog != nil {
		d.eventually("all moves here", func() error { _, err := dog.Check(t.Context()); return err })
	}
}

// TestAChangeThatNeverEndsIsNamed: a request has two minutes, so whatever it does it is stuck.
func TestAChangeThatNeverEndsIsNamed(t *testing.T) {
	d := newDesk(t, setup{})
	dog, gaveUp := d.watched(progress.Limits{Live: time.Second, Bulk: time.Second, Again: time.Second})
	d.run()
	t.Cleanup(d.begin(7))
	d.eventually("it is named", func() error {
		if _, err := dog.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "change 1 that an operator asked for") {
			return fmt.Errorf("the check says %w", err)
		}
		return nil
	})
	<-gaveUp
}

// TestAPanicOfALoopStartsTheInstallationAnew: it ends neither the process nor the installation.
func TestAPanicOfALoopStartsTheInstallationAnew(t *testing.T) {
	d := newDesk(t, setup{})
	dog, _ := d.watched(progress.Limits{Live: time.Second, Bulk: 5 * time.Second, Again: 20 * time.Second})
	d.run()
	in := d.live(d.create(v1.SyncActiveCustomers).ID)
	before := d.runtime(in.ID)
	before.loop(t.Context(), partComparison, func(context.Context) { panic("no") })
	d.eventually("another one runs", func() error {
		if rt := d.runtime(in.ID); rt == nil || rt == before {
			return errors.New("not yet")
		}
		return nil
	})
	d.eventually("all moves", func() error { _, err := dog.Check(t.Context()); return err })
}

// worksAgain wants a customer to arrive, all to move, and the process not to have been given up.
func (d *desk) worksAgain(id string, customer int64, dog *progress.Watchdog, gaveUp <-chan error) {
	d.t.Helper()
	harness.OK(d.t, d.Reconcile(d.t.Context(), id, v1.KindCompany, customer))
	d.eventually("the customer arrives", func() error {
		if _, there := d.cp.Client(connection, fmt.Sprint(customer)); !there {
			return errors.New("not there")
		}
		return nil
	})
	d.eventually("all moves", func() error { _, err := dog.Check(d.t.Context()); return err })
	if len(gaveUp) > 0 {
		d.t.Errorf("the process was given up: %v", <-gaveUp)
	}
}
