package web

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	failureBurst = 10              // wrong tokens of one address at once
	failureEvery = 6 * time.Second // and one more each
	maxAddresses = 10_000          // remembered at a time
)

// RetryAfter is the Retry-After, in seconds, of an address that tried too often.
const RetryAfter = "6"

// Attempts counts the wrong tokens of each source address: ten at once, then one
// every six seconds. What it remembers is bounded.
type Attempts struct {
	mu       sync.Mutex
	failures map[string]*rate.Limiter // by source address
}

// NewAttempts returns a count that knows of no failure.
func NewAttempts() *Attempts { return &Attempts{failures: map[string]*rate.Limiter{}} }

// Exhausted says whether the address of r may not try again yet.
func (a *Attempts) Exhausted(r *http.Request) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.failures[Source(r)]
	return ok && l.Tokens() < 1
}

// Failed counts a wrong token of the address of r.
func (a *Attempts) Failed(r *http.Request) {
	address := Source(r)
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.failures[address]
	if !ok {
		a.makeRoom()
		l = rate.NewLimiter(rate.Every(failureEvery), failureBurst)
		a.failures[address] = l
	}
	l.Allow()
}

// makeRoom forgets addresses whose failures are long ago once there are many,
// and all of them if none is: memory is bounded whatever is sent.
func (a *Attempts) makeRoom() {
	if len(a.failures) < maxAddresses {
		return
	}
	for address, l := range a.failures {
		if l.Tokens() >= failureBurst {
			delete(a.failures, address)
		}
	}
	if len(a.failures) >= maxAddresses {
		clear(a.failures)
	}
}
