package reconcile

import (
	"context"
	"sync"
	"time"

	"channelsync/api/autotask"
)

// countriesFor is how long the country codes are believed; they change about once a decade.
const countriesFor = 24 * time.Hour

// countries caches the code of each country id.
type countries struct {
	mu    sync.Mutex
	codes map[int64]string
	until time.Time
}

// get returns the codes by id. Without the right to read countries there are
// none: an address without its country is better than no client.
func (c *countries) get(ctx context.Context, client *autotask.Client, now time.Time) (map[int64]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes != nil && now.Before(c.until) {
		return c.codes, nil
	}
	codes := map[int64]string{}
	err := autotask.Each(ctx, client, autotask.EntityCountries, autotask.Query{}, func(rows autotask.Rows[autotask.Country]) error {
		for _, row := range rows.Items {
			codes[row.ID] = trim(row.CountryCode)
		}
		return nil
	})
	if err != nil && autotask.KindOf(err) != autotask.KindPermission && autotask.KindOf(err) != autotask.KindNotFound {
		return nil, err
	}
	c.codes, c.until = codes, now.Add(countriesFor)
	return codes, nil
}
