package store

import (
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/query"
	"channelsync/test/sim/autotask/schema"
)

// table is one entity's rows. Ids stay sorted, because every answer of the vendor is ascending by id.
type table struct {
	entity *schema.Entity
	rows   map[int64]schema.Record
	ids    []int64
	index  map[int]map[int64][]int64 // position → value → sorted ids
	next   int64
}

func newTable(e *schema.Entity) *table {
	t := &table{entity: e, rows: map[int64]schema.Record{}, index: map[int]map[int64][]int64{}, next: e.FirstID}
	for pos, f := range e.Fields {
		if f.Index {
			t.index[pos] = map[int64][]int64{}
		}
	}
	return t
}

func (t *table) add(row schema.Record) {
	id := row.ID()
	t.rows[id] = row
	t.ids = insert(t.ids, id)
	t.next = max(t.next, id+1)
	for pos, values := range t.index {
		if v, ok := row.Int(pos); ok {
			values[v] = insert(values[v], id)
		}
	}
}

func (t *table) remove(row schema.Record) {
	id := row.ID()
	delete(t.rows, id)
	t.ids = cut(t.ids, id)
	for pos, values := range t.index {
		if v, ok := row.Int(pos); ok {
			values[v] = cut(values[v], id)
		}
	}
}

func (t *table) replace(old, row schema.Record) {
	id := row.ID()
	t.rows[id] = row
	for pos, values := range t.index {
		if old[pos] == row[pos] {
			continue
		}
		if v, ok := old.Int(pos); ok {
			values[v] = cut(values[v], id)
		}
		if v, ok := row.Int(pos); ok {
			values[v] = insert(values[v], id)
		}
	}
}

// insert and cut keep a list of ids sorted. They never change a list in place but at its end, and only the holder of
// the write lock calls them.
func insert(ids []int64, id int64) []int64 {
	i, found := slices.BinarySearch(ids, id)
	if found {
		return ids
	}
	return slices.Insert(ids, i, id)
}

func cut(ids []int64, id int64) []int64 {
	if i, found := slices.BinarySearch(ids, id); found {
		return slices.Delete(ids, i, i+1)
	}
	return ids
}

// scan visits the matches with id >= from, ascending, until visit says false.
func (t *table) scan(q *query.Query, from int64, visit func(schema.Record) bool) {
	ids := t.candidates(q.Hints())
	start, _ := slices.BinarySearch(ids, from)
	for _, id := range ids[start:] {
		if row, ok := t.rows[id]; ok && q.Match(row) && !visit(row) {
			return
		}
	}
}

// candidates are the sorted ids a query can match at all, by its most selective hint.
func (t *table) candidates(hints []query.Hint) []int64 {
	best := t.ids
	for _, h := range hints {
		if t.index[h.Pos] == nil && h.Pos != 0 || h.Pos == 0 && len(h.Values) >= len(best) {
			continue
		}
		var ids []int64
		if h.Pos == 0 {
			ids = slices.Clone(h.Values)
		} else {
			for _, v := range h.Values {
				ids = append(ids, t.index[h.Pos][v]...)
			}
		}
		slices.Sort(ids)
		if ids = slices.Compact(ids); len(ids) < len(best) {
			best = ids
		}
	}
	return best
}

// differences lists the positions where two rows of one entity differ in meaning.
func differences(a, b schema.Record) []int {
	var positions []int
	for pos := range a {
		if !same(a[pos], b[pos]) {
			positions = append(positions, pos)
		}
	}
	return positions
}

func same(a, b any) bool {
	switch x := a.(type) {
	case decimal.Decimal:
		y, ok := b.(decimal.Decimal)
		return ok && x.Equal(y)
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	case map[string]string:
		y, ok := b.(map[string]string)
		return ok && maps.Equal(x, y)
	}
	if _, ok := b.(map[string]string); ok {
		return false
	}
	return a == b
}
