package v1

import (
	"testing"
	"time"
)

func TestPartsFreshnessIsSaidAsPeopleDo(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	for want, p := range map[string]PartsFreshness{
		"services and units not compared yet; each contract about every 1 h": {EverySeconds: 3600},
		"services and units compared within the last 2 h 10 min, next within 1 min; each contract about every 2 h 11 min": {
			ComparedSince: ago(2*time.Hour + 9*time.Minute + time.Second), NextAt: ago(-time.Minute), EverySeconds: 131 * 60,
		},
		"services and units compared within the last 3 min, next within 57 min; each contract about every 1 h": {
			ComparedSince: ago(3 * time.Minute), NextAt: ago(-57 * time.Minute), EverySeconds: 3600,
		},
		"services and units compared within the last 2 h, next now; each contract about every 1 h": {
			ComparedSince: ago(2 * time.Hour), NextAt: ago(time.Hour), EverySeconds: 3600,
		},
		"services and units compared within the last 1 s, next within 5 s; each contract about every 5 s": {
			ComparedSince: ago(-time.Second), NextAt: ago(-4500 * time.Millisecond), EverySeconds: 5,
		},
	} {
		if got := p.Sentence(now); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
