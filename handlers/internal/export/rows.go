package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// column is one of a list: what it is called, and where its value stands in an item.
type column struct {
	name string
	path []string
}

// columns makes them of "name" or "name=path.of.the.value".
func columns(words ...string) []column {
	out := make([]column, len(words))
	for i, w := range words {
		name, path, other := strings.Cut(w, "=")
		if !other {
			path = name
		}
		out[i] = column{name, strings.Split(path, ".")}
	}
	return out
}

func names(columns []column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.name
	}
	return out
}

// rows are those of an item: one, or one for each element of the list in it that is spread out. A column whose
// path begins with that list is of the element.
func (l list) rows(raw json.RawMessage) ([][]string, error) {
	item, err := decode(raw)
	if err != nil {
		return nil, err
	}
	elements := []any{nil}
	if l.each != "" {
		if found, _ := at(item, []string{l.each}).([]any); len(found) > 0 {
			elements = found
		}
	}
	var out [][]string
	for _, element := range elements {
		row := make([]string, len(l.columns))
		for i, c := range l.columns {
			from, path := item, c.path
			if l.each != "" && path[0] == l.each {
				from, path = element, path[1:]
			}
			row[i] = text(at(from, path))
		}
		out = append(out, row)
	}
	return out, nil
}

// decode keeps numbers as they are written.
func decode(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("read an item: %w", err)
	}
	return v, nil
}

// at is the value under a path; of a list, the values under it of all elements.
func at(v any, path []string) any {
	if len(path) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return at(v[path[0]], path[1:])
	case []any:
		var out []any
		for _, element := range v {
			out = append(out, at(element, path))
		}
		return out
	}
	return nil
}

// between stands between the values of a list in one cell.
const between = "; "

// text is a value in a cell.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, element := range v {
			parts[i] = text(element)
		}
		return strings.Join(parts, between)
	case map[string]any:
		b, _ := json.Marshal(v) // it came from JSON
		return string(b)
	}
	return fmt.Sprint(v) // a number as it was written, true or false
}
