package reconcile

import (
	"context"
	"sync"
	"time"
)

// catalogueFor is how long a row of the catalogue is believed. Edits of services
// and vendors are seen by their stamps and put here at once; this bounds what
// a missed one can do.
const catalogueFor = time.Hour

// cache keeps rows that many records read, by id. An id that Autotask does not
// have is kept as absent for as long.
type cache[V any] struct {
	mu   sync.Mutex
	rows map[int64]cached[V]
}

type cached[V any] struct {
	value V
	found bool
	until time.Time
}

// loader reads rows by id: those that exist, and what is wrong with the others.
type loader[V any] func(ctx context.Context, ids []int64) (rows map[int64]V, bad map[int64]error, err error)

// get returns the rows that exist of ids, asking load for those not known. A row
// that cannot be read is bad, and asked for again the next time.
func (c *cache[V]) get(ctx context.Context, now time.Time, ids []int64, load loader[V]) (map[int64]V, map[int64]error, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[int64]V, len(ids))
	var missing []int64
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
	if len(missing) == 0 {
		return out, nil, nil
	}
	loaded, bad, err := load(ctx, missing)
	if err != nil {
		return nil, nil, err
	}
	if c.rows == nil {
		c.rows = map[int64]cached[V]{}
	}
	for _, id := range missing {
		if bad[id] != nil {
			continue
		}
		v, found := loaded[id]
		c.rows[id] = cached[V]{v, found, now.Add(catalogueFor)}
		if found {
			out[id] = v
		}
	}
	return out, bad, nil
}

// clear makes the next get ask again for everything.
func (c *cache[V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.rows)
}

// forget makes the next get ask again for ids.
func (c *cache[V]) forget(ids ...int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		delete(c.rows, id)
	}
}
