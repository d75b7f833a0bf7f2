package sim

import (
	"strings"
	"sync"
	"time"
)

// The vendor's limits.
const (
	requestsPerHour  = 10_000 // of the whole database, all integrations together
	thresholdMinutes = 60
	threadsPerEntity = 3 // per tracking identifier and first path segment
)

// limits counts requests over a rolling hour of the injected clock, and the ones under way.
type limits struct {
	now func() time.Time

	mu     sync.Mutex
	recent []time.Time
	active map[string]int
}

func newLimits(now func() time.Time) *limits { return &limits{now: now, active: map[string]int{}} }

// count adds a request and returns the share of the threshold used before it. A request over the threshold is not
// added, so that the window empties.
func (l *limits) count(threshold int) (usage float64, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trim()
	if threshold <= 0 {
		l.recent = append(l.recent, l.now())
		return 0, false
	}
	usage = float64(len(l.recent)) / float64(threshold)
	if usage >= 1 {
		return usage, true
	}
	l.recent = append(l.recent, l.now())
	return usage, false
}

func (l *limits) trim() {
	oldest := l.now().Add(-thresholdMinutes * time.Minute)
	n := 0
	for n < len(l.recent) && !l.recent[n].After(oldest) {
		n++
	}
	l.recent = l.recent[n:]
}

// used is how many requests the rolling hour holds.
func (l *limits) used() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trim()
	return len(l.recent)
}

// enter counts a request under way and returns how many there are now, and what ends it.
func (l *limits) enter(code, resource string) (int, func()) {
	key := code + "\x00" + strings.ToLower(resource)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active[key]++
	return l.active[key], func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.active[key]--
	}
}

// latency is what the vendor adds to each call by its usage of the hourly threshold.
func latency(usage float64) time.Duration {
	switch {
	case usage >= 0.75:
		return time.Second
	case usage >= 0.5:
		return 500 * time.Millisecond
	}
	return 0
}

// threshold answers ThresholdInformation.
func (s *Sim) threshold() answer {
	return okJSON(struct {
		Threshold int `json:"externalRequestThreshold"`
		Minutes   int `json:"requestThresholdTimeframe"`
		Count     int `json:"currentTimeframeRequestCount"`
	}{limit(s.Modes().HourlyThreshold, requestsPerHour), thresholdMinutes, s.limits.used()})
}
