package ledger

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

// TestAnIssueIsSinceItWasFirstFound: as long as the same is found again, also by a process
// that was started since, and of entries that a former version wrote.
func TestAnIssueIsSinceItWasFirstFound(t *testing.T) {
	noted := func(codes ...string) Entry {
		return Entry{Kind: v1.KindContract, ID: 9, Outcome: v1.OutcomePushed, InScope: true, Notes: codes}
	}
	failed := func(code string) Entry {
		e := noted("cost_unknown")
		e.Outcome, e.Reasons = v1.OutcomeRetrying, []string{code}
		return e
	}
	left := noted("cost_unknown")
	left.Outcome, left.InScope, left.Reasons = v1.OutcomeNotMet, false, []string{v1.ReasonStatusInactive}
	old, oldFailed := noted("cost_unknown"), failed("rejected")
	old.ReconciledAt, oldFailed.ReconciledAt, oldFailed.FirstFailed = at, at.Add(time.Minute), at
	for name, c := range map[string]struct {
		steps []Entry // an hour apart
		code  string
		hours int // after the first step
	}{
		"found again":                        {[]Entry{noted("cost_unknown"), noted("cost_unknown"), noted("cost_unknown")}, "cost_unknown", 0},
		"found beside another":               {[]Entry{noted("cost_unknown"), noted("vendor_name_unknown", "cost_unknown")}, "cost_unknown", 0},
		"another was there before":           {[]Entry{noted("vendor_name_unknown"), noted("cost_unknown")}, "cost_unknown", 1},
		"gone in between":                    {[]Entry{noted("cost_unknown"), noted(), noted("cost_unknown")}, "cost_unknown", 2},
		"out of scope in between":            {[]Entry{noted("cost_unknown"), left, noted("cost_unknown")}, "cost_unknown", 2},
		"could not be looked at":             {[]Entry{noted("cost_unknown"), failed("rejected"), noted("cost_unknown")}, "cost_unknown", 0},
		"a failure":                          {[]Entry{failed("rejected"), failed("rejected")}, "rejected", 0},
		"another failure":                    {[]Entry{failed("rejected"), failed("row_unreadable")}, "row_unreadable", 1},
		"told by a former version":           {[]Entry{old, noted("cost_unknown")}, "cost_unknown", 0},
		"a failure told by a former version": {[]Entry{oldFailed, failed("rejected")}, "rejected", 0},
		"of a former version alone":          {[]Entry{oldFailed}, "rejected", 0},
	} {
		p, before := open(t), &Entry{}
		for i := range c.steps {
			e := c.steps[i]
			if e.ReconciledAt.IsZero() { // else an entry as it was written
				e.ReconciledAt = at.Add(time.Duration(i) * time.Hour)
				e.Found(before, e.ReconciledAt)
			}
			write(t, p.ledger(), &e)
			before = must[map[int64]*Entry](t)(p.ledger().Read(t.Context(), inst, v1.KindContract, []int64{9}))[9]
		}
		var got time.Time
		must[[]int64](t)(p.ledger().Find(t.Context(), inst, v1.KindContract, func(s Summary) bool {
			got = s.Since(c.code)
			return false
		}))
		if want := at.Add(time.Duration(c.hours) * time.Hour); !got.Equal(want) {
			t.Errorf("%s: since %s, want %s", name, got, want)
		}
	}
}
