package events

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/store"
	"channelsync/internal/progress"
	"channelsync/test/harness"
)

// watched runs a watchdog until the test ends.
func watched(t testing.TB, limits progress.Limits) (dog *progress.Watchdog, gaveUp *atomic.Int64) {
	t.Helper()
	gaveUp = &atomic.Int64{}
	dog = progress.New(progress.Config{Limits: limits, GiveUp: func(error) { gaveUp.Add(1) }, Log: zap.NewNop()})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { dog.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return dog, gaveUp
}

func red(t testing.TB, dog *progress.Watchdog) string {
	if _, err := dog.Check(t.Context()); err != nil {
		return err.Error()
	}
	return ""
}

// TestAStuckCommitIsNamedAndChangesAreStoredAgain: one commit never returns; it is named,
// another loop stores what comes after it, and the bus closes.
func TestAStuckCommitIsNamedAndChangesAreStoredAgain(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	var calls, stuck atomic.Int64
	dog, gaveUp := watched(t, progress.Limits{Live: time.Second, Again: 20 * time.Second})
	b := open(t, func(c *store.Config) {
		c.Watchdog = dog
		c.Now = func() time.Time {
			if stuck.Load() != 0 && calls.Add(1) == stuck.Load() {
				<-let
			}
			return time.Now()
		}
	})
	t.Cleanup(func() { close(let) })
	publish(t, b, change(1), "one")
	stuck.Store(2) // the first call is its publisher's, the second one is the committer's
	lost := make(chan error, 1)
	go func() {
		_, err := b.Journal().Publish(t.Context(), change(2), "two")
		lost <- err
	}()
	harness.Until(t, "the commit is named", 10*time.Second, func() bool {
		return strings.Contains(red(t, dog), "commit of changes has not moved")
	})
	if err := <-lost; err == nil {
		t.Error("a change that was not stored is acknowledged")
	}
	harness.Until(t, "changes are stored again", 20*time.Second, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := b.Journal().Publish(ctx, change(3), "three")
		return err == nil
	})
	harness.Until(t, "all moves", 10*time.Second, func() bool { return red(t, dog) == "" })
	if gaveUp.Load() > 0 {
		t.Error("the process was given up")
	}
}

// TestAStuckStepIsNamed: whatever the bus repeats is watched from its tick on.
func TestAStuckStepIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dog, _ := watched(t, progress.Limits{})
		let := make(chan struct{})
		var steps atomic.Int64
		trim := &progress.Service{Name: "trim", Part: "store", Watchdog: dog, Log: zap.NewNop(), Run: func(ctx context.Context) error {
			js.Repeat(ctx, time.Minute, func(context.Context) error {
				if steps.Add(1) == 3 {
					<-let
				}
				return nil
			})
			return nil
		}}
		trim.Start(t.Context())
		<-time.After(3*time.Minute + 135*time.Second)
		if got := red(t, dog); !strings.Contains(got, "trim has not moved") {
			t.Errorf("2 minutes 15 seconds after it got stuck: %q", got)
		}
		<-time.After(10 * time.Minute)
		if got := red(t, dog); got != "" || steps.Load() < 10 {
			t.Errorf("after a new start: %q, %d steps", got, steps.Load())
		}
		close(let)
		if err := trim.Stop(t.Context(), js.ErrClosed); err != nil {
			t.Error(err)
		}
	})
}

// TestAPanicInALoopOfTheBusEndsNothing: it runs again.
func TestAPanicInALoopOfTheBusEndsNothing(t *testing.T) {
	t.Parallel()
	b := open(t)
	var runs atomic.Int64
	b.Own("a loop", func(ctx context.Context) {
		if runs.Add(1) == 1 {
			panic("no")
		}
		<-ctx.Done()
	})
	harness.Until(t, "it runs again", 10*time.Second, func() bool { return runs.Load() == 2 })
}

// TestCloseNamesWhatDoesNotEnd, and does not hang for it.
func TestCloseNamesWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DataDir: t.TempDir(), Log: zap.NewNop()}
	b, err := Open(t.Context(), cfg)
	harness.OK(t, err)
	let := make(chan struct{})
	defer close(let)
	b.Own("the stuck loop", func(context.Context) { <-let })
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, fmt.Errorf("not within 1s"))
	defer cancel()
	if err := b.Close(ctx); err == nil || !strings.Contains(err.Error(), "the stuck loop") {
		t.Errorf("closed with %v", err)
	}
}
