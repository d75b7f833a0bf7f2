package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"channelsync/api/autotask"
)

// listed is what a list of all records of an entity told so far.
type listed[T any] struct {
	fetched[T]
	ids []int64 // in order
	all bool    // the list came to its end
}

func newListed[T any]() listed[T] {
	return listed[T]{fetched: fetched[T]{rows: map[int64]T{}, gone: map[int64]bool{}, bad: map[int64]error{}}}
}

// has says whether something is known of a record.
func (l listed[T]) has(id int64) bool {
	_, ok := l.rows[id]
	return ok || l.gone[id] || l.bad[id] != nil
}

// take adds what was fetched by id; it lists nothing.
func (l listed[T]) take(found fetched[T]) {
	maps.Copy(l.rows, found.rows)
	maps.Copy(l.gone, found.gone)
	maps.Copy(l.bad, found.bad)
}

// listAll reads every record of an entity from id 1 up, with the fields named or all
// that the row has. As in fetch, a row that lacks a key is settled by a GET by id.
func listAll[T any](ctx context.Context, f *fetcher, r row[T], out *listed[T], fields ...string) error {
	err := autotask.Each(ctx, f.client, r.entity, autotask.Query{Fields: fields, From: 1}, func(rows autotask.Rows[T]) error {
		for _, v := range rows.Items {
			id := r.id(v)
			if out.rows[id] = v; !f.complete(ctx, r.entity, r.missing(v)) {
				if err := out.settle(ctx, f, r, id); err != nil {
					return err
				}
			}
			out.ids = append(out.ids, id)
		}
		for _, b := range rows.Bad {
			if b.ID != 0 {
				out.bad[b.ID] = b
				out.ids = append(out.ids, b.ID)
			}
		}
		slices.Sort(out.ids)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list %s: %w", r.entity, err)
	}
	out.all = true
	return nil
}
