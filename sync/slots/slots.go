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
	// liveSlots and bulkSlots are how many installations work at once, by lane. Beyond
	// that the store gains nothing, and what waits in it for too long fails, is done
	// again, and so keeps the others waiting: a thousand backfills would never end.
	liveSlots, bulkSlots = 32, 8
	// slotTimeout is how long a slot is counted as taken. An installation whose vendor does not
	// answer goes on without one, so that it delays no other.
	slotTimeout = 2 * time.Second
)

// Slots are what installations work in. One value is shared by the whole process; with a
// nil one everybody works at once.
//
// In each lane whoever has had the fewest records lately comes next, so that all get on
// side by side, however much each of them has to do. An installation whose last
// slot timed out, since a vendor did not answer, is overdue: it waits for slots apart from the
// others, until it releases one in time.
type Slots struct {
	live, bulk lane
}

// lane is a lane with its slots.
type lane struct {
	quick, slow *semaphore

	mu      sync.Mutex
	overdue map[string]bool // by installation
}

// Request says what a slot is wanted for.
type Request struct {
	Installation string
	Lane         events.Lane
	Lists        bool          // a page of a backfill is to be listed, no batch to be reconciled
	Wait         time.Duration // how long to wait at most; 0: until the context ends
}

// New returns slots that are all free.
func New() *Slots {
	of := func(n int) lane {
		return lane{quick: newSemaphore(n), slow: newSemaphore(n), overdue: map[string]bool{}}
	}
	return &Slots{live: of(liveSlots), bulk: of(bulkSlots)}
}

// Crowded says whether bulk work has to wait for a slot.
func (t *Slots) Crowded() bool { return t.bulk.quick.crowded() }

// Acquire waits for a slot; false when the context or the time ended first. release frees
// it, once however often it is called, and says how many records it was used for; without
// a slot it does nothing.
func (t *Slots) Acquire(ctx context.Context, w Request) (release func(records int), ok bool) {
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

// note keeps whether the last slot of an installation timed out.
func (l *lane) note(installation string, overdue bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if overdue {
		l.overdue[installation] = true
	} else {
		delete(l.overdue, installation)
	}
}
