package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	// leastGrowth is how many bytes the heap may grow by between two collections, however
	// little lives in it. By itself it may grow by what lives, which is little in most
	// services: those would collect several times a second when callbacks come in thousands.
	leastGrowth = 96 << 20
	// mostPercent is where less growth has to do: what lives may become much more before the
	// next look at it.
	mostPercent = 400
)

// relaxCollector lets the heap grow by leastGrowth at least until stop is called. A limit
// that the operator has set (GOMEMLIMIT) holds all the same, and what GOGC says is left alone.
func relaxCollector(lookupEnv func(string) (string, bool)) (stop func()) {
	if _, set := lookupEnv("GOGC"); set {
		return func() {}
	}
	c := &collector{was: debug.SetGCPercent(mostPercent)}
	c.afterNext()
	return c.stop
}

// collector sets the percentage by which the heap may grow, anew after each collection.
type collector struct {
	was int

	mu      sync.Mutex
	stopped bool
}

// afterNext adjusts the percentage after the next collection, and so on.
func (c *collector) afterNext() {
	type unreachable struct{ _ *byte } // a pointer keeps it in a place of its own
	runtime.AddCleanup(&unreachable{}, (*collector).adjust, c)
}

func (c *collector) adjust() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(growthPercent(live[0].Value.Uint64()))
	c.afterNext()
}

func (c *collector) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	debug.SetGCPercent(c.was)
}

// growthPercent is by how much of what lives the heap may grow: GOGC.
func growthPercent(live uint64) int {
	if live >= leastGrowth {
		return 100
	}
	return int(min(mostPercent, leastGrowth*100/max(live, 1))) //nolint:gosec // at most mostPercent
}
