package autotask

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask/internal/lenient"
)

// Rows is a page of records: those that could be read, and what is wrong with the others.
type Rows[T any] struct {
	Items []T
	Bad   []RowError
}

const idField = "id"

// shape is how a row type is filled from JSON, by its `at:"name,options"` tags.
type shape struct {
	entity  string
	fields  []shapeField
	missing int // index of the Missing field, -1 = none
	unread  int // index of the Unread field, -1 = none
}

// shapeField is one tagged field. Options:
//   - optional: the answer may do without the key;
//   - lenient: a value that cannot be read leaves the field empty and is listed in
//     Unread, where the type has it;
//   - date: a time of which only the calendar day counts, as it is written;
//   - parent: the id of the record that the row hangs on, which RowErrors name.
type shapeField struct {
	index                           int
	name                            string
	required, lenient, date, parent bool
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	decimalType = reflect.TypeFor[decimal.Decimal]()
)

// shapeOf reads the tags of a row type; an error is a mistake in the type.
func shapeOf(t reflect.Type, entity string) (shape, error) {
	if t.Kind() != reflect.Struct {
		return shape{}, fmt.Errorf("read %s: %s is not a row type", entity, t)
	}
	s := shape{entity: entity, missing: -1, unread: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "Missing" && f.Type == reflect.TypeFor[[]string]() {
			s.missing = i
			continue
		}
		if f.Name == "Unread" && f.Type == reflect.TypeFor[[]RowError]() {
			s.unread = i
			continue
		}
		tag, ok := f.Tag.Lookup("at")
		if !ok {
			continue
		}
		if !readable(f.Type) {
			return shape{}, fmt.Errorf("read %s: field %s of %s has a type that rows do not have", entity, f.Name, t)
		}
		name, options, _ := strings.Cut(tag, ",")
		has := func(option string) bool { return slices.Contains(strings.Split(options, ","), option) }
		s.fields = append(s.fields, shapeField{
			index: i, name: name, required: !has("optional"),
			lenient: has("lenient"), date: has("date"), parent: has("parent"),
		})
	}
	// The id and the parent first, so that what else is wrong can be said of a record.
	slices.SortStableFunc(s.fields, func(a, b shapeField) int { return cmp.Compare(a.rank(), b.rank()) })
	if len(s.fields) == 0 || !foldEqual(s.fields[0].name, idField) {
		return shape{}, fmt.Errorf("read %s: %s has no id", entity, t)
	}
	return s, nil
}

func readable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t == timeType || t == decimalType ||
		t.Kind() == reflect.String || t.Kind() == reflect.Int64 || t.Kind() == reflect.Bool
}

// names are the fields to ask for.
func (s shape) names() []string {
	names := make([]string, 0, len(s.fields))
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	return names
}

// row fills one struct. Keys come in any case. Only keys in asked are missed;
// nil means that all of the shape's are.
func (s shape) row(raw json.RawMessage, into reflect.Value, asked []string) *RowError {
	var keys lenient.Object
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		return &RowError{Entity: s.entity, Field: idField, Got: lenient.KindOf(raw), Want: "an object"}
	}
	var low lenient.Object // by lower case, made for the first key that is not spelled as the vendor's pages do
	var id, parent int64
	var missing []string
	var unread []RowError
	for _, f := range s.fields {
		value, there := keys[f.name]
		if !there {
			if low == nil {
				low = keys.Lowered()
			}
			value, there = low[strings.ToLower(f.name)]
		}
		if !there {
			if f.name == s.fields[0].name {
				return &RowError{Entity: s.entity, Field: f.name, Got: "nothing", Want: "a whole number"}
			}
			if f.required && (asked == nil || slices.ContainsFunc(asked, f.is)) {
				missing = append(missing, f.name)
			}
			continue
		}
		if err := f.set(into.Field(f.index), value); err != nil {
			bad := RowError{Entity: s.entity, ID: id, Parent: parent, Field: f.name, Got: err.got, Want: err.want}
			if !f.lenient {
				return &bad
			}
			unread = append(unread, bad)
			continue
		}
		switch {
		case f.name == s.fields[0].name:
			id = into.Field(f.index).Int()
		case f.parent:
			parent = into.Field(f.index).Int()
		}
	}
	if s.missing >= 0 && missing != nil {
		into.Field(s.missing).Set(reflect.ValueOf(missing))
	}
	if s.unread >= 0 && unread != nil {
		into.Field(s.unread).Set(reflect.ValueOf(unread))
	}
	return nil
}

func (f shapeField) is(name string) bool { return foldEqual(f.name, name) }

// rank is the order in which fields are read.
func (f shapeField) rank() int {
	switch {
	case f.is(idField):
		return 0
	case f.parent:
		return 1
	}
	return 2
}

func (f shapeField) set(field reflect.Value, raw json.RawMessage) *mismatch {
	if f.date {
		return setDate(field, raw)
	}
	return setField(field, raw)
}

// decodeRows reads each row by itself, so that one bad row costs one record.
func decodeRows[T any](s shape, items []json.RawMessage, asked []string) Rows[T] {
	rows := Rows[T]{Items: make([]T, 0, len(items))}
	for _, raw := range items {
		var item T
		if bad := s.row(raw, reflect.ValueOf(&item).Elem(), asked); bad != nil {
			rows.Bad = append(rows.Bad, *bad)
			continue
		}
		rows.Items = append(rows.Items, item)
	}
	return rows
}

// decodeRow reads one row of its own; its error is a RowError or a mistake in the type.
func decodeRow[T any](entity string, raw json.RawMessage) (T, error) {
	var item T
	s, err := shapeOf(reflect.TypeFor[T](), entity)
	if err != nil {
		return item, err
	}
	if bad := s.row(raw, reflect.ValueOf(&item).Elem(), nil); bad != nil {
		return item, *bad
	}
	return item, nil
}

// collection reads {"items":[…]}.
func collection(body []byte) ([]json.RawMessage, error) {
	var answer lenient.Object
	if err := json.Unmarshal(body, &answer); err != nil || answer == nil {
		return nil, errors.New("the answer is not a JSON object")
	}
	raw := answer.Get("items")
	if lenient.KindOf(raw) != "list" {
		return nil, fmt.Errorf("items: got %s, want a list", lenient.KindOf(raw))
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, errors.New("items cannot be read")
	}
	return items, nil
}

func foldEqual(a, b string) bool { return strings.EqualFold(a, b) }
