package progress

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"channelsync/test/harness"
	"channelsync/test/stress"
)

func TestMain(m *testing.M) { harness.Main(m) }

// kennel is a watchdog with the real times, and what it did.
type kennel struct {
	*Watchdog
	t      *testing.T
	logs   *observer.ObservedLogs
	excuse func(context.Context) error

	mu  sync.Mutex
	did did
}

// did is what the watchdog did.
type did struct {
	counted  map[string]int
	gaveUp   []error
	restarts int
}

// does notes something of it.
func (k *kennel) does(what func(*did)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	what(&k.did)
}

// done is what was done until now.
func (k *kennel) done() did {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.did
	d.counted, d.gaveUp = maps.Clone(d.counted), slices.Clone(d.gaveUp)
	return d
}

func newKennel(t *testing.T) *kennel {
	core, logs := observer.New(zapcore.InfoLevel)
	k := &kennel{t: t, logs: logs, did: did{counted: map[string]int{}}, excuse: func(context.Context) error { return nil }}
	k.Watchdog = New(Config{
		Excuse: func(ctx context.Context) error { return k.excuse(ctx) }, Count: func(part string) { k.does(func(d *did) { d.counted[part]++ }) },
		GiveUp: func(err error) { k.does(func(d *did) { d.gaveUp = append(d.gaveUp, err) }) }, Log: zap.New(core),
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return k
}

// worker watches work that restart starts anew.
func (k *kennel) worker(restart func(ctx context.Context) error) *Heartbeat {
	return k.Watch(Work{Name: "worker of one", Part: "worker", Restart: func(ctx context.Context) error {
		k.does(func(d *did) { d.restarts++ })
		return restart(ctx)
	}})
}

// pass lets time pass.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// until returns how long it takes until something is so.
func (k *kennel) until(is func() bool, most time.Duration) time.Duration {
	k.t.Helper()
	start := time.Now()
	for !is() {
		if pass(time.Second); time.Since(start) > most {
			k.t.Fatalf("not within %s; %v", most, k.logs.All())
		}
	}
	return time.Since(start)
}

func (k *kennel) red() bool {
	_, err := k.Check(k.t.Context())
	return err != nil
}

func (k *kennel) says() string {
	detail, err := k.Check(k.t.Context())
	if err != nil {
		return err.Error()
	}
	return detail
}

func (k *kennel) quiet() {
	k.t.Helper()
	if len(k.done().counted) > 0 || k.red() || len(k.done().gaveUp) > 0 || k.done().restarts > 0 {
		k.t.Errorf("a false alarm: %v, %s, %v", k.done().counted, k.says(), k.done().gaveUp)
	}
}

func TestStuckWorkIsNamedLoggedCountedAndStartedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(t)
		var next *Heartbeat
		stuck := k.worker(func(context.Context) error {
			next = k.Watch(Work{Name: "worker of one", Part: "worker"})
			next.Busy(Live)
			return nil
		})
		defer stuck.Close()
		stuck.Busy(Live)
		if took := k.until(k.red, 135*time.Second); took < 2*time.Minute {
			t.Errorf("red after %s", took)
		}
		if text := k.says(); text != "worker of one has not moved and is started anew" {
			t.Errorf("says %q", text)
		}
		synctest.Wait()
		stuck.Close()
		defer next.Close()
		if k.done().counted["worker"] != 1 || k.done().restarts != 1 {
			t.Errorf("counted %v, restarted %d times", k.done().counted, k.done().restarts)
		}
		all := ""
		for _, e := range k.logs.FilterMessage("stacks of all goroutines").All() {
			all += string(e.ContextMap()["stacks"].(string))
		}
		if !strings.Contains(all, "TestStuckWorkIsNamedLoggedCountedAndStartedAnew") {
			t.Errorf("the stacks do not show this test:\n%s", all)
		}
		if n := k.logs.FilterMessage("work is due and has not moved, restarting it").FilterField(zap.String("work", "worker of one")).Len(); n != 1 {
			t.Errorf("named %d times in the log", n)
		}
		pass(time.Minute)
		if !k.red() {
			t.Error("green before it moves")
		}
		next.Idle()
		if took := k.until(func() bool { return !k.red() }, 10*time.Second); took > 10*time.Second {
			t.Errorf("green %s after it moved", took)
		}
		pass(time.Hour)
		if k.red() || len(k.done().gaveUp) > 0 || k.done().restarts != 1 {
			t.Errorf("afterwards: %s, %v", k.says(), k.done().gaveUp)
		}
	})
}

func TestWhatANewStartDoesNotHelpEndsTheProcess(t *testing.T) {
	for name, restart := range map[string]func(*kennel) func(context.Context) error{
		"it stands still again": func(k *kennel) func(context.Context) error {
			return func(context.Context) error {
				k.Watch(Work{Name: "worker of one", Part: "worker"}).Busy(Live)
				return nil
			}
		},
		"nothing is started": func(*kennel) func(context.Context) error {
			return func(context.Context) error { return errors.New("no") }
		},
		"the new start panics": func(*kennel) func(context.Context) error { return func(context.Context) error { panic("no") } },
		"the new start hangs": func(*kennel) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKennel(t)
				var stuck *Heartbeat
				stuck = k.worker(func(ctx context.Context) error {
					stuck.Close()
					return restart(k)(ctx)
				})
				stuck.Busy(Live)
				k.until(k.red, 135*time.Second)
				took := k.until(func() bool { return len(k.done().gaveUp) > 0 }, 250*time.Second)
				if want := map[bool]time.Duration{false: 125 * time.Second, true: 245 * time.Second}[name == "the new start hangs"]; took > want {
					t.Errorf("after %s, want %s", took, want)
				}
				if !strings.Contains(k.done().gaveUp[0].Error(), "worker of one is stalled") {
					t.Errorf("says %v", k.done().gaveUp[0])
				}
				pass(time.Hour)
				if len(k.done().gaveUp) != 1 || k.done().restarts != 1 || !k.red() {
					t.Errorf("given up %d times, restarted %d times, %s", len(k.done().gaveUp), k.done().restarts, k.says())
				}
			})
		})
	}
}

// TestWhatGoesOnElsewhereIsForgotten: the new start may be another instance's.
func TestWhatGoesOnElsewhereIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(t)
		var stuck *Heartbeat
		stuck = k.worker(func(context.Context) error { stuck.Close(); return nil })
		stuck.Busy(Live)
		k.until(k.red, 135*time.Second)
		k.until(func() bool { return !k.red() }, 10*time.Second)
		pass(time.Hour)
		if len(k.done().gaveUp) > 0 || k.done().restarts != 1 {
			t.Errorf("given up %v, restarted %d times", k.done().gaveUp, k.done().restarts)
		}
	})
}

// TestFalseAlarms are what must never be taken for a stall.
func TestFalseAlarms(t *testing.T) {
	for name, work := range map[string]func(k *kennel, b *Heartbeat){
		"a slow backfill": func(_ *kennel, b *Heartbeat) {
			for range 20 {
				b.Busy(Bulk)
				pass(4 * time.Minute)
				b.Move()
				pass(4 * time.Minute)
				b.Idle()
			}
		},
		"an upstream that answers after 29 s": func(_ *kennel, b *Heartbeat) {
			ctx := With(context.Background(), b)
			b.Busy(Live)
			for range 100 {
				pass(29 * time.Second)
				Move(ctx)
			}
			b.Idle()
		},
		"an upstream that is left alone for an hour": func(_ *kennel, b *Heartbeat) {
			b.Busy(Live)
			b.Idle()
			pass(time.Hour)
			b.Busy(Live)
			b.Idle()
		},
		"a wait for a change that ends in time": func(_ *kennel, b *Heartbeat) {
			for range 10 {
				b.Wait(10 * time.Minute)
				pass(10 * time.Minute)
				b.Move()
			}
			b.Idle()
		},
		"an installation that is stopped": func(_ *kennel, b *Heartbeat) {
			for range 60 {
				b.Busy(Live)
				b.Idle()
				pass(time.Minute)
			}
		},
		"a store that is away": func(k *kennel, b *Heartbeat) {
			var away atomic.Bool
			away.Store(true)
			k.excuse = func(context.Context) error {
				if away.Load() {
					return errors.New("not connected to nats")
				}
				return nil
			}
			b.Busy(Live)
			b.Fail(errors.New("the store does not answer"))
			pass(time.Hour)
			away.Store(false)
			pass(time.Minute)
			b.Fail(nil)
			b.Idle()
			pass(time.Hour)
		},
		"1,000 that wait for their turn": func(k *kennel, b *Heartbeat) {
			var served atomic.Uint64
			var waiting []*Heartbeat
			for i := range 1000 {
				one := k.Watch(Work{Name: fmt.Sprint("worker of ", i), Part: "worker"})
				one.Busy(Live)
				one.Queued(&served)
				waiting = append(waiting, one)
			}
			for _, one := range waiting {
				pass(10 * time.Second) // nearly three hours in all
				served.Add(1)
				one.Close()
			}
			b.Idle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKennel(t)
				b := k.worker(func(context.Context) error { return nil })
				defer b.Close()
				work(k, b)
				k.quiet()
			})
		})
	}
}

func TestAQueueThatServesNobodyIsAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(t)
		var served atomic.Uint64
		for i := range 100 {
			b := k.Watch(Work{Name: fmt.Sprintf("worker of %02d", i), Part: "worker"})
			b.Busy(Live)
			b.Queued(&served)
		}
		k.until(k.red, 135*time.Second)
		if text := k.says(); !strings.HasPrefix(text, "worker of 00 has not moved") || !strings.HasSuffix(text, "; and 95 more") {
			t.Errorf("says %q", text)
		}
		if k.done().counted["worker"] != 100 {
			t.Errorf("counted %v", k.done().counted)
		}
		if n := k.logs.FilterMessage("work is due and has not moved, restarting it").Len(); n != logMost {
			t.Errorf("logged %d lines", n)
		}
	})
}

func TestAWaitThatDoesNotEndIsAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(t)
		k.worker(func(context.Context) error { return nil }).Wait(10 * time.Second)
		if took := k.until(k.red, 145*time.Second); took < 130*time.Second {
			t.Errorf("red after %s", took)
		}
	})
}

func TestWorkThatFailsAtEveryAttemptIsNamedAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(t)
		b := k.worker(func(context.Context) error { return nil })
		for range 100 {
			b.Busy(Live)
			b.Fail(errors.New("the store takes no entry"))
			b.Idle()
			pass(30 * time.Second)
		}
		if text := k.says(); text != "worker of one fails at every attempt; the log has the cause" {
			t.Errorf("says %q", text)
		}
		if k.done().restarts > 0 || len(k.done().gaveUp) > 0 || k.done().counted["worker"] != 1 {
			t.Errorf("restarted %d times, %v, counted %v", k.done().restarts, k.done().gaveUp, k.done().counted)
		}
		b.Fail(nil)
		k.until(func() bool { return !k.red() }, 10*time.Second)
	})
}

// TestTheWatchdogItselfIsNotStopped by what it asks.
func TestTheWatchdogItselfIsNotStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(t)
		k.excuse = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		k.worker(func(context.Context) error { return nil }).Busy(Live)
		k.until(k.red, 135*time.Second)
	})
}

func TestStacksAreBounded(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	s := stacks{log: zap.New(core)}
	for range 3 {
		s.dump()
	}
	lines := logs.FilterMessage("stacks of all goroutines").Len()
	if lines == 0 || logs.FilterMessage("stacks not logged again").Len() != 2 {
		t.Errorf("%v", logs.All())
	}
	for i, part := range chunks([]byte(strings.Repeat("a line\n", 100)), 64) {
		if len(part) > 64 || i < 11 && part[len(part)-1] != '\n' {
			t.Errorf("part %d is %q", i, part)
		}
	}
	if parts := chunks([]byte(strings.Repeat("x", 100)), 64); len(parts) != 2 {
		t.Errorf("a long line became %d parts", len(parts))
	}
}

func TestANilHeartbeatDoesNothing(t *testing.T) {
	b := Of(t.Context())
	b.Busy(Live)
	b.Wait(time.Second)
	b.Move()
	b.Fail(errors.New("no"))
	b.Queued(nil)()
	b.Idle()
	b.Close()
	if (*Watchdog)(nil).Watch(Work{}) != nil {
		t.Error("a nil watchdog observes something")
	}
}

func TestHeartbeatsUnderStress(t *testing.T) {
	w := New(Config{Limits: Limits{Live: 20 * time.Millisecond, Again: time.Hour, Every: time.Millisecond}, GiveUp: func(error) {}, Log: zap.NewNop()})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	var served atomic.Uint64
	var n atomic.Int64
	work := func() error {
		b := w.Watch(Work{Name: fmt.Sprint(n.Add(1) % 50), Part: "worker", Restart: func(context.Context) error { return nil }})
		defer b.Close()
		b.Busy(Live)
		done := b.Queued(&served)
		served.Add(1)
		done()
		b.Fail(errors.New("once"))
		b.Fail(nil)
		b.Idle()
		return nil
	}
	check := func() error { _, _ = w.Check(ctx); return nil }
	stress.Run(t, work, work, work, check)
	cancel()
	running.Wait()
}
