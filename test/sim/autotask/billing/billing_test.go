package billing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/billing"
)

func TestRows(t *testing.T) {
	for _, c := range []struct {
		why      string
		from, to string
		months   int
		rate     string
		want     []string
	}{
		{"whole months", "2026-01-01", "2026-02-28", 1, "10", []string{"2026-01-01 2026-01-31 20", "2026-02-01 2026-02-28 20"}},
		{
			"a line that begins on the 16th of a month of 30 days has half of it first", "2026-06-16", "2026-07-31", 1, "10",
			[]string{"2026-06-16 2026-06-30 10", "2026-07-01 2026-07-31 20"},
		},
		{
			"and a part of one last", "2026-05-01", "2026-06-12", 1, "10",
			[]string{"2026-05-01 2026-05-31 20", "2026-06-01 2026-06-12 8"},
		},
		{"a few days of one month", "2026-06-04", "2026-06-30", 1, "10", []string{"2026-06-04 2026-06-30 18"}},
		{"a yearly line that ends with its contract after three months", "2026-01-01", "2026-03-31", 12, "365", []string{"2026-01-01 2026-03-31 180"}},
		{
			"quarters begin with the line", "2026-01-16", "2026-07-15", 3, "10",
			[]string{"2026-01-16 2026-04-15 20", "2026-04-16 2026-07-15 20"},
		},
		{"a leap day is a day", "2028-02-01", "2028-02-29", 1, "10", []string{"2028-02-01 2028-02-29 20"}},
	} {
		t.Run(c.why, func(t *testing.T) {
			rate := decimal.RequireFromString(c.rate)
			var got []string
			for _, row := range billing.Rows(date(t, c.from), date(t, c.to), c.months, 2, billing.Rates{Cost: &rate}) {
				if row["price"] != nil {
					t.Errorf("a price that nobody tells is %v", row["price"])
				}
				got = append(got, fmt.Sprintf("%s %s %v", day(row["startDate"]), day(row["endDate"]), row["cost"]))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func date(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func day(v any) string { return v.(time.Time).Format(time.DateOnly) }
