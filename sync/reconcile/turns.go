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
//
// In each lane whoever has had the fewest records lately comes next, so that all get on
// side by side, however much each of them has to do. Whoever outlived its place the last
// time, since a vendor did not answer in time, waits for places of their own among its
// like, until it leaves one in time.
type Turns struct {
	live, bulk lane
}

// lane is a lane with its places.
type lane struct {
	quick, slow *places

	mu       sync.Mutex
	outlived map[string]bool // by installation
}

// Want says what a place is wanted for.
type Want struct {
	Installation string
	Lane         events.Lane
	Lists        bool          // a page of a pass is to be listed, no batch to be reconciled
	Within       time.Duration // how long to wait at most; 0: until the context ends
}

// NewTurns returns places that are all free.
func NewTurns() *Turns {
	of := func(n int) lane {
		return lane{quick: newPlaces(n), slow: newPlaces(n), outlived: map[string]bool{}}
	}
	return &Turns{live: of(liveTurns), bulk: of(bulkTurns)}
}

// Crowded says whether bulk work has to wait for a place.
func (t *Turns) Crowded() bool { return t.bulk.quick.crowded() }

// Enter waits for a place; false when the context or the time ended first. leave gives it
// back, once however often it is called, and says how many records it was used for;
// without a place it does nothing.
func (t *Turns) Enter(ctx context.Context, w Want) (leave func(records int), ok bool) {
	if t == nil {
		return func(int) {}, ctx.Err() == nil
	}
	if w.Within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.Within)
		defer cancel()
	}
	l := &t.live
	if w.Lane == events.LaneBulk {
		l = &t.bulk
	}
	from := l.placesOf(w.Installation)
	who := flow{w.Installation, w.Lists}
	began, ok := from.enter(ctx, who)
	if !ok {
		return func(int) {}, false
	}
	free := sync.OnceFunc(from.free)
	lent := time.AfterFunc(turnLent, func() {
		l.note(w.Installation, true)
		free()
	})
	var once sync.Once
	return func(records int) {
		once.Do(func() {
			if lent.Stop() {
				l.note(w.Installation, false)
			}
			from.charge(who, began+records)
			free()
		})
	}, true
}

func (l *lane) placesOf(installation string) *places {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.outlived[installation] {
		return l.slow
	}
	return l.quick
}

// note keeps whether an installation outlived its place.
func (l *lane) note(installation string, outlived bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if outlived {
		l.outlived[installation] = true
	} else {
		delete(l.outlived, installation)
	}
}
