// Package feed hands the outcomes of installations to whoever follows them in this process,
// and keeps the latest of each in memory. It stores nothing and knows no other instance:
// sync/control, which calls it, publishes outcomes between instances. An outcome names a client,
// so an installation that is erased is forgotten here too.
package feed

import (
	"context"
	"sync"

	v1 "channelsync/api/v1"
)

// buffer is how far a subscriber may fall behind before it misses outcomes: a slow one must
// never hold the worker up.
const buffer = 256

// Feeds are the outcomes of all installations. The zero value is ready to use.
type Feeds struct {
	mu          sync.Mutex
	subscribers map[string]map[chan v1.FeedEvent]bool // by installation
	recent      map[string]*recent                    // by installation; nil before its first outcome
}

// Subscribe returns the outcomes of an installation until ctx ends, when it closes the channel.
func (f *Feeds) Subscribe(ctx context.Context, installation string) <-chan v1.FeedEvent {
	c := make(chan v1.FeedEvent, buffer)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscribers == nil {
		f.subscribers = map[string]map[chan v1.FeedEvent]bool{}
	}
	if f.subscribers[installation] == nil {
		f.subscribers[installation] = map[chan v1.FeedEvent]bool{}
	}
	f.subscribers[installation][c] = true
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subscribers[installation], c)
		close(c)
	})
	return c
}

// Subscribed says whether somebody here follows the installation.
func (f *Feeds) Subscribed(installation string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.subscribers[installation]) > 0
}

// Publish hands an outcome to the subscribers; one that is slow misses it.
func (f *Feeds) Publish(installation string, e v1.FeedEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.subscribers[installation] {
		select {
		case c <- e:
		default:
		}
	}
}

// Keep adds an outcome to the latest of its installation.
func (f *Feeds) Keep(installation string, e v1.FeedEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.recent == nil {
		f.recent = map[string]*recent{}
	}
	if f.recent[installation] == nil {
		f.recent[installation] = &recent{}
	}
	f.recent[installation].add(e, len(f.recent))
}

// Recent returns up to limit of the latest outcomes that were kept, newest first.
func (f *Feeds) Recent(installation string, limit int) []v1.FeedEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.recent[installation].newest(limit)
}

// Forget drops the latest outcomes of an installation.
func (f *Feeds) Forget(installation string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.recent, installation)
}
