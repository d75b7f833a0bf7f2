package reconcile

import (
	"math"
	"slices"
	"sync"
	"time"

	v1 "channelsync/api/v1"
)

const (
	freshnessSpan    = time.Hour
	freshnessSamples = 4096 // enough for p95 to be steady, bounded whatever the load
)

// Freshness keeps how long live changes took from "stored" to "done" over the
// last hour, and how long the last one took that something was sent for.
type Freshness struct {
	mu     sync.Mutex
	ring   []sample
	next   int
	pushed sample // zero before the first
}

type sample struct {
	at   time.Time
	took time.Duration
}

// Add notes one change that is done.
func (f *Freshness) Add(at time.Time, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := sample{at, took}
	if len(f.ring) < freshnessSamples {
		f.ring = append(f.ring, s)
		return
	}
	f.ring[f.next] = s
	f.next = (f.next + 1) % freshnessSamples
}

// Pushed notes a change that something was sent for.
func (f *Freshness) Pushed(at time.Time, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pushed = sample{at, took}
}

// Read returns the percentiles in seconds, null without a change in the last hour,
// and the last pushed change, null before the first.
func (f *Freshness) Read(now time.Time) v1.Freshness {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out v1.Freshness
	if at := f.pushed.at.UTC(); !f.pushed.at.IsZero() {
		out.LastSeconds, out.LastAt = seconds(f.pushed.took.Seconds()), &at
	}
	var took []float64
	for _, s := range f.ring {
		if now.Sub(s.at) <= freshnessSpan {
			took = append(took, s.took.Seconds())
		}
	}
	if len(took) == 0 {
		return out
	}
	slices.Sort(took)
	at := func(p float64) *float64 { return seconds(took[int(math.Ceil(p*float64(len(took))))-1]) }
	out.P50Seconds, out.P95Seconds = at(0.50), at(0.95)
	return out
}

// seconds rounds to milliseconds.
func seconds(v float64) *float64 {
	return new(math.Round(v*1000) / 1000)
}
