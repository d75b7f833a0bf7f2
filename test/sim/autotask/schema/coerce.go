package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Coerce turns a value a Go caller or the control API gives into what a Record holds. It is lenient about Go types
// (any integer, json.Number, decimal text, dates as text) but never about meaning.
func (f Field) Coerce(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if raw, ok := v.(json.RawMessage); ok {
		return f.Decode(raw)
	}
	if text, ok := v.(string); ok && f.Type != String && text == "" {
		return nil, nil
	}
	var err error
	switch f.Type {
	case Boolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case String:
		if s, ok := v.(string); ok {
			return s, nil
		}
	case DateTime:
		switch t := v.(type) {
		case time.Time:
			return t.UTC().Truncate(100 * time.Nanosecond), nil
		case string:
			return wrap(ParseDate(t))(f)
		}
	case Decimal:
		if d, ok := toDecimal(v); ok {
			return d, nil
		}
	case Integer, Short, Long:
		switch n := v.(type) {
		case int:
			return int64(n), nil
		case int64:
			return n, nil
		}
		if b, ok := v.(bool); ok && f.Picklist == "activeFlag" {
			v = map[bool]int{false: 0, true: 1}[b]
		}
		if d, ok := toDecimal(v); ok && d.IsInteger() && d.BigInt().IsInt64() {
			return d.IntPart(), nil
		}
	case udfType:
		var udfs map[string]string
		if udfs, err = toUDF(v); err == nil {
			return udfs, nil
		}
	}
	return nil, fmt.Errorf("set %s: %v (%T) is not a %s", f.Name, v, v, f.Type)
}

func wrap(t time.Time, err error) func(Field) (any, error) {
	return func(f Field) (any, error) {
		if err != nil {
			return nil, fmt.Errorf("set %s: %w", f.Name, err)
		}
		return t, nil
	}
}

func toDecimal(v any) (decimal.Decimal, bool) {
	switch n := v.(type) {
	case decimal.Decimal:
		return n, true
	case float64:
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return decimal.Decimal{}, false
		}
		return decimal.NewFromFloat(n), true
	case int, int8, int16, int32, int64, uint8, uint16, uint32, uint64, json.Number, string:
		d, err := decimal.NewFromString(fmt.Sprint(n))
		// An exponent in the millions would take gigabytes to write out.
		return d, err == nil && d.Exponent() < 100 && d.Exponent() > -100
	}
	return decimal.Decimal{}, false
}

// toUDF takes {"name":"value"} or the vendor's [{"name":…,"value":…}].
func toUDF(v any) (map[string]string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("read user-defined fields: %w", err)
	}
	var list []struct {
		Name  string
		Value *string
	}
	udfs := map[string]string{}
	if json.Unmarshal(raw, &list) != nil {
		if err := json.Unmarshal(raw, &udfs); err != nil {
			return nil, fmt.Errorf("read user-defined fields: %w", err)
		}
		return udfs, nil
	}
	for _, u := range list {
		if u.Value != nil {
			udfs[u.Name] = *u.Value
		}
	}
	return udfs, nil
}

// TypeError is a JSON value of the wrong type; its text is the vendor's, word for word where it has been seen.
type TypeError string

func (e TypeError) Error() string { return string(e) }

// Decode reads a JSON value sent over REST as strictly as the vendor does: booleans only as true and false, no boolean
// where a number belongs, dates only in its forms. JSON null is nil. Every error is a TypeError.
func (f Field) Decode(raw json.RawMessage) (any, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	const wrong = "Unexpected character encountered while parsing value: %c. Path '%s'."
	unexpected := TypeError(fmt.Sprintf(wrong, raw[0], f.Name))
	if f.Type == udfType {
		udfs, err := toUDF(raw)
		if err != nil {
			return nil, unexpected
		}
		return udfs, nil
	}
	if raw[0] == '{' || raw[0] == '[' {
		return nil, unexpected
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, unexpected
		}
	}
	quoted, isBool := raw[0] == '"', string(raw) == "true" || string(raw) == "false"
	switch f.Type {
	case Boolean:
		if !isBool {
			return nil, unexpected
		}
		return raw[0] == 't', nil
	case String:
		return text, nil
	case DateTime:
		if t, err := ParseDate(text); err == nil && quoted {
			return t, nil
		}
		return nil, TypeError(fmt.Sprintf("Could not convert string to DateTime: %s. Path '%s'.", text, f.Name))
	case Decimal:
		if d, ok := toDecimal(strings.TrimSpace(text)); ok && !isBool {
			return d, nil
		}
	default:
		if d, ok := toDecimal(strings.TrimSpace(text)); ok && !isBool && d.IsInteger() && d.BigInt().IsInt64() {
			return d.IntPart(), nil
		}
	}
	if quoted {
		return nil, TypeError(fmt.Sprintf("Could not convert string to %s: %s. Path '%s'.", f.Type, text, f.Name))
	}
	return nil, unexpected
}
