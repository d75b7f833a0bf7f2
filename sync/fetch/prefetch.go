package fetch

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"channelsync/api/autotask"
)

// Prefetched is what a list of all records of an entity has returned so far.
type Prefetched[T any] struct {
	Fetched[T]
	IDs      []int64 // in order
	Complete bool    // the list came to its end
}

func NewPrefetched[T any]() Prefetched[T] {
	return Prefetched[T]{Fetched: Fetched[T]{Rows: map[int64]T{}, Gone: map[int64]bool{}, Bad: map[int64]error{}}}
}

// Has says whether something is known of a record.
func (l Prefetched[T]) Has(id int64) bool {
	_, ok := l.Rows[id]
	return ok || l.Gone[id] || l.Bad[id] != nil
}

// Add adds what was fetched by id; it lists nothing.
func (l Prefetched[T]) Add(found Fetched[T]) {
	maps.Copy(l.Rows, found.Rows)
	maps.Copy(l.Gone, found.Gone)
	maps.Copy(l.Bad, found.Bad)
}

// Prefetch reads every record of an entity from id 1 up, with the fields named or all
// that the row has. As in fetch, a row that lacks a key is read by a GET by id.
func Prefetch[T any](ctx context.Context, f *Fetcher, r Row[T], out *Prefetched[T], fields ...string) error {
	err := autotask.Each(ctx, f.Client, r.Entity, autotask.Query{Fields: fields, From: 1}, func(rows autotask.Rows[T]) error {
		for _, v := range rows.Items {
			id := r.ID(v)
			if out.Rows[id] = v; !f.complete(ctx, r.Entity, r.Missing(v)) {
				if err := out.get(ctx, f, r, id); err != nil {
					return err
				}
			}
			out.IDs = append(out.IDs, id)
		}
		for _, b := range rows.Bad {
			if b.ID != 0 {
				out.Bad[b.ID] = b
				out.IDs = append(out.IDs, b.ID)
			}
		}
		slices.Sort(out.IDs)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list %s: %w", r.Entity, err)
	}
	out.Complete = true
	return nil
}
