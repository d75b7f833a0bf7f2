package progress

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"channelsync/internal/lifecycle"
)

var errEnd = errors.New("the end")

// TestAStuckServiceRunsAgainByItself: beside what does not end.
func TestAStuckServiceRunsAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(t)
		let := make(chan struct{})
		var starts atomic.Int64
		s := &Service{Name: "dispatcher", Part: "dispatcher", Watchdog: k.Watchdog, Log: zap.NewNop(), Run: func(ctx context.Context) error {
			work := Of(ctx)
			if starts.Add(1) == 1 {
				work.Busy(Live)
				<-let // whatever ctx says
				return nil
			}
			for ctx.Err() == nil {
				work.Wait(10 * time.Second)
				timer := time.NewTimer(10 * time.Second)
				select {
				case <-ctx.Done():
				case <-timer.C:
				}
				work.Move()
			}
			return context.Cause(ctx)
		}}
		s.Start(t.Context())
		k.until(k.red, 135*time.Second)
		k.until(func() bool { return !k.red() }, 30*time.Second)
		pass(time.Hour)
		if k.red() || starts.Load() != 2 {
			t.Errorf("%s, started %d times", k.says(), starts.Load())
		}
		if err := s.Stop(t.Context(), errEnd); err != nil || !errors.Is(s.Err(), errEnd) {
			t.Errorf("stopped: %v, ended: %v", err, s.Err())
		}
		close(let)
	})
}

func TestAServiceThatPanicsRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts atomic.Int64
		s := &Service{Name: "notifier", Part: "notifier", Log: zap.NewNop(), Run: func(ctx context.Context) error {
			if starts.Add(1) < 3 {
				panic("no")
			}
			<-ctx.Done()
			return nil
		}}
		s.Start(t.Context())
		pass(10 * time.Second)
		if n := starts.Load(); n != 3 {
			t.Errorf("started %d times", n)
		}
		if err := s.Stop(t.Context(), errEnd); err != nil {
			t.Error(err)
		}
		if err := s.Restart(t.Context()); err != nil || starts.Load() != 3 {
			t.Errorf("started after its stop: %v", err)
		}
	})
}

func TestTheStopOfAServiceDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		s := &Service{Name: "notifier", Part: "notifier", Log: zap.NewNop(), Run: func(context.Context) error { <-let; return nil }}
		if err := s.Restart(t.Context()); err == nil {
			t.Error("started anew although it was never started")
		}
		s.Start(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Stop(ctx, errEnd); !errors.Is(err, lifecycle.ErrRunning) {
			t.Errorf("got %v", err)
		}
		close(let)
	})
}
