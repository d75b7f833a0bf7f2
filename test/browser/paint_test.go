package browser

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness/service"
)

// paintWithin is the product's promise for the overview on loopback.
const paintWithin = 1000 * time.Millisecond

// TestFirstPaint says how long pages take until something is to be seen. It runs
// alone; the best of a few is taken, since the machine is not the test's own.
func TestFirstPaint(t *testing.T) {
	w := tour.Start(t)
	tour.Realistic(w, 60)
	in, err := w.Admin.CreateInstallation(t.Context(), service.Create())
	if err != nil {
		t.Fatal(err)
	}
	w.Until(in.ID, "live", 60*time.Second, func(in v1.Installation) bool { return in.State == v1.StateLive })
	w.Quiesce(in.ID)
	p := tab(t, w, chrome.Options{})
	logIn(p)
	for _, page := range []string{"", "/records", "/activity", "/dead-letters", "/replay", "/settings"} {
		best := time.Duration(0)
		for range 3 {
			p.Open(at(in, page))
			ms := chrome.Eval[float64](p, firstPaint)
			if took := time.Duration(ms * float64(time.Millisecond)); best == 0 || took < best {
				best = took
			}
		}
		t.Logf("%-14s first contentful paint after %s", page, best.Round(time.Millisecond))
		if page == "" && best >= paintWithin {
			t.Errorf("the overview is to be seen after %s, want less than %s", best, paintWithin)
		}
	}
}

// firstPaint waits for the first contentful paint, and is its time in milliseconds.
const firstPaint = `new Promise((resolve) => new PerformanceObserver((list) => {
	for (const e of list.getEntries()) if (e.name === "first-contentful-paint") resolve(e.startTime);
}).observe({type: "paint", buffered: true}))`
