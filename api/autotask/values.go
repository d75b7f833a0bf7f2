package autotask

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask/internal/lenient"
)

// mismatch says what came where something else was wanted; types, never values.
type mismatch struct{ got, want string }

// setField reads one JSON value into a field of a row. The vendor writes the same
// thing in several ways: null and "" both for nothing, numbers where text is
// expected (a postal code), 0 and 1 for booleans, picklist values as text.
func setField(field reflect.Value, raw json.RawMessage) *mismatch {
	kind := lenient.KindOf(raw)
	if field.Kind() == reflect.Pointer {
		if kind == "null" || kind == "text" && lenient.Text(raw) == "" {
			return nil
		}
		target := reflect.New(field.Type().Elem())
		if bad := setField(target.Elem(), raw); bad != nil {
			return bad
		}
		field.Set(target)
		return nil
	}
	switch {
	case field.Type() == timeType:
		return setTime(field, kind, raw)
	case field.Type() == decimalType:
		return setDecimal(field, kind, raw)
	case field.Kind() == reflect.String:
		return setText(field, kind, raw)
	case field.Kind() == reflect.Bool:
		return setBool(field, kind, raw)
	}
	return setInt(field, kind, raw)
}

func setText(field reflect.Value, kind string, raw json.RawMessage) *mismatch {
	switch kind {
	case "null":
	case "text":
		text, ok := lenient.Unquote(raw)
		if !ok {
			return &mismatch{"text that is not valid", "text"}
		}
		field.SetString(text)
	case "number":
		field.SetString(lenient.Text(raw))
	default:
		return &mismatch{kind, "text"}
	}
	return nil
}

// setInt takes no null: a field that may be null is a pointer, and 0 is the id of
// a real company.
func setInt(field reflect.Value, kind string, raw json.RawMessage) *mismatch {
	const want = "a whole number"
	if kind != "number" && kind != "text" {
		return &mismatch{kind, want}
	}
	n, ok := lenient.WholeNumber(lenient.Text(raw))
	if !ok {
		return &mismatch{kind + " that is not whole or not a number", want}
	}
	field.SetInt(n)
	return nil
}

func setBool(field reflect.Value, kind string, raw json.RawMessage) *mismatch {
	switch kind {
	case "null", "bool", "number", "text":
		switch strings.ToLower(lenient.Text(raw)) {
		case "true", "1":
			field.SetBool(true)
			return nil
		case "false", "0", "":
			return nil
		}
		kind += " that is neither"
	}
	return &mismatch{kind, "true, false, 1 or 0"}
}

func setDecimal(field reflect.Value, kind string, raw json.RawMessage) *mismatch {
	d, ok := decimal.Decimal{}, false
	if kind == "number" || kind == "text" {
		d, ok = lenient.Decimal(lenient.Text(raw))
		if !ok {
			kind += " that is not a decimal in range"
		}
	}
	if !ok {
		return &mismatch{kind, "a decimal number"}
	}
	field.Set(reflect.ValueOf(d))
	return nil
}

// setDate reads a calendar day, as midnight UTC of the day that is written, whatever
// hour and zone stand behind it: the vendor forces date-only fields to midnight and
// means the day, so that converting it could only give another day.
func setDate(field reflect.Value, raw json.RawMessage) *mismatch {
	kind := lenient.KindOf(raw)
	if kind == "null" {
		return nil
	}
	var day time.Time
	ok := kind == "text"
	if ok {
		day, ok = lenient.Date(lenient.Text(raw))
	}
	if !ok {
		return &mismatch{kind + " that is not a date", "a date"}
	}
	field.Set(reflect.ValueOf(day))
	return nil
}

func setTime(field reflect.Value, kind string, raw json.RawMessage) *mismatch {
	if kind == "null" {
		return nil
	}
	var at time.Time
	err := error(nil)
	if kind == "text" {
		at, err = lenient.Time(lenient.Text(raw))
	}
	if kind != "text" || err != nil {
		return &mismatch{kind + " that is not a time", "a time"}
	}
	field.Set(reflect.ValueOf(at))
	return nil
}
