package v1_test

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

func TestTodayIsTheTenantsCalendarDay(t *testing.T) {
	for _, row := range []struct{ because, zone, now, want string }{
		{"without a zone it is UTC's", "", "2026-11-30T23:59:59Z", "2026-11-30"},
		{"from midnight UTC on", "", "2026-12-01T00:00:00Z", "2026-12-01"},
		{"in Sydney it is tomorrow already", "Australia/Sydney", "2026-11-30T13:00:00Z", "2026-12-01"},
		{"but not an hour earlier", "Australia/Sydney", "2026-11-30T12:59:59Z", "2026-11-30"},
		{"in New York it is still yesterday", "America/New_York", "2026-12-01T04:59:59Z", "2026-11-30"},
		{"until its midnight", "America/New_York", "2026-12-01T05:00:00Z", "2026-12-01"},
		{"with daylight saving that is an hour earlier", "America/New_York", "2026-07-01T04:00:00Z", "2026-07-01"},
		{"the zone in which the time is told says nothing", "", "2026-12-01T05:00:00+06:00", "2026-11-30"},
		{"a zone that is gone counts as UTC", "Atlantis/Poseidonis", "2026-11-30T23:59:59Z", "2026-11-30"},
	} {
		now, err := time.Parse(time.RFC3339, row.now)
		if err != nil {
			t.Fatal(err)
		}
		got := v1.Options{TimeZone: row.zone}.Today(now)
		if want := row.want + "T00:00:00Z"; got.Format(time.RFC3339) != want {
			t.Errorf("%s: %s, want %s", row.because, got.Format(time.RFC3339), want)
		}
	}
}
