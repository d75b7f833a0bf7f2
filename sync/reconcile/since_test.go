package reconcile

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestWhatIsFoundAgainIsNotNew: a resync, a sweep or an edit that finds the same does not
// say of an issue that it began just now, nor does a failure that begins a new series.
func TestWhatIsFoundAgainIsNotNew(t *testing.T) {
	b := newBench(t, setup{})
	company := b.customer("Northwind")
	id := b.contract(company, "Support")
	bad := b.customer("Unreadable")
	b.at.SetFault(spoil(bad, "isActive", `"maybe"`))
	b.batch(v1.KindContract, id)
	b.batch(v1.KindCompany, bad)
	noted, failed := b.entry(v1.KindContract, id), b.entry(v1.KindCompany, bad)
	if got := noted.Since["cost_unknown"]; !got.Equal(noted.ReconciledAt) {
		t.Fatalf("since %s, first found at %s", got, noted.ReconciledAt)
	}
	for attempt := range maxAttempts + 1 { // dead, and tried again
		b.clock.Add(12 * time.Hour)
		b.batch(v1.KindContract, id)
		b.retry(v1.KindCompany, bad)
		if got := b.entry(v1.KindContract, id); !got.Since["cost_unknown"].Equal(noted.ReconciledAt) || !got.ReconciledAt.After(noted.ReconciledAt) {
			t.Fatalf("since %v, first found at %s", got.Since, noted.ReconciledAt)
		}
		if got := b.entry(v1.KindCompany, bad); !got.Since["row_unreadable"].Equal(failed.Since["row_unreadable"]) {
			t.Fatalf("attempt %d: since %v, first failed at %s", attempt+2, got.Since, failed.ReconciledAt)
		}
	}
	b.edit("Contracts", id, atsim.Row{"estimatedCost": 5})
	b.batch(v1.KindContract, id)
	if at, still := b.entry(v1.KindContract, id).Since["cost_unknown"]; still {
		t.Errorf("mended, but since %s", at)
	}
}
