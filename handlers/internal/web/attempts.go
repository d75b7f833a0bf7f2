package web

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"channelsync/handlers/internal/forwarded"
)

const (
	failureBurst = 10              // wrong tokens of one address at once
	failureEvery = 6 * time.Second // and one more each
	maxAddresses = 10_000          // remembered at a time
)

// RetryAfter is the Retry-After, in seconds, of an address that tried too often.
const RetryAfter = "6"

// Attempts counts the wrong tokens of each client: ten at once, then one every six
// seconds. Further ones are refused; the right token never is. Clients on
// this machine are not counted: a script with an old token would hide its mistake. What
// it remembers is bounded.
type Attempts struct {
	mu       sync.Mutex
	failures map[string]*rate.Limiter // by client
}

// NewAttempts returns a count that knows of no failure.
func NewAttempts() *Attempts { return &Attempts{failures: map[string]*rate.Limiter{}} }

// Fail counts a wrong token of the client of r; false when there were too many.
func (a *Attempts) Fail(r *http.Request) bool {
	client := forwarded.Of(r)
	if client.Addr.IsLoopback() {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.failures[client.Network()]
	if !ok {
		a.makeRoom()
		l = rate.NewLimiter(rate.Every(failureEvery), failureBurst)
		a.failures[client.Network()] = l
	}
	return l.Allow()
}

// makeRoom forgets addresses whose failures are long ago once there are many,
// and all of them if none is: memory is bounded whatever is sent.
func (a *Attempts) makeRoom() {
	if len(a.failures) < maxAddresses {
		return
	}
	maps.DeleteFunc(a.failures, func(_ string, l *rate.Limiter) bool { return l.Tokens() >= failureBurst })
	if len(a.failures) >= maxAddresses {
		clear(a.failures)
	}
}
