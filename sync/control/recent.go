package control

import (
	"slices"

	v1 "channelsync/api/v1"
)

// keepRecent is how many outcomes of an installation are remembered.
const keepRecent = 200

// recent are the latest outcomes of an installation: a ring that grows up to keepRecent.
type recent struct {
	events []v1.FeedEvent
	next   int // where the next one goes once the ring is full, which is where the oldest is
}

func (r *recent) add(e v1.FeedEvent) {
	if len(r.events) < keepRecent {
		r.events = append(r.events, e)
		return
	}
	r.events[r.next] = e
	r.next = (r.next + 1) % keepRecent
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
