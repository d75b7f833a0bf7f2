package events

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	js "channelsync/events/internal/jetstream"
	"channelsync/test/harness"
)

func notified(t testing.TB, ch <-chan struct{}, what string) {
	t.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	select {
	case <-ch:
	case <-end.C:
		t.Fatalf("not notified by %s", what)
	}
}

func TestWakes(t *testing.T) {
	t.Parallel()
	b := open(t)
	ch, stop := b.Worklist().Notifications(inst)
	foreign, stopForeign := b.Worklist().Notifications(other)
	defer stopForeign()

	harness.OK(t, b.Worklist().Enqueue(t.Context(), []DueEntry{dueEntry(1)}))
	notified(t, ch, "a due entry")
	harness.OK(t, b.NC.Publish("wake."+inst, []byte("another process")))
	notified(t, ch, "another process")
	dispatch(t, b)
	publish(t, b, change(2), "")
	notified(t, ch, "a dispatched change")
	harness.OK(t, b.Worklist().Schedule(t.Context(), []DueEntry{dueEntry(3)}, in(-time.Second)))
	notified(t, ch, "a schedule")
	select {
	case <-foreign:
		t.Error("notified for another installation")
	default:
	}
	stop()
	harness.OK(t, b.Worklist().Enqueue(t.Context(), []DueEntry{dueEntry(4)}))
	select {
	case <-ch:
		t.Error("notified after the end")
	default:
	}
}

func TestWakesSweepAndSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newNotifier()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{}, 2)
		go func() { js.Repeat(ctx, scheduleGrain, k.notifyDue); done <- struct{}{} }()
		go func() {
			js.Repeat(ctx, notifySweep, func(ctx context.Context) error {
				return k.sweep(ctx, func(_ context.Context, installation string) bool { return installation == inst })
			})
			done <- struct{}{}
		}()
		ch, stop := k.subscribe(inst)
		defer stop()
		idle, stopIdle := k.subscribe(other)
		defer stopIdle()
		start := time.Now()
		k.notifyAt(inst, start.Add(4*time.Second))
		<-ch
		if took := time.Since(start); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("schedule woke after %s", took)
		}
		<-ch
		if took := time.Since(start); took != notifySweep {
			t.Errorf("sweep woke after %s", took)
		}
		k.notify(inst)
		k.notify(inst)
		<-ch
		select {
		case <-ch:
			t.Error("two hints that nobody read did not become one")
		default:
		}
		select {
		case <-idle:
			t.Error("notified without a due entry")
		default:
		}
		cancel()
		<-done
		<-done
	})
}
