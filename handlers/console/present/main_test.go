package present

import (
	"time"

	v1 "channelsync/api/v1"
)

// clockNow is what every test's clock shows.
func clockNow() time.Time { return time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC) }

// anInstallation is one whose last change is known.
func anInstallation() v1.Installation {
	last, at := 1.2, clockNow().Add(-3*time.Minute)
	return v1.Installation{Name: "Acme MSP", State: v1.StateLive, Freshness: v1.Freshness{LastSeconds: &last, LastAt: &at}}
}

func outcome(o v1.Outcome, pushed bool, reasons ...string) v1.FeedEvent {
	return v1.FeedEvent{Outcome: o, Pushed: pushed, Reasons: reasons}
}
