package fetch

import (
	"cmp"
	"context"
	"sync"
	"time"

	"channelsync/internal/gate"
)

// keptFor is how long a row of the catalogue is believed. Edits of services
// and vendors are seen by their stamps and put here at once; this bounds what
// a missed one can do.
const keptFor = time.Hour

// Cache keeps rows that many records read, by id. An id that Autotask does not
// have is kept as absent for as long.
type Cache[V any] struct {
	Keeps   time.Duration // 0 means keptFor
	loading gate.Gate     // one load at a time: whoever waits for it finds what it loaded

	mu        sync.Mutex // guards what follows; never held across a call
	rows      map[int64]cached[V]
	forgotten int // counts clear and forget: what was read before is not kept after
}

type cached[V any] struct {
	value V
	found bool
	until time.Time
}

// Loader reads rows by id: those that exist, and what is wrong with the others.
type Loader[V any] func(ctx context.Context, ids []int64) (rows map[int64]V, bad map[int64]error, err error)

// Get returns the rows that exist of ids, asking load for those not known. A row
// that cannot be read is bad, and asked for again the next time.
func (c *Cache[V]) Get(ctx context.Context, now time.Time, ids []int64, load Loader[V]) (map[int64]V, map[int64]error, error) {
	if out, missing, _ := c.known(now, ids); len(missing) == 0 {
		return out, nil, nil
	}
	leave, err := c.loading.Enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	out, missing, before := c.known(now, ids)
	if len(missing) == 0 {
		return out, nil, nil
	}
	loaded, bad, err := load(ctx, missing)
	if err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows == nil {
		c.rows = map[int64]cached[V]{}
	}
	for _, id := range missing {
		if bad[id] != nil {
			continue
		}
		v, found := loaded[id]
		if c.forgotten == before {
			c.rows[id] = cached[V]{v, found, now.Add(cmp.Or(c.Keeps, keptFor))}
		}
		if found {
			out[id] = v
		}
	}
	return out, bad, nil
}

// known returns the rows that are kept of ids, the ids of which nothing is, and how often something was forgotten.
func (c *Cache[V]) known(now time.Time, ids []int64) (out map[int64]V, missing []int64, forgotten int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out = make(map[int64]V, len(ids))
	asked := map[int64]bool{}
	for _, id := range ids {
		switch row, ok := c.rows[id]; {
		case asked[id]:
		case !ok || !now.Before(row.until):
			missing = append(missing, id)
		case row.found:
			out[id] = row.value
		}
		asked[id] = true
	}
	return out, missing, c.forgotten
}

// Clear makes the next get ask again for everything.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	clear(c.rows)
}

// Forget makes the next get ask again for ids.
func (c *Cache[V]) Forget(ids ...int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	for _, id := range ids {
		delete(c.rows, id)
	}
}
