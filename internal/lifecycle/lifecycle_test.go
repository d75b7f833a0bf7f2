package lifecycle

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/internal/panics"
	"channelsync/test/harness"
	"channelsync/test/stress"
)

func TestMain(m *testing.M) { harness.Main(m) }

var errStop = errors.New("it is time")

// untilTheEnd runs until it is asked to end, and returns the cause.
func untilTheEnd(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestATaskRunsFromStartToStop(t *testing.T) {
	running := make(chan struct{})
	task := New("a task", func(ctx context.Context) error {
		close(running)
		return untilTheEnd(ctx)
	})
	if closed(running) || closed(task.Done()) {
		t.Error("it runs before it is started")
	}
	if !task.Start(t.Context()) || task.Start(t.Context()) {
		t.Error("it is not started once")
	}
	<-running
	if err := task.Stop(t.Context(), errStop); err != nil {
		t.Error(err)
	}
	if err := task.Stop(t.Context(), errors.New("another")); err != nil || !closed(task.Done()) {
		t.Error("stopped twice:", err)
	}
	if !errors.Is(task.Err(), errStop) {
		t.Errorf("it ended with %v", task.Err())
	}
}

func TestAStopBeforeTheStartIsNotOvertaken(t *testing.T) {
	task := New("a task", func(context.Context) error { t.Error("it runs"); return nil })
	if err := task.Stop(t.Context(), errStop); err != nil {
		t.Error(err)
	}
	if task.Start(t.Context()) {
		t.Error("it was started")
	}
}

func TestATaskEndsByItselfOrWithItsContext(t *testing.T) {
	failed := errors.New("no")
	task := New("a task", func(context.Context) error { return failed })
	task.Start(t.Context())
	<-task.Done()
	if !errors.Is(task.Err(), failed) {
		t.Errorf("ended with %v", task.Err())
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	task = New("a task", untilTheEnd)
	task.Start(ctx)
	cancel(errStop)
	<-task.Done()
	if !errors.Is(task.Err(), errStop) {
		t.Errorf("ended with %v", task.Err())
	}
	task = New("a task", func(context.Context) error { panic("no") })
	task.Start(t.Context())
	<-task.Done()
	if panics.Of(task.Err()) == nil {
		t.Errorf("a panic became %v", task.Err())
	}
}

// TestAStopDoesNotHang for what does not end: it is named.
func TestAStopDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		stuck := func(context.Context) error { <-let; return nil }
		var g Group
		g.Go(t.Context(), "the stuck one", stuck)
		g.Go(t.Context(), "the other one", untilTheEnd)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errors.New("not within 5s"))
		defer cancel()
		err := g.Stop(ctx, errStop)
		if !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), "the stuck one") || strings.Contains(err.Error(), "the other one") {
			t.Errorf("got %v", err)
		}
		if !strings.Contains(err.Error(), "not within 5s") {
			t.Errorf("%v does not say how long it waited", err)
		}
		if g.Go(t.Context(), "a late one", untilTheEnd) != nil {
			t.Error("something began after the end")
		}
		close(let)
		if err := g.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAGroupWaitsForWhatEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		var ended atomic.Int64
		for range 3 {
			g.Go(t.Context(), "a task", func(ctx context.Context) error {
				timer := time.NewTimer(time.Second)
				defer timer.Stop()
				select {
				case <-timer.C:
					ended.Add(1)
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			synctest.Wait()
		}
		if err := g.Wait(t.Context()); err != nil || ended.Load() != 3 {
			t.Errorf("%d ended: %v", ended.Load(), err)
		}
		synctest.Wait()
		if len(g.tasks) != 0 {
			t.Errorf("%d are kept", len(g.tasks))
		}
	})
}

// TestTasksUnderStress: whatever comes first, after a stop nothing runs.
func TestTasksUnderStress(t *testing.T) {
	var running atomic.Int64
	run := func(ctx context.Context) error {
		running.Add(1)
		defer running.Add(-1)
		return untilTheEnd(ctx)
	}
	task := New("a task", run)
	var current atomic.Pointer[Task]
	current.Store(task)
	start := func() error { current.Load().Start(context.Background()); return nil }
	stop := func() error {
		t := current.Load()
		if err := t.Stop(context.Background(), errStop); err != nil {
			return err
		}
		if t.Start(context.Background()) {
			return errors.New("started after its stop")
		}
		current.CompareAndSwap(t, New("a task", run))
		return nil
	}
	group := func() error {
		var g Group
		ended := make(chan error, 1)
		go func() { ended <- g.Stop(context.Background(), errStop) }()
		for range 5 {
			g.Go(context.Background(), "a task", run)
		}
		return <-ended
	}
	stress.Run(t, start, start, stop, stop, group, group)
	if err := current.Load().Stop(t.Context(), errStop); err != nil {
		t.Error(err)
	}
	if n := running.Load(); n != 0 {
		t.Errorf("%d run", n)
	}
}

func TestSleepEndsWithItsTimeOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := Sleep(t.Context(), time.Minute); err != nil || time.Since(began) != time.Minute {
			t.Errorf("slept %s, %v", time.Since(began), err)
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		began = time.Now()
		if err := Sleep(ctx, time.Minute); !errors.Is(err, cause) || time.Since(began) != time.Second {
			t.Errorf("slept %s, %v", time.Since(began), err)
		}
	})
}

func TestSleepEndsWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, asked := time.Now(), make(chan struct{})
		time.AfterFunc(time.Second, func() { close(asked) })
		if err := SleepUntil(t.Context(), time.Minute, asked); err != nil || time.Since(began) != time.Second {
			t.Errorf("slept %s, %v", time.Since(began), err)
		}
	})
}

func TestEveryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		began, calls := time.Now(), 0
		Every(ctx, time.Minute, func() { calls++ })
		if calls != 2 || time.Since(began) != 150*time.Second {
			t.Errorf("%d calls in %s", calls, time.Since(began))
		}
	})
}
