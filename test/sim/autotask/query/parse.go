// Package query is the simulated Autotask's query language: it reads a query body as the vendor does (keys and field
// names in any case, its error texts) and matches records against it.
//
// It never sees HTTP or a store; the HTTP side of the simulator parses with it and the store matches with it.
package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"channelsync/test/sim/autotask/schema"
)

// Limits of the vendor.
const (
	MaxPage = 500 // rows a page, and the default
	MaxOr   = 500 // OR conditions a query, members of in-lists counted
)

// Error is a refused query; the text goes out word for word with HTTP 500.
type Error string

func (e Error) Error() string { return string(e) }

// Query is a compiled query.
type Query struct {
	Max     int   // rows a page
	Include []int // positions asked for, nil = all
	cond    condition
	// hints are whole-number equalities that every match satisfies: the store may start from an index of one of them.
	hints []Hint
}

// Hint says that every match has one of Values at the position.
type Hint struct {
	Pos    int
	Values []int64
}

// Match reports whether a record satisfies the filter.
func (q *Query) Match(r schema.Record) bool { return q.cond(r) }

// Hints are the index starts that the filter allows.
func (q *Query) Hints() []Hint { return q.hints }

// Where is every record whose whole number at pos is value.
func Where(pos int, value int64) *Query {
	return &Query{
		Max:   MaxPage,
		cond:  func(r schema.Record) bool { v, ok := r.Int(pos); return ok && v == value },
		hints: []Hint{{pos, []int64{value}}},
	}
}

// body and node match keys in any case, as encoding/json does and as the vendor does.
type body struct {
	MaxRecords    json.RawMessage
	IncludeFields json.RawMessage
	Filter        json.RawMessage
}

type node struct {
	Op    string
	Field string
	UDF   bool
	Value json.RawMessage
	Items []node
}

// Parse reads a query body for an entity. Every error is an Error.
func Parse(raw []byte, e *schema.Entity) (*Query, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, Error("Value cannot be null. Parameter name: queryModel")
	}
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, unexpected(raw)
	}
	q := &Query{}
	var err error
	if q.Max, err = readMax(b.MaxRecords); err != nil {
		return nil, err
	}
	if q.Include, err = readInclude(b.IncludeFields, e); err != nil {
		return nil, err
	}
	if isNull(b.Filter) {
		return nil, Error("Value cannot be null. Parameter name: filter")
	}
	var nodes []node
	if err := json.Unmarshal(b.Filter, &nodes); err != nil {
		return nil, unexpected(b.Filter)
	}
	if len(nodes) == 0 {
		return nil, Error("Value cannot be null. Parameter name: filter")
	}
	c := &compiler{entity: e}
	if q.cond, err = c.all(nodes, true); err != nil {
		return nil, err
	}
	if c.ors > MaxOr {
		return nil, Error("Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions.")
	}
	q.hints = c.hints
	return q, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func unexpected(raw []byte) Error {
	const text = "Unexpected character encountered while parsing value: %c. Path '', line 1, position 1."
	return Error(fmt.Sprintf(text, raw[0]))
}

func readMax(raw json.RawMessage) (int, error) {
	if isNull(raw) {
		return MaxPage, nil
	}
	v, err := schema.Field{Name: "MaxRecords", Type: schema.Integer}.Decode(raw)
	if err != nil {
		return 0, Error(err.Error())
	}
	if n, _ := v.(int64); n >= 1 && n <= MaxPage {
		return int(n), nil
	}
	return 0, Error("maxCountOfRecordsToReturn must be between 1 and 500")
}

// readInclude takes an array of names or one comma-separated text.
func readInclude(raw json.RawMessage, e *schema.Entity) ([]int, error) {
	if isNull(raw) {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, unexpected(raw)
		}
		names = strings.Split(text, ",")
	}
	var positions []int
	for _, name := range names {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if _, isUDF := e.UDF(name); isUDF {
			continue // userDefinedFields come along anyway
		}
		pos, ok := e.Pos(name)
		if !ok {
			return nil, noField(name, e)
		}
		positions = append(positions, pos)
	}
	return positions, nil
}

func noField(name string, e *schema.Entity) Error {
	return Error(fmt.Sprintf("Unable to find %s in the %s Entity.", name, e.One))
}
