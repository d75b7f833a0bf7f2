package lenient

import (
	"fmt"
	"strings"
	"time"
)

// timeLayouts are the forms seen in answers, callbacks and call-outs. Go takes a
// fraction of a second after any of them; a form without a zone is UTC, as the
// vendor stores all times (REST API Calls: date and time values).
var timeLayouts = [...]string{
	time.RFC3339,
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z07:00:00", // ticket call-outs write -04:00:00
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02",
}

// Time reads a time as the vendor writes it, into UTC. The empty text is
// the zero time, as a date that is not set comes as null or "". A time outside the years
// 0 to 9999, which only an offset can make, is an error: JSON cannot hold it.
func Time(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
				break
			}
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("read time: got %d characters, want the form 2006-01-02T15:04:05Z", len(text))
}

// Date reads the calendar day of a time as it is written, as midnight UTC; the
// empty text is the zero time.
func Date(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, true
	}
	if _, err := Time(text); err != nil {
		return time.Time{}, false
	}
	day, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)]) // every form begins with it
	return day, err == nil
}

// FormatTime writes a time as filters take it: UTC, milliseconds.
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
