package autotask

import (
	"context"
	"strings"
	"sync"
)

// The vendor takes three simultaneous requests per tracking identifier and entity
// and answers the fourth 429, but counts a request a moment longer than it lasts;
// so two. (Vendor: Thread limiting; children count on their parent.)
const requestsPerEntity = 2

const thresholdEntity = "ThresholdInformation"

// lanes hold the requests of each entity apart.
type lanes struct {
	mu   sync.Mutex
	open map[string]chan struct{}
}

// enter waits for room in the entity's lane; leave must be called.
func (l *lanes) enter(ctx context.Context, entity string) (leave func(), err error) {
	lane := l.lane(entity)
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *lanes) lane(entity string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := strings.ToLower(entity)
	if lane, ok := l.open[key]; ok {
		return lane
	}
	if l.open == nil {
		l.open = map[string]chan struct{}{}
	}
	size := requestsPerEntity
	if entity == thresholdEntity {
		size = 1
	}
	lane := make(chan struct{}, size)
	l.open[key] = lane
	return lane
}
