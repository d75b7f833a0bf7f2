package reconcile

import (
	"slices"
	"sync"
	"time"

	"channelsync/sync/upstream"

	v1 "channelsync/api/v1"
)

const (
	// calm is how long the upstream must not have failed before a record is blamed.
	calm = 30 * time.Second
	// sizeFor is how long a size is remembered that requests may not exceed.
	sizeFor = 10 * time.Minute
	// nothingFor is how long a target that has not taken a single record yet is taken to be
	// away: as long as a record's own attempts would take.
	nothingFor = 12 * time.Hour
	// storedKept is how many records of a kind are remembered as known to be stored.
	storedKept = 8
)

// health is what is known of Channel Program from the requests of one installation.
type health struct {
	upstream.Pace
	mu       sync.Mutex
	failedAt time.Time               // when the upstream was last seen to fail
	down     v1.Kind                 // of the record whose probe failed; empty when the handshake alone tells
	sizes    map[v1.Kind]requestSize // learnt from requests that were too large
	stored   map[v1.Kind][]int64     // records that were taken last, the latest first
	nothing  time.Time               // since when every record of a batch fails, and none is stored; zero: they do not
}

type requestSize struct {
	most  int       // records; 0: as many as the target takes
	since time.Time // when the last request was found to be too large
}

// failed notes that the upstream fails; down is the kind whose probe shows it.
func (h *health) failed(down v1.Kind) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failedAt, h.down = time.Now(), down
}

// writesDown is the kind whose writes are known to fail although the handshake is answered.
func (h *health) writesDown() v1.Kind {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

// recovered notes that writes are taken again.
func (h *health) recovered() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = ""
}

// nothingWasTaken notes that every record of a batch fails and none is stored, and says
// whether the upstream is blamed for it yet.
func (h *health) nothingWasTaken() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.nothing.IsZero() {
		h.nothing = now
	}
	if now.Sub(h.nothing) >= nothingFor {
		return false
	}
	h.failedAt = now
	return true
}

// nothingTaken says whether the upstream is blamed for all records failing.
func (h *health) nothingTaken() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.nothing.IsZero() && time.Since(h.nothing) < nothingFor
}

// calm says whether the upstream has not failed for a while.
func (h *health) calm() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failedAt.IsZero() || time.Since(h.failedAt) >= calm
}

// stored1 notes records that were taken, and how long that took.
func (h *health) stored1(kind v1.Kind, ids []int64, d time.Duration) {
	h.Pace.Took(d)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(ids) > 0 {
		h.nothing = time.Time{}
	}
	if h.stored == nil {
		h.stored = map[v1.Kind][]int64{}
	}
	last := slices.Clone(ids[max(0, len(ids)-storedKept):])
	for _, id := range h.stored[kind] {
		if len(last) < storedKept && !slices.Contains(last, id) {
			last = append(last, id)
		}
	}
	h.stored[kind] = last
}

// latest returns records of a kind that were taken last.
func (h *health) latest(kind v1.Kind) []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.stored[kind])
}

// most is how many records of a kind one request may carry; 0: as many as the target takes.
func (h *health) most(kind v1.Kind) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sizes[kind]
	if time.Since(s.since) >= sizeFor {
		return 0
	}
	return s.most
}

// tooLarge notes that a request failed as a whole and all of its records were taken in
// smaller ones of at most so many. Once may be an outage that has just ended; the second
// time within a while smaller requests are sent from the beginning.
func (h *health) tooLarge(kind v1.Kind, taken int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sizes == nil {
		h.sizes = map[v1.Kind]requestSize{}
	}
	now := time.Now()
	s := h.sizes[kind]
	if !s.since.IsZero() && now.Sub(s.since) < sizeFor {
		s.most = taken
	} else {
		s.most = 0
	}
	s.since = now
	h.sizes[kind] = s
}
