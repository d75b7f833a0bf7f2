package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/query"
	"channelsync/test/sim/autotask/schema"
	"channelsync/test/sim/autotask/store"
)

// maxURL is where the vendor's server stops taking GET requests: past it the path is "not found".
const maxURL = 2048

// get answers one record by id.
func (s *Sim) get(q *request) answer {
	id, _ := strconv.ParseInt(q.rest[0], 10, 64)
	row, found := s.store.Get(q.entity, id)
	if hidden := q.entity.Name == errorLog && !s.users.sees(q.user, id); !found || hidden || s.Modes().hides(q.entity.Name) {
		if s.Modes().NotFound == "null" {
			return ok([]byte(`{"item":null}`))
		}
		return answer{status: http.StatusNotFound}
	}
	s.poison(q, q.entity, nil, row)
	faults := s.faults.TakeAll(fault.BadValue, q.entity.Name, q.op)
	v := schema.View{Costs: s.Modes().Costs, Omit: s.Modes().OmitEmpty}
	return item(q.entity, row, spoil(q.entity, v, id, faults))
}

// spoil puts the wrong values of faults into the view of one record.
func spoil(e *schema.Entity, v schema.View, id int64, faults []fault.Fault) schema.View {
	for _, f := range faults {
		pos, known := e.Pos(f.Field)
		if !known || f.Record != 0 && f.Record != id {
			continue
		}
		if v.Override == nil {
			v.Override = map[int]json.RawMessage{}
		}
		v.Override[pos] = f.Value
		if len(f.Value) == 0 {
			v.Override[pos] = json.RawMessage(`{"unexpected":"object"}`)
		}
	}
	return v
}

// poison notes the fault that spoils an answer with these rows; include is the positions in the answer, nil = all.
func (s *Sim) poison(q *request, e *schema.Entity, include []int, rows ...schema.Record) {
	for _, row := range rows {
		spoils := func(f fault.Fault) bool {
			pos, known := e.Pos(f.Field)
			return f.Record == row.ID() && (f.Field == "" || known && (include == nil || slices.Contains(include, pos)))
		}
		if f, hit := s.faults.TakeFor(fault.Poison, e.Name, q.op, spoils); hit {
			q.poison = &f
			return
		}
	}
}

// parse reads the query of a request: the body of a POST, the search parameter of a GET.
func (s *Sim) parse(q *request) (*query.Query, string, *answer) {
	raw, search := q.body, ""
	if q.Method == http.MethodGet {
		if len(q.RequestURI) > maxURL {
			a := noResource(q.Request)
			return nil, "", &a
		}
		search = q.URL.Query().Get("search")
		raw = []byte(search)
	}
	parsed, err := query.Parse(raw, q.entity)
	if err != nil {
		a := refused("%s", err.Error())
		return nil, "", &a
	}
	return parsed, search, nil
}

// query answers the first page of a query, or the page that a cursor names.
func (s *Sim) query(q *request) answer {
	parsed, search, fail := s.parse(q)
	if fail != nil {
		return *fail
	}
	cur := cursor{PageSize: parsed.Max}
	if q.op == opNext {
		var err error
		if cur, err = readCursor(q.URL.Query().Get("paging")); err != nil {
			return refused("%s", err.Error())
		}
	}
	return s.page(q, q.entity, parsed, cur, func(verb string, c cursor) string {
		return pageURL(q.base()+"V1.0/"+q.entity.Name+"/query/"+verb, c, search)
	})
}

// list answers a child collection; a child by id answers a collection too.
func (s *Sim) list(q *request) answer {
	child, _ := s.schema.Child(q.entity, q.rest[1])
	parentID, _ := strconv.ParseInt(q.rest[0], 10, 64)
	if s.Modes().denies(child.Name) {
		return refused(textNoQueryRight)
	}
	where := query.Where(child.Must(child.Parent.Field), parentID)
	cur := cursor{PageSize: query.MaxPage}
	if len(q.rest) == 3 {
		if strings.EqualFold(q.rest[2], "next") {
			var err error
			if cur, err = readCursor(q.URL.Query().Get("paging")); err != nil {
				return refused("%s", err.Error())
			}
		} else {
			id, _ := strconv.ParseInt(q.rest[2], 10, 64)
			where = query.Where(0, id)
		}
	}
	return s.page(q, child, where, cur, func(verb string, c cursor) string {
		return pageURL(q.base()+"V1.0/"+q.entity.Name+"/"+q.rest[0]+"/"+child.Parent.Path+"/"+verb, c, "")
	})
}

// linker makes the URL of the next or the previous page.
type linker func(verb string, c cursor) string

// page answers one page of records, ascending by id.
func (s *Sim) page(q *request, e *schema.Entity, parsed *query.Query, cur cursor, link linker) answer {
	var rows []schema.Record
	if !s.Modes().hides(e.Name) {
		rows = s.store.Select(e, parsed, store.Page{From: cur.from(), Limit: cur.PageSize + 1, Skip: s.skipped(q, e)})
	}
	next, more := int64(0), len(rows) > cur.PageSize
	if more {
		next, rows = rows[cur.PageSize].ID(), rows[:cur.PageSize]
	}
	s.poison(q, e, parsed.Include, rows...)
	view := schema.View{Query: true, Include: parsed.Include, Costs: s.Modes().Costs, Omit: s.Modes().OmitEmpty}
	for _, f := range s.faults.TakeAll(fault.DropFields, e.Name, q.op) {
		for _, name := range f.Fields {
			if pos, known := e.Pos(name); known {
				view.Drop = append(view.Drop, pos)
			}
		}
	}
	bad := s.faults.TakeAll(fault.BadValue, e.Name, q.op)
	buf := []byte(`{"items":[`)
	for i, row := range rows {
		if i > 0 {
			buf = append(buf, ',')
		}
		rowView := view
		if len(bad) > 0 {
			rowView = spoil(e, view, row.ID(), bad)
		}
		buf = e.AppendJSON(buf, row, rowView)
	}
	details := pageDetails{Count: len(rows), RequestCount: cur.PageSize}
	if len(rows) > 0 && more {
		details.Next = new(link("next", cur.next(rows[0].ID(), next)))
	}
	if len(cur.Previous) > 0 {
		details.Prev = new(link("prev", cur.prev()))
	}
	raw, err := json.Marshal(details)
	if err != nil {
		return refused("%s", err.Error())
	}
	buf = append(append(append(buf, `],"pageDetails":`...), raw...), '}')
	return ok(buf)
}

// skipped is the ids that a query does not answer: those that the user may not see, and those that faults keep out.
func (s *Sim) skipped(q *request, e *schema.Entity) func(int64) bool {
	unseen, missing := s.unseen(q, e), s.missing(e, q.op)
	if unseen == nil || missing == nil {
		if unseen == nil {
			return missing
		}
		return unseen
	}
	return func(id int64) bool { return unseen(id) || missing(id) }
}

// unseen is the ids of an entity that are there for other users only; nil: there are none.
func (s *Sim) unseen(q *request, e *schema.Entity) func(int64) bool {
	if e.Name != errorLog {
		return nil
	}
	return func(id int64) bool { return !s.users.sees(q.user, id) }
}

// missing is the ids that faults keep out of a query answer.
func (s *Sim) missing(e *schema.Entity, op string) func(int64) bool {
	faults := s.faults.TakeAll(fault.DropIDs, e.Name, op)
	if len(faults) == 0 {
		return nil
	}
	return func(id int64) bool {
		return slices.ContainsFunc(faults, func(f fault.Fault) bool {
			if len(f.Records) == 0 {
				return s.faults.Roll(f.Probability)
			}
			return slices.Contains(f.Records, id)
		})
	}
}

// count answers how many records match.
func (s *Sim) count(q *request) answer {
	parsed, _, fail := s.parse(q)
	if fail != nil {
		return *fail
	}
	n := 0
	if !s.Modes().hides(q.entity.Name) {
		n = len(s.store.Select(q.entity, parsed, store.Page{Skip: s.unseen(q, q.entity)}))
	}
	return okJSON(map[string]int{"queryCount": n})
}
