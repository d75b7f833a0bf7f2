package autotask

import (
	"net/http"
	"sync"
	"time"
)

// vendorClock is the time at Autotask, as its answers date it.
type vendorClock struct {
	mu    sync.Mutex
	ahead time.Duration // of our clock
	known bool
}

// Time is the time by Autotask's clock, up to a second late: its last answer's Date and
// what has passed since. False before the first answer with a date. It is for judging times of
// modification, which that clock gave; nothing else may be compared with it.
func (c *Client) Time() (now time.Time, known bool) {
	c.clock.mu.Lock()
	defer c.clock.mu.Unlock()
	return c.cfg.Now().Add(c.clock.ahead), c.clock.known
}

// observe takes the Date of an answer that arrived now.
func (v *vendorClock) observe(header http.Header, now time.Time) {
	at, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ahead, v.known = at.Sub(now), true
}
