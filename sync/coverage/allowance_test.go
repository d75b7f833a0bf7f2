package coverage

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAllowanceWaitsForItsWindow(t *testing.T) {
	var a Allowance
	for range 200 {
		if wait := a.Take(noon, 200, time.Hour); wait != 0 {
			t.Fatalf("waits %s", wait)
		}
	}
	if wait := a.Take(minute(10), 200, time.Hour); wait != 51*time.Minute {
		t.Errorf("waits %s, want until the first minute has left the hour", wait)
	}
	if wait := a.Take(minute(61), 200, time.Hour); wait != 0 {
		t.Errorf("waits %s after its hour", wait)
	}
}

// TestWhatIsToBeSentIsCountedBefore: what a crash would forget is in what was stored.
func TestWhatIsToBeSentIsCountedBefore(t *testing.T) {
	var a Allowance
	a.Take(noon, 200, time.Hour)
	stored := a.With(noon, 199, time.Hour)
	if wait := stored.Take(noon, 200, time.Hour); wait == 0 {
		t.Error("a crash gives the requests back")
	}
	if wait := a.Take(noon, 200, time.Hour); wait != 0 {
		t.Errorf("without a crash it waits %s", wait)
	}
}

// TestAClockThatIsSetBackStopsNothingForEver: requests that seem to lie far ahead are forgotten.
func TestAClockThatIsSetBackStopsNothingForEver(t *testing.T) {
	var a Allowance
	for range 200 {
		a.Take(noon.Add(48*time.Hour), 200, time.Hour)
	}
	if wait := a.Take(noon, 200, time.Hour); wait != 0 {
		t.Errorf("waits %s", wait)
	}
}

// TestNoWindowHasMoreThanTheLimit holds for every window, not only those that begin with a request.
func TestNoWindowHasMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.IntRange(1, 30).Draw(r, "limit")
		window := time.Duration(rapid.IntRange(1, 3600).Draw(r, "window")) * time.Second
		var a Allowance
		var sent []time.Time
		now := noon
		for range rapid.IntRange(1, 300).Draw(r, "tries") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(window/5)).Draw(r, "later")))
			wait := a.Take(now, limit, window)
			if wait < 0 || wait > window+window/steps {
				r.Fatalf("waits %s in a window of %s", wait, window)
			}
			if wait > 0 {
				now = now.Add(wait)
				if again := a.Take(now, limit, window); again != 0 {
					r.Fatalf("after the wait it waits %s more", again)
				}
			}
			sent = append(sent, now)
			if i := len(sent) - 1 - limit; i >= 0 && now.Sub(sent[i]) < window {
				r.Fatalf("%d requests within %s, want %d within %s", limit+1, now.Sub(sent[i]), limit, window)
			}
			if len(a.Used) > steps+2 {
				r.Fatalf("%d steps are kept", len(a.Used))
			}
		}
	})
}
