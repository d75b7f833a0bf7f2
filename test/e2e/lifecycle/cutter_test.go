package lifecycle

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// cutter stands between the service and Autotask. From a certain call about
// webhooks on it fails them all, as if the service had been killed there: Autotask
// still takes that one, but the answer never comes.
type cutter struct {
	mu      sync.Mutex
	after   int // calls that go well; below 0 all of them
	calls   int
	tripped chan struct{}
}

func newCutter() *cutter { return &cutter{after: -1, tripped: make(chan struct{})} }

// arm lets so many calls through.
func (c *cutter) arm(after int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after, c.calls, c.tripped = after, 0, make(chan struct{})
}

// mend lets everything through again.
func (c *cutter) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after = -1
}

// cut is closed once a call was failed.
func (c *cutter) cut() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tripped
}

// decide counts a call; it says whether Autotask gets it and whether the answer gets through.
func (c *cutter) decide() (sent, answered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.after < 0 || c.calls <= c.after {
		return true, true
	}
	first := c.calls == c.after+1
	if first {
		close(c.tripped)
	}
	return first, false
}

func (c *cutter) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if !strings.Contains(path, "Webhook") || strings.HasSuffix(path, "Webhooks/entityInformation") { // that one is the set-up's
			next.ServeHTTP(w, r)
			return
		}
		sent, answered := c.decide()
		if answered {
			next.ServeHTTP(w, r)
			return
		}
		if sent {
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"errors":["This was cut off on purpose."]}`)) // a client that has gone is none of our business
	})
}
