package reconcile

import (
	"context"
	"time"

	"channelsync/api/autotask"
)

// countriesFor is how long the country codes are believed; they change about once a decade.
const countriesFor = 24 * time.Hour

// countries caches the code of each country id.
type countries struct{ codes cache[map[int64]string] }

func newCountries() countries { return countries{cache[map[int64]string]{keeps: countriesFor}} }

// get returns the codes by id. Without the right to read countries there are
// none: an address without its country is better than no client.
func (c *countries) get(ctx context.Context, client *autotask.Client, now time.Time) (map[int64]string, error) {
	lists, _, err := c.codes.get(ctx, now, []int64{theOnly}, func(ctx context.Context, _ []int64) (map[int64]map[int64]string, map[int64]error, error) {
		codes := map[int64]string{}
		err := autotask.Each(ctx, client, autotask.EntityCountries, autotask.Query{}, func(rows autotask.Rows[autotask.Country]) error {
			for _, row := range rows.Items {
				codes[row.ID] = trim(row.CountryCode)
			}
			return nil
		})
		if err != nil && autotask.KindOf(err) != autotask.KindPermission && autotask.KindOf(err) != autotask.KindNotFound {
			return nil, nil, err
		}
		return map[int64]map[int64]string{theOnly: codes}, nil, nil
	})
	return lists[theOnly], err
}
