package autotask

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

// The vendor counts the requests of all integrations of one database together,
// over a rolling 60 minutes, and cuts every one of them off at the threshold.
// (Vendor: thresholds and limits.)
const (
	budgetWindow     = time.Hour
	budgetStep       = 10 * time.Second // how finely the window is kept
	defaultThreshold = 10_000
	bulkShare        = 0.8  // of our share
	headroom         = 0.05 // of the threshold: left to the other integrations
)

// When the vendor's own count is read: a reading counts as a request itself.
const (
	firstReadingAfter = 50 // requests
	readingRequests   = 500
	readingEvery      = 5 * time.Minute
	readingAtMost     = 90 * time.Second
)

// budget keeps the requests of the last 60 minutes within our share.
type budget struct {
	share float64

	mu        sync.Mutex
	steps     []budgetCount // oldest first
	used      int
	threshold int
	crowded   bool // the last reading left no headroom

	sent    int // since the last reading
	readAt  time.Time
	reading bool
}

type budgetCount struct {
	from time.Time
	n    int
}

func newBudget(share float64) *budget {
	return &budget{share: share, threshold: defaultThreshold}
}

// take counts one request, or says how long to wait for one. A reading of the
// threshold is never refused for crowding, as it alone can end it.
func (b *budget) take(now time.Time, bulk, reading bool) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(now)
	limit := b.limit()
	if bulk {
		limit = max(1, int(float64(limit)*bulkShare))
	}
	if wait := b.nextAt(now, limit, reading).Sub(now); wait > 0 {
		return wait
	}
	if last := len(b.steps) - 1; last >= 0 && now.Sub(b.steps[last].from) < budgetStep {
		b.steps[last].n++
	} else {
		b.steps = append(b.steps, budgetCount{from: now, n: 1})
	}
	b.used++
	b.sent++
	return 0
}

func (b *budget) state(now time.Time) (used, limit int, nextAt time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(now)
	return b.used, b.limit(), b.nextAt(now, b.limit(), false)
}

func (b *budget) limit() int { return max(1, int(b.share*float64(b.threshold))) }

// nextAt is the time from which a request fits under the limit.
func (b *budget) nextAt(now time.Time, limit int, reading bool) time.Time {
	at := now
	left := b.used
	for _, step := range b.steps {
		if left < limit {
			break
		}
		left -= step.n
		at = step.end()
	}
	if next := b.readAt.Add(readingEvery); b.crowded && !reading && next.After(at) {
		at = next
	}
	return at
}

// end is when the last request of a step has left the window.
func (s budgetCount) end() time.Time { return s.from.Add(budgetStep + budgetWindow) }

func (b *budget) expire(now time.Time) {
	gone := 0
	for gone < len(b.steps) && !b.steps[gone].end().After(now) {
		b.used -= b.steps[gone].n
		gone++
	}
	b.steps = b.steps[gone:]
}

// startReading is true when the vendor's count should be read now, by the caller alone.
func (b *budget) startReading(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := b.sent >= firstReadingAfter
	if !b.readAt.IsZero() {
		since := now.Sub(b.readAt)
		due = since >= readingEvery || (since >= readingAtMost && b.sent >= readingRequests)
	}
	if b.reading || !due {
		return false
	}
	b.reading = true
	return true
}

// endReading takes what was read; nil when reading failed, which changes nothing
// but that it is not tried again at once.
func (b *budget) endReading(now time.Time, t *Threshold) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading, b.readAt, b.sent, b.crowded = false, now, 0, false
	if t == nil || t.Limit <= 0 {
		return
	}
	b.threshold = t.Limit
	b.crowded = float64(t.Limit-t.Used) < headroom*float64(t.Limit)
}

// refreshThreshold reads the vendor's count when it is time to. It runs in the
// call that finds it due, so that no goroutine needs an owner; its failure is
// nobody's failure.
func (c *Client) refreshThreshold(ctx context.Context) {
	if !c.budget.startReading(c.cfg.Now()) {
		return
	}
	t, err := c.readThreshold(ctx)
	if err != nil {
		c.budget.endReading(c.cfg.Now(), nil)
		c.cfg.Log.Debug("hourly threshold not read", zap.String(v1.LogCause, err.Error()))
		return
	}
	c.budget.endReading(c.cfg.Now(), &t)
}
