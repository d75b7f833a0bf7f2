package upstream

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	breakerFirst = time.Second
	breakerMost  = time.Minute
)

// Breaker stops the calls of an installation to one upstream after a failure and says
// when to try again. The zero value is closed.
type Breaker struct {
	mu    sync.Mutex
	until time.Time
	tries int
}

// Open stops the calls until at; a zero at means a wait that doubles from 1 s to
// a minute with jitter, so that installations do not come back all at once.
func (b *Breaker) Open(now, at time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at.IsZero() {
		wait := min(breakerFirst<<min(b.tries, 10), breakerMost)
		at = now.Add(wait/2 + rand.N(wait/2+1))
	}
	b.tries++
	b.until = at
	return at
}

// Close says that the upstream works again.
func (b *Breaker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until, b.tries = time.Time{}, 0
}

// Trip ends the wait at once, so that the next attempt shows whether the cause is gone.
func (b *Breaker) Trip() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.until.IsZero() {
		b.until = time.Unix(0, 1)
	}
}

// RetryAt returns when to try again; zero while closed.
func (b *Breaker) RetryAt() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until
}
