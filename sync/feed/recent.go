package feed

import (
	"slices"

	v1 "channelsync/api/v1"
)

// maxRecent is how many outcomes of an installation are kept: fewer where there are many
// installations, but never fewer than minRecent. One takes about 200 bytes.
const (
	maxRecent, minRecent = 200, 50
	maxRecentOfAll       = 20_000
)

// recent are the latest outcomes of an installation: a ring.
type recent struct {
	events []v1.FeedEvent
	next   int // where the next one goes once the ring is full, which is where the oldest is
}

// add keeps an outcome; of is how many installations have outcomes.
func (r *recent) add(e v1.FeedEvent, of int) {
	most := max(minRecent, min(maxRecent, maxRecentOfAll/of))
	if r.next == 0 && len(r.events) < most { // one that has gone round in part stays as long as it is
		if len(r.events) == cap(r.events) {
			r.events = slices.Grow(r.events, min(most-len(r.events), max(10, len(r.events))))
		}
		r.events = append(r.events, e)
		return
	}
	r.events[r.next] = e
	r.next = (r.next + 1) % len(r.events)
}

// newest returns up to limit of them, newest first; a nil ring has none.
func (r *recent) newest(limit int) []v1.FeedEvent {
	if r == nil {
		return []v1.FeedEvent{}
	}
	out := slices.Concat(r.events[r.next:], r.events[:r.next])
	slices.Reverse(out)
	return out[:min(limit, len(out))]
}
