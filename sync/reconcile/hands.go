package reconcile

import (
	"sync"

	v1 "channelsync/api/v1"
)

// recordKey names a record of the installation.
type recordKey struct {
	kind v1.Kind
	id   int64
}

// hands are the records that somebody is at work on: a batch, or a probe. None is ever
// in two of them, so that no two requests write the same record at once.
type hands struct {
	mu sync.Mutex
	in map[recordKey]bool
}

// take takes those of the records that nobody has.
func (h *hands) take(kind v1.Kind, ids ...int64) (taken, busy []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.in == nil {
		h.in = map[recordKey]bool{}
	}
	for _, id := range ids {
		if key := (recordKey{kind, id}); h.in[key] {
			busy = append(busy, id)
		} else {
			h.in[key] = true
			taken = append(taken, id)
		}
	}
	return taken, busy
}

func (h *hands) give(kind v1.Kind, ids ...int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		delete(h.in, recordKey{kind, id})
	}
}
