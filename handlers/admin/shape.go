package admin

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// shape compares decoded JSON with the type it is for, and names every field
// that is unknown or of a wrong type. encoding/json stops at the first, names no
// place for an unknown one, and takes names in any case. Values are never
// repeated, since any of them may be a secret. null is as good as absent.
func shape(v any, t reflect.Type, at string) []v1.FieldError {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if v == nil && at != "#" {
		return nil
	}
	if t == reflect.TypeFor[time.Time]() {
		return shapeTime(v, at)
	}
	if t == reflect.TypeFor[v1.RecordIDs]() {
		return shapeRecordIDs(v, at)
	}
	switch t.Kind() {
	case reflect.Struct:
		if object, ok := v.(map[string]any); ok {
			return shapeObject(object, t, at)
		}
		return wrongType(v, "an object", at)
	case reflect.Slice:
		items, ok := v.([]any)
		if !ok {
			return wrongType(v, "a list", at)
		}
		var errs []v1.FieldError
		for i, item := range items {
			place := at + "/" + strconv.Itoa(i)
			if item == nil {
				errs = append(errs, wrongType(nil, typeName(t.Elem()), place)...)
			}
			errs = append(errs, shape(item, t.Elem(), place)...)
		}
		return errs
	case reflect.String:
		text, ok := v.(string)
		if !ok {
			return wrongType(v, "text", at)
		}
		if text != "" && v1.Trim(text) == "" {
			return []v1.FieldError{{Pointer: at, Code: "blank", Detail: "got nothing but blanks, want text"}}
		}
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			return wrongType(v, "true or false", at)
		}
	case reflect.Int, reflect.Int64:
		n, ok := v.(json.Number)
		if _, err := strconv.ParseInt(string(n), 10, 64); !ok || err != nil {
			return wrongType(v, "a whole number", at)
		}
	case reflect.Uint64:
		n, ok := v.(json.Number)
		if _, err := strconv.ParseUint(string(n), 10, 64); !ok || err != nil {
			return wrongType(v, "a whole number from 0 up", at)
		}
	default:
		return wrongType(v, "nothing", at) // no request has a field of another type
	}
	return nil
}

// shapeTime wants RFC 3339 text. A wrong one is not repeated, as nothing here is.
func shapeTime(v any, at string) []v1.FieldError {
	const want = "a time such as 2026-11-23T09:30:00Z"
	text, ok := v.(string)
	if !ok {
		return wrongType(v, want, at)
	}
	var parsed time.Time
	if err := parsed.UnmarshalText([]byte(text)); err != nil {
		return []v1.FieldError{{Pointer: at, Code: "time", Detail: "got text that is no time, want " + want}}
	}
	return nil
}

// shapeRecordIDs wants decimal text, and takes whole numbers too.
func shapeRecordIDs(v any, at string) []v1.FieldError {
	items, ok := v.([]any)
	if !ok {
		return wrongType(v, "a list", at)
	}
	var errs []v1.FieldError
	for i, item := range items {
		text, isText := item.(string)
		number, isNumber := item.(json.Number)
		place := at + "/" + strconv.Itoa(i)
		switch _, ok := v1.ParseRecordID(text + string(number)); {
		case ok:
		case isText || isNumber:
			errs = append(errs, v1.FieldError{Pointer: place, Code: "number", Detail: "got what is no id, want a decimal number from 0 up"})
		default:
			errs = append(errs, wrongType(item, "the id of a record as decimal text", place)...)
		}
	}
	return errs
}

func shapeObject(object map[string]any, t reflect.Type, at string) []v1.FieldError {
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			fields[name] = f.Type
		}
	}
	want := "none"
	if len(fields) > 0 {
		want = strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
	}
	var errs []v1.FieldError
	for _, name := range slices.Sorted(maps.Keys(object)) {
		place := at + "/" + escape(shorten(name))
		if ft, known := fields[name]; known {
			errs = append(errs, shape(object[name], ft, place)...)
			continue
		}
		errs = append(errs, v1.FieldError{
			Pointer: place, Code: "unknown_field",
			Detail: "got a field that is not known, want " + want,
		})
	}
	return errs
}

// escape writes a name as a token of a JSON Pointer (RFC 6901).
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

func wrongType(v any, want, at string) []v1.FieldError {
	got := "nothing"
	switch v.(type) {
	case string:
		got = "text"
	case bool:
		got = "true or false"
	case json.Number:
		got = "a number"
	case []any:
		got = "a list"
	case map[string]any:
		got = "an object"
	}
	if got == want || (got == "a number" && strings.HasPrefix(want, "a whole number")) {
		got += " that does not fit"
	}
	return []v1.FieldError{{Pointer: at, Code: "wrong_type", Detail: "got " + got + ", want " + want}}
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.String:
		return "text"
	}
	return "an object"
}
