package projection_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
)

// shown is what is said of a contract's lines, as people read it.
func shown(l v1.ContractLines) []string {
	var out []string
	for _, one := range l.Lines {
		bullet := "- "
		if one.InForce {
			bullet = "+ "
		}
		text := fmt.Sprintf("%s%s %d: %s", bullet, one.Name, one.ID, one.Reason)
		if one.Row != nil {
			text += fmt.Sprintf(" (row %d)", one.Row.ID)
		}
		out = append(out, text)
		for _, p := range one.PassedOver {
			rows := fmt.Sprintf("row %d", p.ID)
			if p.ID == 0 {
				rows = fmt.Sprintf("%d rows", p.Rows)
			}
			out = append(out, "    "+rows+": "+p.Reason)
		}
	}
	return out
}

// TestEachLineSaysWhyItIsInForceOrNot: a finance person must see which rows count, and why others do not.
func TestEachLineSaysWhyItIsInForceOrNot(t *testing.T) {
	for _, c := range []struct {
		because string
		parts   []change
		day     string
		want    []string
	}{
		{
			"a line in the middle of its rows", append([]change{line(1, mail, "10")}, months(1, mail, "10", "100", "2026-04-01", 5)...), "15 June 2026 is today",
			[]string{
				"+ Mail 1: in force with 10 units from 1 June 2026 to 30 June 2026 (row 1002)",
				"    row 1001: ended on 31 May 2026", "    1 rows: ended before that",
				"    row 1003: starts on 1 July 2026", "    1 rows: starts after that",
			},
		},
		{
			"on the day of an adjustment",
			[]change{line(1, mail, "10"), row(1, mail, "10", "50", "2026-06-01", "2026-06-15"), row(1, mail, "12", "60", "2026-06-15", "2026-06-30")},
			"15 June 2026 is today",
			[]string{
				"+ Mail 1: in force with 12 units from 15 June 2026 to 30 June 2026 (row 1001)",
				"    row 1000: ended by the adjustment of 15 June 2026",
			},
		},
		{
			"after an adjustment",
			[]change{on("2026-06-20"), line(1, mail, "10"), row(1, mail, "10", "50", "2026-06-01", "2026-06-16"), row(1, mail, "12", "60", "2026-06-16", "2026-06-30")},
			"20 June 2026 is today",
			[]string{
				"+ Mail 1: in force with 12 units from 16 June 2026 to 30 June 2026 (row 1001)",
				"    row 1000: ended by the adjustment of 16 June 2026",
			},
		},
		{
			"rows that overlap otherwise",
			[]change{
				line(1, mail, "10"), row(1, mail, "1", "10", "2026-06-01", "2026-06-30"), row(1, mail, "2", "20", "2026-06-10", "2026-06-30"),
				row(1, mail, "3", "30", "2026-06-10", "2026-06-30"), row(1, mail, "3", "30", "2026-06-12", "2026-06-11"),
			},
			"15 June 2026 is today",
			[]string{
				"+ Mail 1: in force with 3 units from 10 June 2026 to 30 June 2026 (row 1002)",
				"    row 1001: row 1002 starts on the same day and is newer", "    row 1000: row 1002 starts later, on 10 June 2026",
				"    row 1003: starts on 12 June 2026 and ends before that, on 11 June 2026: it covers no day",
			},
		},
		{
			"a line of no units, for some rows now",
			[]change{
				line(1, mail, "10"), row(1, mail, "1", "10", "2025-11-01", "2025-11-30"), row(1, mail, "0", "0", "2025-11-30", "2026-05-31"),
				row(1, mail, "0", "0", "2026-06-01", "2026-06-30"), row(1, mail, "0", "0", "2026-07-01", "2026-07-31"),
			},
			"15 June 2026 is today",
			[]string{
				"- Mail 1: no units since 30 November 2025 (row 1002)", "    row 1001: ended on 31 May 2026", "    1 rows: ended before that",
				"    row 1003: starts on 1 July 2026",
			},
		},
		{
			"lines without a row of the day",
			[]change{
				line(1, mail, "10"), row(1, mail, "1", "10", "2026-06-01", "2026-06-30"), line(2, backup, "20"), line(3, firewall, ""),
				row(3, firewall, "1", "120", "2025-01-01", "2025-12-31"), line(4, labour, ""), row(4, labour, "1", "50", "2027-01-01", "2027-06-30"),
				line(5, hosting, ""), row(5, hosting, "1", "5", "2026-05-01", "2026-05-31"), row(5, hosting, "1", "5", "2026-07-01", "2026-07-31"),
			},
			"15 June 2026 is today",
			[]string{
				"+ Mail 1: in force with 1 unit from 1 June 2026 to 30 June 2026 (row 1000)",
				"- service 3 3: no unit row since 31 December 2025", "    row 1001: ended on 31 December 2025",
				"- service 4 4: starts on 1 January 2027", "    row 1002: starts on 1 January 2027",
				"- service 7 5: no unit row between 31 May 2026 and 1 July 2026", "    row 1003: ended on 31 May 2026", "    row 1004: starts on 1 July 2026",
				"- service 2 2: has no unit row",
			},
		},
		{
			"an ended contract",
			[]change{row(1, mail, "1", "10", "2026-04-01", "2026-04-30")},
			"no unit row covers today, 15 June 2026, so the last day that one covered stands for it: 30 April 2026",
			[]string{"+ Mail 1: in force with 1 unit from 1 April 2026 to 30 April 2026 (row 1000)"},
		},
		{
			"one that has not begun",
			[]change{row(1, mail, "1", "10", "2026-07-01", "2026-07-31")},
			"no unit row covers today, 15 June 2026, or a day before, so the first day that one will cover stands for it: 1 July 2026",
			[]string{"+ Mail 1: in force with 1 unit from 1 July 2026 to 31 July 2026 (row 1000)"},
		},
		{
			"open rows and rows without a line",
			[]change{row(0, mail, "2.5", "25", "", ""), bundleRow(0, suite, "", "", "", "2026-06-30")},
			"15 June 2026 is today",
			[]string{"+ Mail 0: in force with 2.5 units (row 1000)", "- bundle 50 0: no units (row 2000)"},
		},
		{
			"a row that ends before it starts is of no day, whether past or to come",
			[]change{
				line(1, mail, "10"), row(1, mail, "1", "10", "2026-04-01", "2026-04-30"), row(1, mail, "1", "10", "2026-06-05", "2026-06-01"),
				line(5, hosting, ""), row(5, hosting, "1", "5", "2026-07-20", "2026-07-10"), row(5, hosting, "1", "5", "2026-07-21", "2026-07-10"),
			},
			"no unit row covers today, 15 June 2026, so the last day that one covered stands for it: 30 April 2026",
			[]string{
				"+ Mail 1: in force with 1 unit from 1 April 2026 to 30 April 2026 (row 1000)",
				"    row 1001: starts on 5 June 2026 and ends before that, on 1 June 2026: it covers no day",
				"- service 7 5: no unit row that covers a day: each ends before it starts",
				"    row 1002: starts on 20 July 2026 and ends before that, on 10 July 2026: it covers no day", "    1 rows: covers no day either",
			},
		},
		{
			"and gives no first day to come",
			[]change{row(1, mail, "1", "10", "2026-06-20", "2026-06-18"), row(1, mail, "1", "10", "2026-07-01", "2026-07-31")},
			"no unit row covers today, 15 June 2026, or a day before, so the first day that one will cover stands for it: 1 July 2026",
			[]string{
				"+ Mail 1: in force with 1 unit from 1 July 2026 to 31 July 2026 (row 1001)",
				"    row 1000: starts on 20 June 2026 and ends before that, on 18 June 2026: it covers no day",
			},
		},
		{
			"only such rows",
			[]change{row(1, mail, "1", "10", "2026-06-20", "2026-06-18")},
			"no unit row covers a day, so today stands for it: 15 June 2026",
			[]string{
				"- Mail 1: no unit row that covers a day: each ends before it starts",
				"    row 1000: starts on 20 June 2026 and ends before that, on 18 June 2026: it covers no day",
			},
		},
		{"a contract without unit rows", []change{line(1, mail, "10"), bundleLine(2, suite)}, "", []string{"- Mail 1: has no unit row", "- bundle 50 2: has no unit row"}},
	} {
		t.Run(c.because, func(t *testing.T) {
			got := project(t, append(c.parts, func(p *projection.ContractParts) {
				s := p.Catalogue[mail]
				s.Name = "Mail"
				p.Catalogue[mail] = s
			})...).Sources.Lines
			if diff := cmp.Diff(c.want, shown(got)); diff != "" {
				t.Errorf("difference (-want +got):\n%s", diff)
			}
			if got.Reason != c.day || got.Count != len(got.Lines) {
				t.Errorf("%q, %d lines, want %q", got.Reason, got.Count, c.day)
			}
		})
	}
}

func TestAUnitRowIsToldAsItStands(t *testing.T) {
	got := project(t, row(1, mail, "2.50", "25.0000", "2026-06-01", "")).Sources.Lines.Lines[0].Row
	want := &v1.UnitRow{Entity: "ContractServiceUnits", ID: 1000, Start: "2026-06-01", Units: "2.5", Cost: "25"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

// TestWhatIsKeptOfAContractHasBounds: 18,000 unit rows are no reason for a record that cannot be stored.
func TestWhatIsKeptOfAContractHasBounds(t *testing.T) {
	for name, parts := range map[string][]change{
		"many rows of one line": months(1, mail, "1", "10", "1900-01-01", 18_000/12),
		"many lines":            slices.Concat(manyLines(600), months(1, mail, "1", "10", "2020-01-01", 120)),
	} {
		for _, by := range []string{"auto", "monthly"} {
			got := project(t, append(parts, option(by))...)
			b, err := json.Marshal(got.Sources)
			if err != nil || len(b) > 64<<10 {
				t.Errorf("%s, %s: %d bytes, %v", name, by, len(b), err)
			}
			if lines := got.Sources.Lines; lines.Count < len(lines.Lines) || len(lines.Lines) > 50 {
				t.Errorf("%s, %s: %d of %d lines", name, by, len(lines.Lines), lines.Count)
			}
			if cost := got.Sources.Cost; cost.Count < len(cost.Rows) || len(cost.Rows) > 50 {
				t.Errorf("%s, %s: %d of %d rows", name, by, len(cost.Rows), cost.Count)
			}
		}
	}
}

func manyLines(n int) []change {
	var out []change
	for i := range int64(n) {
		out = append(out, unit(mail, 0, fmt.Sprint(i)))
	}
	return out
}
