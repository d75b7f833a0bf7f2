package lenient

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// Object is a JSON object whose keys are looked up in any case, as the vendor's
// server treats them.
type Object map[string]json.RawMessage

// Get returns the value of a key, nil where there is none. The exact spelling
// wins over other ones, and those are tried in a fixed order, so that the same
// body always reads the same.
func (o Object) Get(key string) json.RawMessage {
	if raw, ok := o[key]; ok {
		return raw
	}
	var found []string
	for k := range o {
		if strings.EqualFold(k, key) {
			found = append(found, k)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return o[slices.Min(found)]
}

// KindOf names the type of a JSON value in a word that an error can show.
func KindOf(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "object"
	case '[':
		return "list"
	case '"':
		return "text"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}

// Text is the value of a JSON string, trimmed; "" for null and nothing, and
// the JSON itself for any other type, so that it can be compared but not mistaken.
func Text(raw []byte) string {
	switch KindOf(raw) {
	case "nothing", "null":
		return ""
	case "text":
		text, _ := Unquote(bytes.TrimSpace(raw))
		return strings.TrimSpace(text)
	}
	return strings.TrimSpace(string(raw))
}

// Unquote is the value of a JSON string. Nearly all of them hold no escape and are
// what stands between their quotes; the decoder would take ten times as long to say so.
func Unquote(raw []byte) (text string, ok bool) {
	if n := len(raw); n >= 2 && raw[0] == '"' && raw[n-1] == '"' {
		if inner := raw[1 : n-1]; plain(inner) {
			return string(inner), true
		}
	}
	ok = json.Unmarshal(raw, &text) == nil
	return text, ok
}

// plain says whether JSON reads a string's inside as it stands.
func plain(inner []byte) bool {
	for _, b := range inner {
		if b < ' ' || b == '"' || b == '\\' {
			return false
		}
	}
	return utf8.Valid(inner)
}

// Int reads a number or a numeric text; nil for anything else.
func Int(raw []byte) *int64 {
	if kind := KindOf(raw); kind != "number" && kind != "text" {
		return nil
	}
	n, ok := WholeNumber(Text(raw))
	if !ok {
		return nil
	}
	return &n
}

// WholeNumber reads an int64, also when it is written 7.0000 or 1e3.
func WholeNumber(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	d, ok := Decimal(text)
	if !ok || !d.IsInteger() || !d.BigInt().IsInt64() {
		return 0, false
	}
	return d.IntPart(), true
}

// Bounds of a decimal on the wire. A short text such as 1e999999999 would
// otherwise cost gigabytes as soon as it is added to anything.
const (
	maxDecimalText     = 64
	maxDecimalExponent = 40
)

func Decimal(text string) (decimal.Decimal, bool) {
	if text == "" || len(text) > maxDecimalText {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(text)
	if err != nil || d.Exponent() > maxDecimalExponent || d.Exponent() < -maxDecimalExponent {
		return decimal.Decimal{}, false
	}
	return d, true
}

// Lowered is the object by its keys in lower case, for many lookups.
func (o Object) Lowered() Object {
	low := make(Object, len(o))
	for key, raw := range o {
		low[strings.ToLower(key)] = raw
	}
	if len(low) == len(o) {
		return low
	}
	for _, key := range slices.Sorted(maps.Keys(o)) { // one key in two spellings: always the same one wins
		low[strings.ToLower(key)] = o[key]
	}
	return low
}

// Flag is a boolean of metadata, false where it is missing.
func (o Object) Flag(key string) bool {
	text := Text(o.Get(key))
	return strings.EqualFold(text, "true") || text == "1"
}
