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
		{"14 hours ahead it is tomorrow from 10 o'clock on", "Pacific/Kiritimati", "2026-11-30T10:00:00Z", "2026-12-01"},
		{"11 hours behind it is yesterday until 11", "Pacific/Pago_Pago", "2026-12-01T10:59:59Z", "2026-11-30"},
		{"a day of 23 hours ends an hour earlier", "Europe/Berlin", "2026-03-29T22:00:00Z", "2026-03-30"},
		{"a day of 25 hours an hour later", "Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25"},
		{"a day that begins at one o'clock", "America/Santiago", "2026-09-06T04:00:00Z", "2026-09-06"},
		{"comes after its eve all the same", "America/Santiago", "2026-09-06T03:59:59Z", "2026-09-05"},
		{"on a leap day", "Australia/Sydney", "2028-02-28T13:00:00Z", "2028-02-29"},
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
