package autotask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"channelsync/api/autotask/internal/lenient"
)

// pageSize is the vendor's largest page.
const pageSize = 500

// Query selects records of an entity. The zero value selects all of them.
type Query struct {
	// Fields to ask for, by the vendor's names; empty = all that the row type has.
	// The id always comes along.
	Fields []string
	Filter []Filter // all must hold
	From   int64    // only records with this id or a higher one: where to go on
	First  int      // how many records the first page has at most; 0 = 500, as all others

	named bool // the caller knows which records it asks for, so their ids need not be searched for
}

// Each hands the records of a query to page, up to 500 at a time in the order of
// their ids, and ends with the first error of either. It pages by id (id greater
// than the last), which stays right while records are added, and asks no further
// after a page that is not full. A bad row is in the page's Bad and ends nothing,
// nor does one that spoils every answer with it, however it does that.
func Each[T any](ctx context.Context, c *Client, entity string, q Query, page func(Rows[T]) error) error {
	s, err := shapeOf(reflect.TypeFor[T](), entity)
	if err != nil {
		return err
	}
	for _, f := range q.Filter {
		if err := f.validate(); err != nil {
			return queryRequest(entity).fail(KindInvalid, err)
		}
	}
	next := Gte(idField, q.From)
	last := q.From - 1
	size := pageSize
	if q.First > 0 {
		size = min(q.First, pageSize)
	}
	walk := pages[T]{c: c, entity: entity, shape: s, query: q}
	for ; ; size = walk.nextSize() {
		items, asked, err := c.page(walk.context(ctx), entity, s, q, next, size)
		if err != nil {
			bad, err := walk.failed(ctx, next, size, err)
			if err != nil {
				return err
			}
			if bad != nil {
				if bad.ID <= last {
					return queryRequest(entity).fail(KindUndecodable, fmt.Errorf("page by id: got %d after %d, want ascending ids", bad.ID, last))
				}
				if err := page(Rows[T]{Bad: []RowError{*bad}}); err != nil {
					return err
				}
				last, next = bad.ID, Gt(idField, bad.ID)
			}
			continue
		}
		if last, err = lastID(items, last, size); err != nil {
			return queryRequest(entity).fail(KindUndecodable, err)
		}
		walk.read(len(items))
		if len(items) > 0 {
			if err := page(decodeRows[T](s, items, asked)); err != nil {
				return err
			}
		}
		if len(items) < size {
			return nil
		}
		next = Gt(idField, last)
	}
}

// ByIDs fetches the records whose field is one of ids, in as few calls as the
// vendor's limit on conditions allows (400 ids each, every call paged). Repeated
// ids are asked for once. An id without a record is simply not in the answer,
// which alone does not prove that the record is gone: Get does.
func ByIDs[T any](
	ctx context.Context, c *Client, entity, field string, ids []int64, extra ...Filter,
) (Rows[T], error) {
	var all Rows[T]
	ids = slices.Clone(ids)
	slices.Sort(ids)
	for chunk := range slices.Chunk(slices.Compact(ids), MaxIDs) {
		q := Query{Filter: append([]Filter{In(field, chunk)}, extra...), named: true}
		err := Each(ctx, c, entity, q, func(rows Rows[T]) error {
			all.Items = append(all.Items, rows.Items...)
			all.Bad = append(all.Bad, rows.Bad...)
			return nil
		})
		if err != nil {
			return Rows[T]{}, err
		}
	}
	return all, nil
}

// Get fetches one record with all its fields. A missing record is KindNotFound
// however the vendor says it: 404, {"item":null} or an empty collection. A page of
// somebody else's, or a path that is not known, says nothing of the record. A record
// that cannot be read is a RowError.
func Get[T any](ctx context.Context, c *Client, entity string, id int64) (T, error) {
	var none T
	r := request{operation: "get", method: http.MethodGet, entity: entity, path: strconv.FormatInt(id, 10), read: true}
	var raw json.RawMessage
	if err := c.do(ctx, r, func(body []byte) (err error) {
		raw, err = singleItem(body)
		return err
	}); err != nil {
		if e, ok := errors.AsType[*Error](err); ok && e.Kind == KindNotFound && slices.ContainsFunc(e.Texts, noRouteText.MatchString) {
			e.Kind = KindUnavailable
		}
		return none, err
	}
	if raw == nil {
		return none, r.fail(KindNotFound, nil)
	}
	item, err := decodeRow[T](entity, raw)
	if err != nil {
		return none, fmt.Errorf("get %s: %w", entity, err)
	}
	return item, nil
}

// Count is how many records the filters select.
func (c *Client) Count(ctx context.Context, entity string, filters ...Filter) (int, error) {
	r := request{operation: "count", method: http.MethodPost, entity: entity, path: "query/count", read: true}
	for _, f := range filters {
		if err := f.validate(); err != nil {
			return 0, r.fail(KindInvalid, err)
		}
	}
	if len(filters) == 0 { // the vendor wants at least one
		filters = []Filter{Gte(idField, 0)}
	}
	r.body = queryBody{Filter: filters}
	count := 0
	err := c.do(ctx, r, number("queryCount", func(n int64) { count = int(n) }))
	return count, err
}

type queryBody struct {
	MaxRecords    int      `json:"MaxRecords,omitempty"`
	IncludeFields []string `json:"IncludeFields,omitempty"`
	Filter        []Filter `json:"filter"`
}

func queryRequest(entity string) request {
	return request{operation: "query", method: http.MethodPost, entity: entity, path: "query", read: true}
}

// page fetches one page of at most size records. A field that this database does not have is left out
// from then on; asked is what was asked for in the end.
func (c *Client) page(
	ctx context.Context, entity string, s shape, q Query, next Filter, size int,
) (items []json.RawMessage, asked []string, err error) {
	r := queryRequest(entity)
	wanted := q.Fields
	if len(wanted) == 0 {
		wanted = s.names()
	}
	if !slices.ContainsFunc(wanted, func(name string) bool { return foldEqual(name, idField) }) {
		wanted = append([]string{idField}, wanted...)
	}
	for {
		include := c.absent.without(entity, wanted)
		r.body = queryBody{MaxRecords: size, IncludeFields: include, Filter: append(slices.Clone(q.Filter), next)}
		err = c.do(ctx, r, func(body []byte) (err error) {
			items, err = collection(body)
			return err
		})
		if err == nil {
			return items, wanted, nil
		}
		field, ok := unknownField(err, include)
		if !ok || slices.ContainsFunc(q.Filter, func(f Filter) bool { return f.uses(field) }) {
			return nil, nil, err
		}
		c.absent.add(entity, field)
	}
}

// lastID is the highest id of a page, after checking that every id is higher than
// the one before it: anything else would end in a loop or in records passed over.
// Rows whose id cannot be read are skipped.
func lastID(items []json.RawMessage, last int64, size int) (int64, error) {
	before := last
	for _, raw := range items {
		var row struct {
			ID json.RawMessage `json:"id"` // in any case
		}
		if json.Unmarshal(raw, &row) != nil {
			continue
		}
		id := lenient.Int(row.ID)
		if id == nil {
			continue
		}
		if *id <= last {
			return 0, fmt.Errorf("page by id: got %d after %d, want ascending ids", *id, last)
		}
		last = *id
	}
	if len(items) >= size && last == before {
		return 0, errors.New("page by id: got a full page without one readable id")
	}
	return last, nil
}

// singleItem reads {"item":{…}} or a collection of one; nil when there is none.
func singleItem(body []byte) (json.RawMessage, error) {
	var answer lenient.Object
	if json.Unmarshal(body, &answer) != nil || answer == nil {
		return nil, errors.New("the answer is not a JSON object")
	}
	switch item := answer.Get("item"); lenient.KindOf(item) {
	case "object":
		return item, nil
	case "null":
		return nil, nil
	}
	items, err := collection(body)
	if err != nil || len(items) == 0 || lenient.KindOf(items[0]) == "null" {
		return nil, err
	}
	return items[0], nil
}
