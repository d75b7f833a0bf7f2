package ledger

import (
	"context"
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

// Counts counts the records of a kind by outcome.
func (l *Ledger) Counts(ctx context.Context, installation string, kind v1.Kind) (v1.Counts, error) {
	d, err := l.Digest(ctx, installation)
	if err != nil {
		return v1.Counts{}, err
	}
	return d.Counts[kind], nil
}

// TestADigestIsWorkedOutWhenAnEntryHasChanged: lists of many installations ask for it again and
// again, and must neither scan all records for it nor show what was.
func TestADigestIsWorkedOutWhenAnEntryHasChanged(t *testing.T) {
	l := open(t).ledger()
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	write(t, l,
		&Entry{Kind: v1.KindCompany, ID: 1, Outcome: v1.OutcomePushed, InScope: true, ReconciledAt: at},
		&Entry{Kind: v1.KindCompany, ID: 2, Outcome: v1.OutcomeWaiting, InScope: true, ReconciledAt: at},
		&Entry{Kind: v1.KindCompany, ID: 3, Outcome: v1.OutcomeDead, InScope: true, ReconciledAt: at, Reasons: []string{"rejected"}},
		&Entry{Kind: v1.KindContract, ID: 4, Outcome: v1.OutcomeUnchanged, InScope: true, ReconciledAt: at, Drifts: []Drift{
			{State: v1.DriftReverted, FoundAt: at.Add(-DriftKept)}, {State: v1.DriftOpen, FoundAt: at},
		}},
		&Entry{Kind: v1.KindContract, ID: 5, Outcome: v1.OutcomeNotMet, ReconciledAt: at, Notes: []string{"left_over"}},
	)
	first := must[*Digest](t)(l.Digest(t.Context(), inst))
	if c := first.Counts[v1.KindCompany]; c != (v1.Counts{InScope: 3, Pushed: 1, Failed: 1}) {
		t.Errorf("companies: %+v", c)
	}
	if c := first.Counts[v1.KindContract]; c != (v1.Counts{InScope: 1, Unchanged: 1, NotMet: 1}) {
		t.Errorf("contracts: %+v", c)
	}
	if first.Waiting != 1 || len(first.Telling) != 1 || first.Telling[0].Kind != v1.KindCompany || first.Telling[0].ID != 3 {
		t.Errorf("%d wait, and there are issues of %+v", first.Waiting, first.Telling)
	}
	if d := first.Drift(at); d != (v1.DriftCounts{Open: 1, Reverted: 1}) {
		t.Errorf("drift: %+v", d)
	}
	if d := first.Drift(at.Add(time.Hour)); d != (v1.DriftCounts{Open: 1}) {
		t.Errorf("drift, an hour later: %+v", d)
	}
	if again := must[*Digest](t)(l.Digest(t.Context(), inst)); again != first {
		t.Error("nothing has changed, and it is worked out again")
	}
	write(t, l, &Entry{Kind: v1.KindCompany, ID: 3, Outcome: v1.OutcomePushed, InScope: true, ReconciledAt: at})
	second := must[*Digest](t)(l.Digest(t.Context(), inst))
	if c := second.Counts[v1.KindCompany]; c != (v1.Counts{InScope: 3, Pushed: 2}) || len(second.Telling) != 0 {
		t.Errorf("after a change: %+v, %+v", c, second.Telling)
	}
	if len(first.Telling) != 1 {
		t.Error("what others read is changed under their hands")
	}
}
