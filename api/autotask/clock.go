package autotask

import (
	"net/http"
	"sync"
	"time"
)

// vendorClock is the time at Autotask, as far as its answers tell.
type vendorClock struct {
	mu    sync.Mutex
	ahead time.Duration // of ours
	told  bool
}

// Time is the time by Autotask's clock, up to a second late: its last answer's Date and
// what has passed since. False while no answer has told it. It is for judging stamps of
// records, which that clock gave; nothing else may be compared with it.
func (c *Client) Time() (now time.Time, told bool) {
	c.clock.mu.Lock()
	defer c.clock.mu.Unlock()
	return c.cfg.Now().Add(c.clock.ahead), c.clock.told
}

// hear takes the Date of an answer that arrived now.
func (v *vendorClock) hear(header http.Header, now time.Time) {
	at, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ahead, v.told = at.Sub(now), true
}
