package schema

import (
	"fmt"
	"strings"
	"time"
)

// ParseDate reads the date forms the vendor takes: yyyy-mm-dd, optionally with Thh:mm, :ss and up to seven digits of
// fraction (.NET ticks), optionally with Z or an offset. Without a zone it is UTC.
func ParseDate(text string) (time.Time, error) {
	if _, fraction, ok := strings.Cut(text, "."); ok {
		digits := len(fraction) - len(strings.TrimLeft(fraction, "0123456789"))
		if digits == 0 || digits > 7 {
			return time.Time{}, fmt.Errorf("parse date %q: %d digits of fraction, want 1 to 7", text, digits)
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("parse date %q: want yyyy-mm-ddThh:mm:ss.ms", text)
}

// formatDate writes a date as the vendor answers it: UTC, trailing zeros of the fraction cut, with or without Z.
func formatDate(t time.Time, zone bool) string {
	text := t.UTC().Format("2006-01-02T15:04:05.9999999")
	if zone {
		text += "Z"
	}
	return text
}

// Truncate cuts a time to what a column of the entity keeps: .NET ticks (100 ns), or milliseconds in the older tables.
func (e *Entity) Truncate(t time.Time) time.Time {
	if e.Zone {
		return t.UTC().Truncate(100 * time.Nanosecond)
	}
	return t.UTC().Truncate(time.Millisecond)
}
