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

// Beat is how one piece of work says that it moves. The methods of a nil one do nothing.
type Beat struct {
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
func (b *Beat) Busy(pace Pace) {
	if b != nil {
		b.waits.Store(nil)
		b.pace.Store(int32(pace))
	}
}

// Wait says that the work waits for something to do, for d at most; after that it is
// busy, at the pace of live work: the wait itself must end.
func (b *Beat) Wait(d time.Duration) {
	if b != nil {
		until := time.Now().Add(d)
		b.waits.Store(&until)
		b.pace.Store(int32(Live))
	}
}

// Idle says that what there was to do is done, or waits for its time, and is a move.
func (b *Beat) Idle() {
	if b != nil {
		b.moves.Add(1)
		b.pace.Store(int32(idle))
	}
}

// Move says that a step has ended, well or not.
func (b *Beat) Move() {
	if b != nil {
		b.moves.Add(1)
	}
}

// Queued says that the work waits for its turn in a queue, until the returned function is
// called. The queue counts whom it served: as long as it serves anybody, the work moves.
func (b *Beat) Queued(served *atomic.Uint64) (done func()) {
	if b == nil {
		return func() {}
	}
	b.queue.Store(&queue{served, served.Load()})
	return func() { b.queue.Store(nil) }
}

// Fail says that an attempt failed for a cause of our own; nil says that one did not. What
// an upstream causes is no failure in this sense.
func (b *Beat) Fail(err error) {
	switch {
	case b == nil:
	case err == nil:
		b.failing.Store(nil)
	default:
		text := err.Error()
		b.failing.Store(&text)
	}
}

// Close says that the work is nobody's business any more. Calls after it do nothing.
func (b *Beat) Close() {
	if b != nil {
		b.close()
	}
}

// look is how the work stands.
func (b *Beat) look(now time.Time) (pace Pace, moves uint64, failing string) {
	pace = Pace(b.pace.Load())
	if until := b.waits.Load(); until != nil && now.Before(*until) {
		pace = idle
	}
	moves = b.moves.Load()
	if q := b.queue.Load(); q != nil {
		moves += q.served.Load() - q.before
	}
	if text := b.failing.Load(); text != nil {
		failing = *text
	}
	return pace, moves, failing
}

type beatKey struct{}

// With makes the calls under ctx moves of the work. A nil beat hides the one of an outer
// context.
func With(ctx context.Context, b *Beat) context.Context { return context.WithValue(ctx, beatKey{}, b) }

// Of returns the beat of the work that ctx belongs to; nil when it belongs to none.
func Of(ctx context.Context) *Beat {
	b, _ := ctx.Value(beatKey{}).(*Beat)
	return b
}

// Move says that an exchange of the work that ctx belongs to has ended.
func Move(ctx context.Context) { Of(ctx).Move() }
