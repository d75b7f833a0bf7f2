package control

import (
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

// The end of a day was an hour off where daylight saving begins or ends at midnight.
func TestTheEndOfADayWhereMidnightIsLeftOutOrComesTwice(t *testing.T) {
	for _, one := range []struct{ zone, day, want string }{
		{"America/Santiago", "2026-09-05", "2026-09-06T03:59:59.999999999Z"},
		{"America/Santiago", "2026-04-04", "2026-04-05T03:59:59.999999999Z"},
		{"Africa/Cairo", "2026-04-23", "2026-04-23T21:59:59.999999999Z"},
		{"Africa/Cairo", "2026-04-24", "2026-04-24T20:59:59.999999999Z"},
		{"America/Havana", "2026-03-07", "2026-03-08T04:59:59.999999999Z"},
		{"America/Havana", "2026-03-08", "2026-03-09T03:59:59.999999999Z"},
		{"Asia/Beirut", "2026-03-28", "2026-03-28T21:59:59.999999999Z"},
		{"Asia/Beirut", "2026-03-29", "2026-03-29T20:59:59.999999999Z"},
		{"Europe/Berlin", "2026-10-25", "2026-10-25T22:59:59.999999999Z"},
		{"", "2026-02-28", "2026-02-28T23:59:59.999999999Z"},
	} {
		m := &Manager{Config: Config{Now: func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }}}
		at, err := m.instant(v1.Options{TimeZone: one.zone}, one.day)
		if got := at.UTC().Format(time.RFC3339Nano); err != nil || got != one.want {
			t.Errorf("%s %s: got %s, %v, want %s", one.zone, one.day, got, err, one.want)
		}
	}
}

// What was answered said nothing of edits that an ordinary push overwrote unread, and times in the
// hour that comes twice were ambiguous.
func TestWhatWasHeldSaysWhatItCannotKnow(t *testing.T) {
	at := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	zone := v1.Options{TimeZone: "Europe/Berlin"}.Zone()
	e := &ledger.Entry{Projection: []byte(`{"name":"Northwind"}`), Version: &ledger.Version{Number: 1, At: at, Kind: v1.VersionSent}}
	h := heldText{at: at.Add(time.Minute), zone: zone, kept: e.Versions(), entry: e, in: &installation.Installation{}}
	for _, want := range []string{"An edit made there is known only if", "25 October 2026 at 02:30:00 +02:00"} {
		if got, _ := h.version(0); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}
