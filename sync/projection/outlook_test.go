package projection_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
	"channelsync/test/harness"
)

func TestLookAhead(t *testing.T) {
	until := func(day string) change { return func(p *projection.ContractParts) { p.Contract.EndDate = date(day) } }
	over := func(vendor int64, units, cost, from, to string) change {
		return row(1, mail, units, cost, from, to, vendorUnit(vendor))
	}
	rows := []struct {
		because                string
		parts                  []change
		changes, ends, charges string
	}{
		{"a row that costs another amount begins tomorrow", []change{
			option("monthly"), over(contoso, "1", "1", "2026-05-01", "2026-05-31"), over(contoso, "1", "2", "2026-06-01", "2026-06-30"),
		}, "2026-06-01", "", ""},
		{"the same amount goes on", []change{
			option("monthly"), over(contoso, "1", "1", "2026-05-01", "2026-05-31"), over(contoso, "1", "1", "2026-06-01", "2026-06-30"),
		}, "", "", ""},
		{"the overall cost is that of all rows on every day", []change{
			over(contoso, "1", "1", "2026-05-01", "2026-05-31"), over(contoso, "1", "2", "2026-06-01", "2026-06-30"),
		}, "", "", ""},
		{"another vendor begins tomorrow", []change{
			over(contoso, "1", "1", "2026-05-01", "2026-05-31"), over(fabrikam, "1", "1", "2026-06-01", "2026-06-30"),
		}, "2026-06-01", "", ""},
		{"what changes later than it is looked", []change{
			on("2026-05-10"), option("monthly"),
			over(contoso, "1", "1", "2026-05-01", "2026-05-31"), over(contoso, "1", "2", "2026-06-01", "2026-06-30"),
		}, "", "", ""},
		{"the contract's own end is later than its rows'", []change{
			until("2026-12-31"), over(contoso, "2", "1", "2026-05-01", "2026-06-30"),
		}, "", "2026-12-31", ""},
		{"a row is in force after the contract's end", []change{
			until("2026-05-20"), over(contoso, "2", "1", "2026-05-01", "2026-06-30"),
		}, "", "2026-06-30", ""},
		{"a row of no units is not", []change{
			until("2026-05-20"), over(contoso, "0", "1", "2026-05-01", "2026-06-30"),
		}, "", "2026-05-20", "count"},
		{"a row without an end is for ever", []change{
			until("2026-05-20"), over(contoso, "2", "1", "2026-05-01", ""),
		}, "", "", ""},
		{"charges beside a vendor and a cost of rows", []change{over(contoso, "1", "1", "2026-05-01", "2026-06-30"), charge(licence, "5")}, "", "", ""},
		{"charges that give the cost", []change{charge(licence, "5")}, "", "", "count"},
		{"charges that there might be", []change{contractType(3)}, "", "", "count"},
	}
	for _, row := range rows {
		t.Run(row.because, func(t *testing.T) {
			p := recurring(append([]change{on("2026-05-31")}, row.parts...)...)
			out, err := projection.Contract(p)
			harness.OK(t, err)
			got := projection.Lookahead(p, out, 14)
			if !got.Changes.Equal(date(row.changes)) || !got.Ends.Equal(date(row.ends)) || got.Charges != (row.charges != "") {
				t.Errorf("got %+v, want %q, %q, %q", got, row.changes, row.ends, row.charges)
			}
		})
	}
}

// TestNothingChangesBeforeItIsSaidTo: until the day that is named every day gives the
// same, and that day something else; charges that do not count may be anything.
func TestNothingChangesBeforeItIsSaidTo(t *testing.T) {
	const days = 30
	rapid.Check(t, func(t *rapid.T) {
		p := anyContract(t)
		out, err := projection.Contract(p)
		harness.OK(t, err)
		got := projection.Lookahead(p, out, days)
		for i := range days {
			then := p
			then.Today = date(p.Today.UTC().Format(time.DateOnly)).AddDate(0, 0, i+1)
			other, err := projection.Contract(then)
			harness.OK(t, err)
			changed := other.Fingerprint != out.Fingerprint
			if said := then.Today.Equal(got.Changes); changed != said {
				t.Fatalf("on %s it changes: %v; said to on %s", then.Today, changed, got.Changes)
			}
			if changed {
				break
			}
		}
		if got.Charges {
			return
		}
		p.Charges = []autotask.ContractCharge{{ID: 9, ProductID: ptr(int64(licence)), ExtendedCost: ptr(decimal.NewFromInt(777)), BillableAmount: ptr(decimal.NewFromInt(777))}}
		other, err := projection.Contract(p)
		if err != nil || other.Fingerprint != out.Fingerprint {
			t.Fatalf("charges change it, %v", err)
		}
	})
}

// TestCountsAllRows: where it does not, rows of years ahead change nothing.
func TestCountsAllRows(t *testing.T) {
	for option, want := range map[string]bool{"": true, "auto": true, "price": true, "monthly": false, "annual": false} {
		for contractType, recurs := range map[int64]bool{7: true, 1: false, 3: false} {
			got := projection.CountsAllRows(v1.Options{OverallCost: option}, autotask.Contract{ContractType: contractType})
			if got != (want && recurs) {
				t.Errorf("option %q on type %d: %v", option, contractType, got)
			}
		}
	}
}
