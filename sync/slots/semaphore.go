package slots

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"channelsync/internal/progress"
)

// semaphore is a counting semaphore that serves those who wait by start-time fair
// queueing: each flow has a clock that its records move on, the one that is behind
// comes next, and who comes anew begins where the others are. So nobody catches up on
// time in which there was nothing to do, and nobody waits for another's whole work.
type semaphore struct {
	mu      sync.Mutex
	free    int
	size    int
	reached int          // the clock of the last one that was served
	clocks  map[flow]int // of those that are ahead of it
	waiting []*waiter    // in the order of coming

	served atomic.Uint64 // how many were served
}

// flow is one of the two things that an installation does in a lane. Listing and
// reconciling have clocks of their own, so that a backfill lists on while its records are
// reconciled, but not ahead of them where others wait.
type flow struct {
	installation string
	lists        bool
}

type waiter struct {
	flow
	clock   int
	granted chan struct{} // closed once it is served
}

func newSemaphore(n int) *semaphore {
	return &semaphore{free: n, size: n, clocks: map[flow]int{}}
}

// acquire waits for a slot; false when ctx ended first. It returns the flow's clock.
func (p *semaphore) acquire(ctx context.Context, who flow) (clock int, ok bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	p.mu.Lock()
	w := &waiter{who, max(p.reached, p.clocks[who]), make(chan struct{})}
	p.waiting = append(p.waiting, w)
	p.grant()
	p.mu.Unlock()
	defer progress.Of(ctx).Queued(&p.served)()
	select {
	case <-w.granted:
		return w.clock, true
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		return 0, false
	}
	return w.clock, true // it was granted meanwhile
}

// crowded says whether whoever comes has to wait.
func (p *semaphore) crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.free == 0
}

// charge sets a flow's clock.
func (p *semaphore) charge(who flow, clock int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clocks[who] = clock
}

// release frees a slot.
func (p *semaphore) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	p.grant()
	if p.free == p.size { // nobody is there: all begin anew together
		for _, clock := range p.clocks {
			p.reached = max(p.reached, clock)
		}
		clear(p.clocks)
	}
}

// grant hands free slots to those who come next. At the same clock whoever has records to
// reconcile comes before whoever lists more of them.
func (p *semaphore) grant() {
	for p.free > 0 && len(p.waiting) > 0 {
		next := slices.MinFunc(p.waiting, func(a, b *waiter) int {
			return cmp.Or(cmp.Compare(a.clock, b.clock), compareBools(a.lists, b.lists))
		})
		i := slices.Index(p.waiting, next)
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.free--
		p.reached = max(p.reached, next.clock)
		p.served.Add(1)
		close(next.granted)
	}
}

// compareBools orders false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
