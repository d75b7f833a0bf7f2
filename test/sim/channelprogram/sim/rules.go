package sim

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A rule says what is wrong with a decoded JSON value that stands at a pointer.
// The few rules below are the part of JSON Schema that the contract uses.
type rule func(v any, at string) []FieldError

func wrong(at, code, format string, args ...any) []FieldError {
	return []FieldError{{Pointer: at, Code: code, Detail: fmt.Sprintf(format, args...)}}
}

// object takes exactly the fields named, all of required among them.
func object(required []string, fields map[string]rule) rule {
	names := slices.Sorted(maps.Keys(fields))
	return func(v any, at string) []FieldError {
		m, ok := v.(map[string]any)
		if !ok {
			return wrong(at, "type", "want an object, got %s", kindOf(v))
		}
		var errs []FieldError
		for _, name := range required {
			if _, ok := m[name]; !ok {
				errs = append(errs, wrong(child(at, name), "required", "%s is required", name)...)
			}
		}
		for _, name := range names {
			if value, ok := m[name]; ok {
				errs = append(errs, fields[name](value, child(at, name))...)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if _, known := fields[name]; !known {
				errs = append(errs, wrong(child(at, name), "unknown_field", "no field is called %q", name)...)
			}
		}
		return errs
	}
}

func array(least, most int, item rule) rule {
	return func(v any, at string) []FieldError {
		list, ok := v.([]any)
		switch {
		case !ok:
			return wrong(at, "type", "want an array, got %s", kindOf(v))
		case len(list) < least:
			return wrong(at, "too_few", "want at least %d, got %d", least, len(list))
		case len(list) > most:
			return wrong(at, "too_many", "want at most %d, got %d", most, len(list))
		}
		var errs []FieldError
		for i, value := range list {
			errs = append(errs, item(value, child(at, strconv.Itoa(i)))...)
		}
		return errs
	}
}

// text takes a string of least to most characters; most 0 sets no bound.
func text(least, most int) rule {
	return func(v any, at string) []FieldError {
		s, ok := v.(string)
		n := utf8.RuneCountInString(s)
		switch {
		case !ok:
			return wrong(at, "type", "want a string, got %s", kindOf(v))
		case n < least:
			return wrong(at, "too_short", "want at least %d character(s), got %d", least, n)
		case most > 0 && n > most:
			return wrong(at, "too_long", "want at most %d characters, got %d", most, n)
		}
		return nil
	}
}

func matching(pattern *regexp.Regexp) rule {
	return textThat("pattern", "want "+pattern.String(), pattern.MatchString)
}

func oneOf(words ...string) rule {
	return textThat("enum", "want one of "+strings.Join(words, ", "), func(s string) bool {
		return slices.Contains(words, s)
	})
}

// dateTime takes RFC 3339. Go's own parser is laxer by one thing: a comma before the fraction.
func dateTime() rule {
	return textThat("format", "want a date-time of RFC 3339", func(s string) bool {
		_, err := time.Parse(time.RFC3339, s)
		return err == nil && !strings.Contains(s, ",")
	})
}

func absoluteURI() rule {
	return textThat("format", "want an absolute URI", func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && u.IsAbs()
	})
}

func textThat(code, want string, ok func(string) bool) rule {
	return func(v any, at string) []FieldError {
		s, isText := v.(string)
		if !isText {
			return wrong(at, "type", "want a string, got %s", kindOf(v))
		}
		if !ok(s) {
			return wrong(at, code, "%s", want)
		}
		return nil
	}
}

func boolean() rule {
	return func(v any, at string) []FieldError {
		if _, ok := v.(bool); !ok {
			return wrong(at, "type", "want true or false, got %s", kindOf(v))
		}
		return nil
	}
}

func anything() rule { return func(any, string) []FieldError { return nil } }

func nullable(r rule) rule {
	return func(v any, at string) []FieldError {
		if v == nil {
			return nil
		}
		return r(v, at)
	}
}

// child is the JSON Pointer of a field or element (RFC 6901).
func child(at, name string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	default:
		return "a number"
	}
}
