// Package lifecycle starts and stops what runs: a Task is one function on its own
// goroutine, a Group any number of them. A stop has a cause, which the function finds in its
// context, and a deadline: what does not end in time is named, and no stop hangs for it. A
// panic is the task's error, not the process's end. Every layer may use it; it logs nothing.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"channelsync/internal/panics"
)

// ErrRunning says that a task did not end in time. Its context has ended, so that
// nothing which it still asks for is done.
var ErrRunning = errors.New("still running")

// Task runs a function once, from Start to Stop.
type Task struct {
	name  string
	run   func(ctx context.Context) error
	ended func() // called once it has ended; may be nil

	mu      sync.Mutex // guards what follows
	cancel  context.CancelCauseFunc
	stopped bool
	err     error

	done chan struct{}
}

// New makes a task; name says what runs, for errors. Nothing runs before Start.
func New(name string, run func(ctx context.Context) error) *Task {
	return &Task{name: name, run: run, done: make(chan struct{})}
}

// Start runs the task until it returns by itself, ctx ends or Stop is called. It does
// nothing, and says so, when the task was started before, or stopped: a stop that comes
// first is not overtaken.
func (t *Task) Start(ctx context.Context) (began bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cancel != nil || t.stopped {
		return false
	}
	ctx, t.cancel = context.WithCancelCause(ctx)
	go func() {
		err := panics.Try(func() error { return t.run(ctx) })
		t.mu.Lock()
		t.err = err
		t.mu.Unlock()
		t.cancel(context.Canceled)
		close(t.done)
		if t.ended != nil {
			t.ended()
		}
	}()
	return true
}

// Done is closed once the task does not run any more, or never will.
func (t *Task) Done() <-chan struct{} { return t.done }

// Err is what the task returned; nil while it runs. A panic is a *panics.Error.
func (t *Task) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// End tells the task to end, and does not wait for it. The first cause counts.
func (t *Task) End(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.cancel != nil:
		t.cancel(cause)
	case !t.stopped:
		close(t.done)
	}
	t.stopped = true
}

// Wait waits until the task has ended, or ctx: then the error is ErrRunning.
func (t *Task) Wait(ctx context.Context) error {
	select {
	case <-t.done:
		return nil
	default:
	}
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w (%w)", t.name, ErrRunning, context.Cause(ctx))
	}
}

// Stop is End and Wait.
func (t *Task) Stop(ctx context.Context, cause error) error {
	t.End(cause)
	return t.Wait(ctx)
}

// Group is any number of tasks that are stopped together. The zero value is empty.
type Group struct {
	mu    sync.Mutex // guards what follows
	tasks map[*Task]bool
	ended bool
}

// Go runs a task in the group until it ends; nil once the group is ending: then nothing is
// begun that nobody would wait for.
func (g *Group) Go(ctx context.Context, name string, run func(ctx context.Context) error) *Task {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return nil
	}
	t := New(name, run)
	t.ended = func() { g.remove(t) }
	if g.tasks == nil {
		g.tasks = map[*Task]bool{}
	}
	g.tasks[t] = true
	t.Start(ctx)
	return t
}

func (g *Group) remove(t *Task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tasks, t)
}

// Wait waits until all tasks have ended by themselves, or ctx: the error names those that
// have not. Nothing is begun any more.
func (g *Group) Wait(ctx context.Context) error { return waitAll(ctx, g.end()) }

// Stop tells all tasks to end, and is Wait.
func (g *Group) Stop(ctx context.Context, cause error) error { return Stop(ctx, cause, g.end()...) }

// end lets nothing begin any more, and returns what runs.
func (g *Group) end() []*Task {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	return slices.Collect(maps.Keys(g.tasks))
}

// Stop stops tasks side by side, and waits for all of them until ctx ends.
func Stop(ctx context.Context, cause error, tasks ...*Task) error {
	for _, t := range tasks {
		t.End(cause)
	}
	return waitAll(ctx, tasks)
}

func waitAll(ctx context.Context, tasks []*Task) error {
	var errs []error
	for _, t := range tasks {
		errs = append(errs, t.Wait(ctx))
	}
	return errors.Join(errs...)
}

// Every calls do again and again, an interval apart, until ctx ends.
func Every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// Sleep waits, or less when the context ends: then it returns the cause of that.
func Sleep(ctx context.Context, d time.Duration) error { return SleepUntil(ctx, d, nil) }

// SleepUntil is Sleep, which ends sooner when asked.
func SleepUntil(ctx context.Context, d time.Duration, asked <-chan struct{}) error {
	select {
	case <-ctx.Done():
	case <-asked:
	case <-time.After(d):
	}
	return context.Cause(ctx)
}
