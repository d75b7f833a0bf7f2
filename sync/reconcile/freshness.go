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

// Freshness keeps how long live changes took from "stored" to "settled" over the last hour.
type Freshness struct {
	mu   sync.Mutex
	ring []sample
	next int
	last sample
}

type sample struct {
	at   time.Time
	took time.Duration
}

// Add notes one settled change.
func (f *Freshness) Add(at time.Time, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = sample{at, took}
	if len(f.ring) < freshnessSamples {
		f.ring = append(f.ring, f.last)
		return
	}
	f.ring[f.next] = f.last
	f.next = (f.next + 1) % freshnessSamples
}

// Read returns the percentiles in seconds, null without a change in the last hour.
func (f *Freshness) Read(now time.Time) v1.Freshness {
	f.mu.Lock()
	defer f.mu.Unlock()
	var took []float64
	for _, s := range f.ring {
		if now.Sub(s.at) <= freshnessSpan {
			took = append(took, s.took.Seconds())
		}
	}
	if len(took) == 0 {
		return v1.Freshness{}
	}
	slices.Sort(took)
	at := func(p float64) *float64 {
		v := took[int(math.Ceil(p*float64(len(took))))-1]
		v = math.Round(v*1000) / 1000
		return &v
	}
	return v1.Freshness{P50Seconds: at(0.50), P95Seconds: at(0.95)}
}
