package upstream

import (
	"sync"
	"time"

	"channelsync/api/transport"
)

const (
	// A request is given up after leastPatience, or after slowness times what requests
	// take at present if that is longer: whoever hangs for one record must not keep the
	// others waiting, and a target that is slow with all of them is waited for.
	LeastPatience = 4 * time.Second
	slowness      = 3
	// LongestPatience is how long any answer is waited for.
	LongestPatience = transport.Silence
)

// Pace is how long the requests to an upstream take at present, the slow ones for a while.
type Pace struct {
	mu sync.Mutex
	at time.Duration
}

func (p *Pace) Took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = max(d, p.at*9/10)
}

// Patience is how long a request is waited for that others wait behind.
func (p *Pace) Patience() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(LeastPatience, slowness*p.at), LongestPatience)
}
