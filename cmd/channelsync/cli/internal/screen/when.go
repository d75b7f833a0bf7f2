package screen

import (
	"fmt"
	"time"
)

// When says a time as seen from now: "3m ago", "in 2h", "just now".
func When(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 0:
		if short := Short(-d); short != "0s" {
			return "in " + short
		}
		return "now"
	case d < 2*time.Second:
		return "just now"
	}
	return Short(d) + " ago"
}

// WhenPtr is When, or otherwise where there is no time.
func WhenPtr(now time.Time, t *time.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return When(now, *t)
}

// Short says a duration in its largest unit: 12s, 5m, 3h, 2d. Two of a unit are
// said in the smaller one, so that 90 minutes are not "1h".
func Short(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Seconds says a number of seconds as a person would: 0.4s, 12s, 5m.
func Seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", s)
	}
	return Short(d)
}
