package control

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

// TestWhatKeepsEverythingBackComesFirst: then what is about single records, then
// what is retried by itself.
func TestWhatKeepsEverythingBackComesFirst(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	list := sorted([]v1.Issue{
		{Code: "throttled", Severity: v1.SeverityRetrying, FirstAt: now.Add(-time.Hour)},
		{Code: "cost_unknown", Severity: v1.SeverityAct, Records: 6, FirstAt: now.Add(-2 * time.Minute)},
		{Code: "rejected", Severity: v1.SeverityAct, Records: 1, FirstAt: now.Add(-time.Minute)},
		{Code: "credentials_refused", Severity: v1.SeverityAct, FirstAt: now},
	})
	for i, want := range []string{"credentials_refused", "cost_unknown", "rejected", "throttled"} {
		if list[i].Code != want {
			t.Errorf("at %d: got %s, want %s", i, list[i].Code, want)
		}
	}
}
