package present

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// TimeTag shows a time as it is from now on, with the exact one on the hover and in what is
// copied. Where scripts run it keeps on being right, in the zone that the reader has chosen.
func TimeTag(v any, now time.Time) template.HTML {
	var t time.Time
	switch v := v.(type) {
	case time.Time:
		t = v
	case *time.Time:
		if v != nil {
			t = *v
		}
	}
	if t.IsZero() {
		return "never"
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, //nolint:gosec // nothing in it is anybody's text
		t.Format(time.RFC3339), Clock(t), elapsed(t, now)))
}

// ClockTag shows an exact time, in UTC where no scripts run.
func ClockTag(t time.Time) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-exact>%s</time>`, //nolint:gosec // nothing in it is anybody's text
		t.UTC().Format(time.RFC3339), Clock(t)))
}

// elapsed is relative with the seconds as they are. It is for what counts on: in a sentence, which stands as
// it was written, they would soon be wrong.
func elapsed(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d >= time.Second && d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s ago"
	case d <= -time.Second && d > -time.Minute:
		return "in " + strconv.Itoa(int(-d.Seconds())) + " s"
	}
	return relative(t, now)
}

// Clock is a time to the second, with its zone.
func Clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// relative says how long ago, or how soon, t is. It is calm: nothing below a
// minute is counted.
func relative(t, now time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		if -d < time.Minute {
			return "in less than a minute"
		}
		return "in " + span(-d)
	}
	switch {
	case d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return "less than a minute ago"
	default:
		return span(d) + " ago"
	}
}

func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return Count(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return Count(int(d.Hours()), "hour")
	default:
		return Count(int(d.Hours()/24), "day")
	}
}

// Num writes a number with commas between the thousands.
func Num(n any) string {
	text := fmt.Sprint(n)
	digits := strings.TrimPrefix(text, "-")
	if strings.Trim(digits, "0123456789") != "" {
		return text
	}
	var out strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(r)
	}
	return strings.TrimSuffix(text, digits) + out.String()
}

// Count writes how many of something there are: "1 record", "2,000 records",
// "3 companies".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.HasSuffix(stem, "a") { // company, but day
		return Num(n) + " " + stem + "ies"
	}
	return Num(n) + " " + noun + "s"
}

// Secs writes a duration given in seconds; nil, or a nil pointer, is a dash.
func Secs(v any) string {
	var s float64
	switch v := v.(type) {
	case float64:
		s = v
	case *float64:
		if v == nil {
			return "–"
		}
		s = *v
	default:
		return "–"
	}
	switch {
	case s < 0.995:
		return strconv.FormatFloat(math.Round(s*1000), 'f', 0, 64) + " ms"
	case s < 60:
		return strconv.FormatFloat(s, 'f', 1, 64) + " s"
	case s < 3600:
		return strconv.FormatFloat(s/60, 'f', 0, 64) + " min"
	default:
		return strconv.FormatFloat(s/3600, 'f', 1, 64) + " h"
	}
}

// Phrase makes one phrase of a list: only its first part keeps its capital.
func Phrase(parts []string, between string) string {
	out := slices.Clone(parts)
	for i := 1; i < len(out); i++ {
		out[i] = Lower(out[i])
	}
	return strings.Join(out, between)
}

// Percent is part of total as a whole number of percent; 0 of nothing is 0.
func Percent(part, total int) int {
	if total <= 0 {
		return 0
	}
	return min(100, part*100/total)
}

// Pretty indents JSON for reading; what is not JSON stays as it is.
func Pretty(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return string(raw)
	}
	return string(b)
}

// Sentence ends a text with a full stop.
func Sentence(s string) string {
	if s == "" {
		return ""
	}
	switch s[len(s)-1] {
	case '.', '!', '?':
		return s
	}
	return s + "."
}

// Lower makes a title the second half of a sentence; the vendors keep their capitals.
func Lower(s string) string {
	if s == "" || strings.HasPrefix(s, "Autotask") || strings.HasPrefix(s, "Channel Program") {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// Cut shortens a text to at most n characters.
func Cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// Capital begins a text with a Capital letter.
func Capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
