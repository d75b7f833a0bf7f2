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

// feeds are the live feeds that somebody reads, and what they told of late.
type feeds struct {
	mu      sync.Mutex
	readers map[string]map[chan v1.FeedEvent]bool // by installation
	recent  map[string]*recent                    // by installation; nil before the first outcome
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

// Recent returns the latest outcomes of an installation, newest first: at most
// limit, and at most the 200 that are kept. They are this process's own, and gone
// with it: the list of records has the state.
func (m *Manager) Recent(_ context.Context, id string, limit int) ([]v1.FeedEvent, error) {
	if _, err := m.get(id); err != nil {
		return nil, err
	}
	m.feeds.mu.Lock()
	defer m.feeds.mu.Unlock()
	return m.feeds.recent[id].newest(limit), nil
}

// forget drops what an installation's feed told of: it names clients.
func (f *feeds) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.recent, id)
}

// publish keeps an outcome, and passes it to whoever reads the installation's feed,
// at whichever instance.
func (m *Manager) publish(id string, s reconcile.Settled) {
	reasons := s.Reasons
	if reasons == nil {
		reasons = []string{}
	}
	e := v1.FeedEvent{
		At: s.At, Kind: s.Kind, ID: strconv.FormatInt(s.ID, 10), Name: s.Name, Outcome: s.Outcome, Reasons: reasons,
		Trigger: s.Trigger, Pushed: s.Pushed, Millis: s.Took.Milliseconds(),
	}
	m.feeds.keep(id, e)
	if m.Cluster != nil {
		m.tellFeed(id, e)
		return
	}
	m.feeds.feed(id, e)
}

// keep remembers an outcome among the latest of its installation.
func (f *feeds) keep(id string, e v1.FeedEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.recent == nil {
		f.recent = map[string]*recent{}
	}
	if f.recent[id] == nil {
		f.recent[id] = &recent{}
	}
	f.recent[id].add(e, len(f.recent))
}

// read says whether somebody reads the installation's feed here.
func (f *feeds) read(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.readers[id]) > 0
}

// feed hands an outcome to the readers of this process; one that is slow misses it.
func (f *feeds) feed(id string, e v1.FeedEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.readers[id] {
		select {
		case c <- e:
		default:
		}
	}
}
