package events

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	js "channelsync/events/internal/jetstream"
)

func woken(t testing.TB, ch <-chan struct{}, what string) {
	t.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	select {
	case <-ch:
	case <-end.C:
		t.Fatalf("not woken by %s", what)
	}
}

func TestWakes(t *testing.T) {
	t.Parallel()
	b := open(t)
	ch, stop := b.Worklist().Wakes(inst)
	foreign, stopForeign := b.Worklist().Wakes(other)
	defer stopForeign()

	if err := b.Worklist().Mark(t.Context(), []Mark{mark(1)}); err != nil {
		t.Fatal(err)
	}
	woken(t, ch, "a mark")
	if err := b.NC.Publish("wake."+inst, []byte("another process")); err != nil {
		t.Fatal(err)
	}
	woken(t, ch, "another process")
	dispatch(t, b)
	publish(t, b, change(2), "")
	woken(t, ch, "a dispatched change")
	if err := b.Worklist().Later(t.Context(), []Mark{mark(3)}, in(-time.Second)); err != nil {
		t.Fatal(err)
	}
	woken(t, ch, "a schedule")
	select {
	case <-foreign:
		t.Error("woken for another installation")
	default:
	}
	stop()
	if err := b.Worklist().Mark(t.Context(), []Mark{mark(4)}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ch:
		t.Error("woken after the end")
	default:
	}
}

func TestWakesSweepAndSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newWakes()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{}, 2)
		go func() { js.Repeat(ctx, wakeGrain, k.wakeDue); done <- struct{}{} }()
		go func() {
			js.Repeat(ctx, wakeSweep, func(ctx context.Context) error {
				return k.sweep(ctx, func(_ context.Context, installation string) bool { return installation == inst })
			})
			done <- struct{}{}
		}()
		ch, stop := k.subscribe(inst)
		defer stop()
		idle, stopIdle := k.subscribe(other)
		defer stopIdle()
		start := time.Now()
		k.wakeAt(inst, start.Add(4*time.Second))
		<-ch
		if took := time.Since(start); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("schedule woke after %s", took)
		}
		<-ch
		if took := time.Since(start); took != wakeSweep {
			t.Errorf("sweep woke after %s", took)
		}
		k.wake(inst)
		k.wake(inst)
		<-ch
		select {
		case <-ch:
			t.Error("two hints that nobody read did not become one")
		default:
		}
		select {
		case <-idle:
			t.Error("woken without a mark")
		default:
		}
		cancel()
		<-done
		<-done
	})
}
