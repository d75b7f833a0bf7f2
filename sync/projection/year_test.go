package projection_test

import (
	"testing"
	"time"

	"channelsync/sync/projection"
)

// yearOfAContract begins in the middle of January, is adjusted on 10 March and 20 August,
// loses a line on 16 July and is renewed on 1 December.
func yearOfAContract() []change {
	parts := []change{line(1, mail, "10"), line(2, backup, "20"), line(3, firewall, "120"), line(4, mail, "11")}
	month := func(of int64, units, cost, from, to string) {
		parts = append(parts, row(of, mail, units, cost, from, to))
	}
	month(1, "10", "51.6129", "2026-01-16", "2026-01-31") // 16 of 31 days
	month(1, "10", "100", "2026-02-01", "2026-02-28")
	month(1, "10", "32.2581", "2026-03-01", "2026-03-10") // adjusted: ends on the day on which the next one begins
	month(1, "12", "85.1613", "2026-03-10", "2026-03-31")
	parts = append(parts, months(1, mail, "12", "120", "2026-04-01", 4)...)
	month(1, "12", "77.4194", "2026-08-01", "2026-08-20")
	month(1, "8", "30.9677", "2026-08-20", "2026-08-31")
	parts = append(parts, months(1, mail, "8", "80", "2026-09-01", 3)...)
	parts = append(parts, months(4, mail, "8", "88", "2026-12-01", 2)...)
	return append(parts,
		row(2, backup, "3", "60", "2026-01-16", "2026-04-15"), row(2, backup, "3", "60", "2026-04-16", "2026-07-15"),
		row(2, backup, "0", "0", "2026-07-16", "2026-10-15"), row(2, backup, "0", "0", "2026-10-16", "2026-11-30"),
		row(3, firewall, "2", "240", "2026-01-16", "2027-01-15"))
}

// TestTheMonthJumpsOnlyWhenSomethingChanged goes through every day of a year: prorated
// rows, ends of months and days with two rows are no change.
func TestTheMonthJumpsOnlyWhenSomethingChanged(t *testing.T) {
	// 240 a year are 20 a month, 60 a quarter are 20 a month.
	want := []struct{ from, monthly, annual string }{
		{"2026-01-01", "140.00", "1680.00"}, // 100 + 20 + 20; before 16 January the first day stands for today
		{"2026-03-10", "160.00", "1920.00"}, // 120 + 20 + 20
		{"2026-07-16", "140.00", "1680.00"}, // 120 + 20
		{"2026-08-20", "100.00", "1200.00"}, // 80 + 20
		{"2026-12-01", "108.00", "1296.00"}, // 88 + 20
		{"2027-01-01", "108.00", "1296.00"},
	}
	at := 0
	for d := date(want[0].from); d.Before(date("2027-01-01")); d = d.AddDate(0, 0, 1) {
		day := d.Format(time.DateOnly)
		if day == want[at+1].from {
			at++
		}
		for by, amount := range map[string]string{"monthly": want[at].monthly, "annual": want[at].annual} {
			got := project(t, append(yearOfAContract(), on(day), option(by))...)
			if cost(got) != amount || got.Input.VendorName != "Adatum" {
				t.Errorf("%s on %s: %s of %s, want %s of Adatum", by, day, cost(got), got.Input.VendorName, amount)
			}
			p := recurring(append(yearOfAContract(), on(day), option(by))...)
			if next := projection.Lookahead(p, got, 366).Changes.Format(time.DateOnly); at < 4 && next != want[at+1].from {
				t.Errorf("%s on %s: it is due on %s, want %s", by, day, next, want[at+1].from)
			}
		}
	}
}
