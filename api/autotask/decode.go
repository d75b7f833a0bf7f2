package autotask

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Rows is a page of records: those that could be read, and what is wrong with the others.
type Rows[T any] struct {
	Items []T
	Bad   []RowError
}

const idField = "id"

// shape is how a row type is filled from JSON, by its `at:"name,options"` tags.
type shape struct {
	entity string
	fields []shapeField
	lacks  int // index of the Lacks field, -1 = none
}

// shapeField is one tagged field. Options: stamp and optional say that the answer
// may do without the key.
type shapeField struct {
	index    int
	name     string
	required bool
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
	s := shape{entity: entity, lacks: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "Lacks" && f.Type == reflect.TypeFor[[]string]() {
			s.lacks = i
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
		field := shapeField{index: i, name: name, required: options != "stamp" && options != "optional"}
		if foldEqual(name, idField) { // first, so that what else is wrong can be said of a record
			s.fields = slices.Insert(s.fields, 0, field)
			continue
		}
		s.fields = append(s.fields, field)
	}
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
	var keys object
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		return &RowError{Entity: s.entity, Field: idField, Got: jsonKind(raw), Want: "an object"}
	}
	var low object // by lower case, made for the first key that is not spelled as the vendor's pages do
	var id int64
	var lacks []string
	for _, f := range s.fields {
		value, there := keys[f.name]
		if !there {
			if low == nil {
				low = keys.lowered()
			}
			value, there = low[strings.ToLower(f.name)]
		}
		if !there {
			if f.name == s.fields[0].name {
				return &RowError{Entity: s.entity, Field: f.name, Got: "nothing", Want: "a whole number"}
			}
			if f.required && (asked == nil || slices.ContainsFunc(asked, f.is)) {
				lacks = append(lacks, f.name)
			}
			continue
		}
		if err := setField(into.Field(f.index), value); err != nil {
			return &RowError{Entity: s.entity, ID: id, Field: f.name, Got: err.got, Want: err.want}
		}
		if f.name == s.fields[0].name {
			id = into.Field(f.index).Int()
		}
	}
	if s.lacks >= 0 && lacks != nil {
		into.Field(s.lacks).Set(reflect.ValueOf(lacks))
	}
	return nil
}

func (f shapeField) is(name string) bool { return foldEqual(f.name, name) }

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
	var answer object
	if err := json.Unmarshal(body, &answer); err != nil || answer == nil {
		return nil, errors.New("the answer is not a JSON object")
	}
	raw := answer.get("items")
	if jsonKind(raw) != "list" {
		return nil, fmt.Errorf("items: got %s, want a list", jsonKind(raw))
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, errors.New("items cannot be read")
	}
	return items, nil
}

func foldEqual(a, b string) bool { return strings.EqualFold(a, b) }
