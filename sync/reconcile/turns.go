package reconcile

import (
	"context"
	"sync"
	"time"

	"channelsync/events"
)

const (
	// liveTurns and bulkTurns are how many installations work at once, by lane. Beyond
	// that the store gains nothing, and what waits in it for too long fails, is done
	// again, and so keeps the others waiting: a thousand first passes would never end.
	liveTurns, bulkTurns = 32, 8
	// turnLent is how long a place is one's own. An installation whose vendor does not
	// answer goes on without one, so that it never holds another back.
	turnLent = 2 * time.Second
)

// Turns are the places that installations work in. One is shared by all of a process;
// a nil one has a place for everybody.
type Turns struct {
	live, bulk chan struct{}
}

// NewTurns returns places that are all free.
func NewTurns() *Turns {
	return &Turns{live: make(chan struct{}, liveTurns), bulk: make(chan struct{}, bulkTurns)}
}

// Enter waits for a place in a lane, in the order of coming; false when ctx ended
// first. leave gives it back, once however often it is called.
func (t *Turns) Enter(ctx context.Context, lane events.Lane) (leave func(), ok bool) {
	if t == nil {
		return func() {}, ctx.Err() == nil
	}
	places := t.live
	if lane == events.LaneBulk {
		places = t.bulk
	}
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	}
	free := sync.OnceFunc(func() { <-places })
	lent := time.AfterFunc(turnLent, free)
	return func() { lent.Stop(); free() }, true
}

// EnterWithin is Enter for who has something better to do than to wait any longer.
func (t *Turns) EnterWithin(ctx context.Context, lane events.Lane, most time.Duration) (leave func(), ok bool) {
	if t == nil {
		return t.Enter(ctx, lane)
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return t.Enter(ctx, lane)
}
