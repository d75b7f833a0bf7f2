package client

import (
	"iter"

	v1 "channelsync/api/v1"
)

// maxLimit is the most items that the API puts on a page.
const maxLimit = 500

// all goes through the pages from a cursor on. A cursor that does not move on is
// taken for the last: a loop without an end helps nobody.
func all[T any](cursor string, page func(cursor string) (v1.Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			p, err := page(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			if p.NextCursor == nil || *p.NextCursor == cursor {
				return
			}
			cursor = *p.NextCursor
		}
	}
}
