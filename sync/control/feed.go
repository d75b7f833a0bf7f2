package control

import (
	"context"
	"strconv"
	"sync"

	v1 "channelsync/api/v1"
	"channelsync/sync/reconcile"
)

// feedBuffer is how far a reader may fall behind before it misses outcomes: a
// slow reader must never hold the worker up.
const feedBuffer = 256

// feeds are the live feeds that somebody reads.
type feeds struct {
	mu      sync.Mutex
	readers map[string]map[chan v1.FeedEvent]bool // by installation
}

// Feed hands out every outcome of an installation until ctx ends.
func (m *Manager) Feed(ctx context.Context, id string) (<-chan v1.FeedEvent, error) {
	if _, err := m.get(id); err != nil {
		return nil, err
	}
	c := make(chan v1.FeedEvent, feedBuffer)
	m.feeds.mu.Lock()
	if m.feeds.readers[id] == nil {
		m.feeds.readers[id] = map[chan v1.FeedEvent]bool{}
	}
	m.feeds.readers[id][c] = true
	m.feeds.mu.Unlock()
	context.AfterFunc(ctx, func() {
		m.feeds.mu.Lock()
		defer m.feeds.mu.Unlock()
		delete(m.feeds.readers[id], c)
		close(c)
	})
	return c, nil
}

// feed passes an outcome to whoever reads the installation's feed.
func (f *feeds) feed(id string, s reconcile.Settled) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.readers[id]) == 0 {
		return
	}
	reasons := s.Reasons
	if reasons == nil {
		reasons = []string{}
	}
	e := v1.FeedEvent{
		At: s.At, Kind: s.Kind, ID: strconv.FormatInt(s.ID, 10), Name: s.Name, Outcome: s.Outcome, Reasons: reasons,
		Trigger: s.Trigger, Pushed: s.Pushed, Millis: s.Took.Milliseconds(),
	}
	for c := range f.readers[id] {
		select {
		case c <- e:
		default:
		}
	}
}
