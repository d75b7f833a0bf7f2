// Package slots bounds how many installations of a process work at once, by lane, and
// shares the slots fairly: by start-time fair queueing (Goyal, Vin, Cheng: "Start-time Fair
// Queueing", SIGCOMM 1996), so that a small installation never waits for the whole work of
// a large one.
//
// It knows nothing of the work. sync/control makes one for the process, and the workers and
// backfills of all installations ask it for slots.
package slots

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
	liveSlots, bulkSlots = 32, 8
	// turnLent is how long a place is one's own. An installation whose vendor does not
	// answer goes on without one, so that it never holds another back.
	slotTimeout = 2 * time.Second
)

// Turns are the places that installations work in. One is shared by all of a process;
// a nil one has a place for everybody.
//
// In each lane whoever has had the fewest records lately comes next, so that all get on
// side by side, however much each of them has to do. Whoever outlived its place the last
// time, since a vendor did not answer in time, waits for places of their own among its
// like, until it leaves one in time.
type Slots struct {
	live, bulk lane
}

// lane is a lane with its places.
type lane struct {
	quick, slow *semaphore

	mu      sync.Mutex
	overdue map[string]bool // by installation
}

// Want says what a place is wanted for.
type Request struct {
	Installation string
	Lane         events.Lane
	Lists        bool          // a page of a pass is to be listed, no batch to be reconciled
	Wait         time.Duration // how long to wait at most; 0: until the context ends
}

// NewTurns returns places that are all free.
func New() *Slots {
	of := func(n int) lane {
		return lane{quick: newSemaphore(n), slow: newSemaphore(n), overdue: map[string]bool{}}
	}
	return &Slots{live: of(liveSlots), bulk: of(bulkSlots)}
}

// Crowded says whether bulk work has to wait for a place.
func (t *Slots) Crowded() bool { return t.bulk.quick.crowded() }

// Enter waits for a place; false when the context or the time ended first. leave gives it
// back, once however often it is called, and says how many records it was used for;
// without a place it does nothing.
func (t *Slots) Acquire(ctx context.Context, w Request) (releaseSlot func(records int), ok bool) {
	if t == nil {
		return func(int) {}, ctx.Err() == nil
	}
	if w.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.Wait)
		defer cancel()
	}
	l := &t.live
	if w.Lane == events.LaneBulk {
		l = &t.bulk
	}
	from := l.semaphoreOf(w.Installation)
	who := flow{w.Installation, w.Lists}
	began, ok := from.acquire(ctx, who)
	if !ok {
		return func(int) {}, false
	}
	free := sync.OnceFunc(from.release)
	timeout := time.AfterFunc(slotTimeout, func() {
		l.note(w.Installation, true)
		free()
	})
	var once sync.Once
	return func(records int) {
		once.Do(func() {
			if timeout.Stop() {
				l.note(w.Installation, false)
			}
			from.charge(who, began+records)
			free()
		})
	}, true
}

func (l *lane) semaphoreOf(installation string) *semaphore {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.overdue[installation] {
		return l.slow
	}
	return l.quick
}

// note keeps whether an installation outlived its place.
func (l *lane) note(installation string, overdue bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if overdue {
		l.overdue[installation] = true
	} else {
		delete(l.overdue, installation)
	}
}
