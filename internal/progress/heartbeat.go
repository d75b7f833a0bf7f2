package progress

import (
	"context"
	"sync/atomic"
	"time"
)

// Pace says how soon work that is due must move.
type Pace int32

// The paces; Config.Limits has their limits.
const (
	idle Pace = iota
	Live
	Bulk
)

// Heartbeat is how one piece of work says that it moves. The methods of a nil one do nothing.
type Heartbeat struct {
	work  Work
	close func()

	pace    atomic.Int32
	waits   atomic.Pointer[time.Time] // until when nothing is due
	moves   atomic.Uint64
	queue   atomic.Pointer[queue]
	failing atomic.Pointer[string]
}

// queue is what the work waits in.
type queue struct {
	served *atomic.Uint64
	before uint64 // how many it had served when the work came
}

// Busy says that there is something to do from now until Idle: the next move is due
// within the pace's limit.
func (h *Heartbeat) Busy(pace Pace) {
	if h != nil {
		h.waits.Store(nil)
		h.pace.Store(int32(pace))
	}
}

// Wait says that the work waits for something to do, for d at most; after that it is
// busy, at the pace of live work: the wait itself must end.
func (h *Heartbeat) Wait(d time.Duration) {
	if h != nil {
		h.waits.Store(new(time.Now().Add(d)))
		h.pace.Store(int32(Live))
	}
}

// Idle says that what there was to do is done, or waits for its time, and is a move.
func (h *Heartbeat) Idle() {
	if h != nil {
		h.moves.Add(1)
		h.pace.Store(int32(idle))
	}
}

// Move says that a step has ended, well or not.
func (h *Heartbeat) Move() {
	if h != nil {
		h.moves.Add(1)
	}
}

// Queued says that the work waits in a queue until the returned function is called.
// The queue counts whom it served: as long as it serves anybody, the work moves.
func (h *Heartbeat) Queued(served *atomic.Uint64) (done func()) {
	if h == nil {
		return func() {}
	}
	h.queue.Store(&queue{served, served.Load()})
	return func() { h.queue.Store(nil) }
}

// Fail says that an attempt failed for an internal cause; nil says that one did not. What
// an upstream causes is not a failure in this sense.
func (h *Heartbeat) Fail(err error) {
	switch {
	case h == nil:
	case err == nil:
		h.failing.Store(nil)
	default:
		h.failing.Store(new(err.Error()))
	}
}

// Close ends the observation of the work. Calls after it do nothing.
func (h *Heartbeat) Close() {
	if h != nil {
		h.close()
	}
}

// observe is how the work stands.
func (h *Heartbeat) observe(now time.Time) (pace Pace, moves uint64, failing string) {
	pace = Pace(h.pace.Load())
	if until := h.waits.Load(); until != nil && now.Before(*until) {
		pace = idle
	}
	moves = h.moves.Load()
	if q := h.queue.Load(); q != nil {
		moves += q.served.Load() - q.before
	}
	if text := h.failing.Load(); text != nil {
		failing = *text
	}
	return pace, moves, failing
}

type heartbeatKey struct{}

// With makes the calls under ctx moves of the work. A nil heartbeat hides the one of an outer
// context.
func With(ctx context.Context, h *Heartbeat) context.Context {
	return context.WithValue(ctx, heartbeatKey{}, h)
}

// Of returns the heartbeat of the work that ctx belongs to; nil when it belongs to none.
func Of(ctx context.Context) *Heartbeat {
	h, _ := ctx.Value(heartbeatKey{}).(*Heartbeat)
	return h
}

// Move says that an exchange of the work that ctx belongs to has ended.
func Move(ctx context.Context) { Of(ctx).Move() }
