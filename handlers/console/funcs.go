package console

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// funcs are what the templates can call.
func (c *Console) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":          c.assets.path,
		"ago":            func(t any) template.HTML { return timeTag(t, c.now()) },
		"clock":          clock,
		"num":            num,
		"count":          count,
		"secs":           secs,
		"millis":         func(ms int64) string { return secs(float64(ms) / 1000) },
		"percent":        percent,
		"phrase":         phrase,
		"query":          url.QueryEscape,
		"add":            func(a, b int) int { return a + b },
		"state":          stateWord,
		"outcome":        outcomeWord,
		"trigger":        triggerWord,
		"reason":         reasonWord,
		"sync":           syncWords,
		"syncs":          func() []v1.Sync { return v1.Syncs },
		"fieldWord":      fieldWord,
		"entity":         entityWord,
		"kind":           kindWord,
		"headline":       func(in *v1.Installation) headline { return headlineOf(in, c.now()) },
		"partsFreshness": func(p *v1.PartsFreshness) string { return sentence(capital(p.Sentence(c.now()))) },
		"dict":           dict,
		"fieldID":        fieldID,
		"fieldName":      fieldName,
		"checkName":      checkName,
		"jobName":        jobName,
		"jobWord":        jobWord,
		"syncCards":      func(in v1.Installation) []syncCard { return syncCards(&in) },
		"pretty":         pretty,
		"timeZones":      v1.TimeZones, "overallCostChoices": overallCostChoices, "contractStatusChoices": contractStatusChoices,
		"checkTone": checkTone, "checkMeans": checkMeans, "checkDetail": checkDetail, "capital": capital,
		"errorAt":      errorAt,
		"emailChoices": emailChoices, "outOfScopeChoices": outOfScopeChoices,
	}
}

// errorAt is what is wrong with a field of a form; empty when nothing is.
func errorAt(p *v1.Problem, field string) string {
	if p == nil {
		return ""
	}
	for _, e := range p.Errors {
		if fieldID(e.Pointer) == field {
			return sentence(capital(e.Detail))
		}
	}
	return ""
}

// dict makes a map of its arguments, for a template that needs several.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: got %d arguments, want pairs", len(pairs))
	}
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: got %T as a key, want a string", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

// timeTag shows a time as people say it, with the exact one on the hover.
func timeTag(v any, now time.Time) template.HTML {
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
		t.Format(time.RFC3339), clock(t), relative(t, now)))
}

// clock is a time to the second, with its zone.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

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
		return count(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour")
	default:
		return count(int(d.Hours()/24), "day")
	}
}

// num writes a number with commas between the thousands.
func num(n any) string {
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

// count writes how many of something there are: "1 record", "2,000 records",
// "3 companies".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.HasSuffix(stem, "a") { // company, but day
		return num(n) + " " + stem + "ies"
	}
	return num(n) + " " + noun + "s"
}

// secs writes a duration given in seconds; nil, or a nil pointer, is a dash.
func secs(v any) string {
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

// phrase makes one phrase of a list: only its first part keeps its capital.
func phrase(parts []string, between string) string {
	out := slices.Clone(parts)
	for i := 1; i < len(out); i++ {
		out[i] = lower(out[i])
	}
	return strings.Join(out, between)
}

// percent is part of total as a whole number of percent; 0 of nothing is 0.
func percent(part, total int) int {
	if total <= 0 {
		return 0
	}
	return min(100, part*100/total)
}

// pretty indents JSON for reading; what is not JSON stays as it is.
func pretty(raw json.RawMessage) string {
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
