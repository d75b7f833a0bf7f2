package lenient

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	second := time.Date(2016, 3, 30, 13, 10, 35, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                                     {},
		" ":                                    {},
		"2016-03-30T13:10:35Z":                 second,
		"2016-03-30T13:10:35":                  second,
		"2016-03-30T13:10:35.563":              second.Add(563 * time.Millisecond),
		"2016-03-30T13:10:35.1Z":               second.Add(100 * time.Millisecond),
		"2016-03-30T13:10:35.1234567Z":         second.Add(123456700),
		"2016-03-30T09:10:35.56300000-04:00":   second.Add(563 * time.Millisecond),
		"2016-03-30T09:10:35.5630000-04:00:00": second.Add(563 * time.Millisecond),
		"2016-03-30T09:10:35-0400":             second,
		"2016-03-30 13:10:35":                  second,
		"2016-03-30T13:10":                     second.Add(-35 * time.Second),
		"2016-03-30":                           second.Truncate(24 * time.Hour),
	} {
		if got, err := Time(text); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("Time(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "2016-13-30T13:10:35Z", "30.03.2016", "1459343435", "2016-03-30T25:00:00Z"} {
		if got, err := Time(text); err == nil {
			t.Errorf("Time(%q) = %s, want an error", text, got)
		}
	}
	if got := FormatTime(second.In(time.FixedZone("", 3600)).Add(563456789)); got != "2016-03-30T13:10:35.563Z" {
		t.Errorf("FormatTime = %s", got)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2016-03-30T13:10:35.563", "2016-03-30T09:10:35.56300000-04:00:00", "2016-03-30", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := Time(text)
		if err != nil {
			return
		}
		if again, err := Time(at.Format(time.RFC3339Nano)); err == nil && !again.Equal(at) {
			t.Fatalf("%q is %s, written again %s", text, at, again)
		}
	})
}
