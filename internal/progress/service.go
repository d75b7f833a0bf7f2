package progress

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
)

// errAnew is the cause of the end of what is started anew.
var errAnew = errors.New("it stood still and is started anew")

const (
	// letGoWithin is how long a service may take to end when it is started anew. One that
	// does not is left behind: its context has ended, so that no call which it makes does
	// anything.
	letGoWithin = 5 * time.Second
	// afterPanic is the pause before a service that panicked runs again.
	afterPanic = time.Second
)

// Service is work that runs from Start to Stop, and is started anew when it stands still.
// Its function finds its Heartbeat in the context. One that panicked runs again after a moment.
type Service struct {
	Name, Part string // as in Work
	Run        func(ctx context.Context) error
	Watchdog   *Watchdog // nil: it is not observed
	Log        *zap.Logger

	mu        sync.Mutex // guards what follows
	ctx       context.Context
	task      *lifecycle.Task
	heartbeat *Heartbeat
	stopped   bool
}

// Start runs the service until Stop, or until ctx ends; after a Stop it does nothing.
func (s *Service) Start(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.task != nil || s.stopped {
		return
	}
	s.ctx = ctx
	s.begin()
}

// begin starts a task; s.mu is held.
func (s *Service) begin() {
	heartbeat := s.Watchdog.Watch(Work{Name: s.Name, Part: s.Part, Restart: s.Restart})
	s.heartbeat, s.task = heartbeat, lifecycle.New(s.Name, func(ctx context.Context) error {
		defer heartbeat.Close()
		return s.run(With(ctx, heartbeat))
	})
	s.task.Start(s.ctx)
}

func (s *Service) run(ctx context.Context) error {
	for {
		err := panics.Try(func() error { return s.Run(ctx) })
		if panics.Of(err) == nil || ctx.Err() != nil {
			return err
		}
		s.Log.Error("service panicked, restarting it", zap.String("work", s.Name), zap.Error(err), panics.Stack(err))
		_ = lifecycle.Sleep(ctx, afterPanic)
	}
}

// Restart ends what runs and starts it anew, whether or not it has ended by then.
func (s *Service) Restart(ctx context.Context) error {
	s.mu.Lock()
	task, heartbeat := s.task, s.heartbeat
	s.mu.Unlock()
	if task == nil {
		return fmt.Errorf("start %s anew: it does not run", s.Name)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, letGoWithin, fmt.Errorf("not within %s", letGoWithin))
	defer cancel()
	if err := task.Stop(ctx, errAnew); err != nil {
		s.Log.Warn("service does not stop, starting another beside it", zap.String("work", s.Name), zap.Error(err))
	}
	heartbeat.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.task == task && !s.stopped {
		s.begin()
	}
	return nil
}

// Stop ends the service and waits for it until ctx ends; the error is lifecycle.ErrRunning then.
func (s *Service) Stop(ctx context.Context, cause error) error {
	task, heartbeat := s.end(cause)
	if task == nil {
		return nil
	}
	err := task.Wait(ctx)
	heartbeat.Close()
	return err
}

// end tells the service to end, and returns what ran; nil when nothing did.
func (s *Service) end(cause error) (*lifecycle.Task, *Heartbeat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.task != nil {
		s.task.End(cause)
	}
	return s.task, s.heartbeat
}

// Stop ends services side by side, and waits for all of them until ctx ends: the error
// names those that have not.
func Stop(ctx context.Context, cause error, services ...*Service) error {
	for _, s := range services {
		s.end(cause)
	}
	var errs []error
	for _, s := range services {
		errs = append(errs, s.Stop(ctx, cause))
	}
	return errors.Join(errs...)
}

// Err is what the function returned; nil while it runs.
func (s *Service) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.task == nil {
		return nil
	}
	return s.task.Err()
}
