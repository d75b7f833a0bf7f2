package v1

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Difference is one field that one payload holds otherwise than another.
type Difference struct {
	Field string `json:"field"`
	From  string `json:"from"` // what the target holds, or was sent before
	To    string `json:"to"`   // what would be sent, or was
}

// Differences compares two payloads field by field; both are JSON objects or null.
func Differences(from, to json.RawMessage) []Difference {
	before, after := Flat(from), Flat(to)
	keys := slices.Sorted(maps.Keys(before))
	for k := range after {
		if _, there := before[k]; !there {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	out := []Difference{}
	for _, k := range keys {
		if before[k] != after[k] {
			out = append(out, Difference{Field: k, From: before[k], To: after[k]})
		}
	}
	return out
}

// Flat makes one line of text of each leaf of a JSON value, under its path.
func Flat(raw json.RawMessage) map[string]string {
	out := map[string]string{}
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return out
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, child := range v {
				walk(join(path, k), child)
			}
		case []any:
			for i, child := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), child)
			}
		case nil: // absent and null are the same to the target
		case string:
			if !(path == "lifecycle" && v == "active") { // the default, said or not
				out[path] = v
			}
		default:
			out[path] = fmt.Sprint(v)
		}
	}
	walk("", v)
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
