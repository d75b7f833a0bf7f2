package reconcile

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/internal/tracing"
	"channelsync/sync/ledger"
)

const (
	// leastMass departures are needed before a change counts as a mass change.
	leastMass = 10
	// massSpan is the time within which departures count together.
	massSpan = time.Hour
)

// departures remembers which records of a kind left the scope within massSpan, so
// that a mass change is one even when it comes in several batches. It counts
// records, not attempts: one that leaves again with every retry is one departure.
type departures struct {
	mu   sync.Mutex
	left map[v1.Kind]map[int64]time.Time // when each left last
}

// recent returns the records that left within massSpan.
func (d *departures) recent(kind v1.Kind, now time.Time) map[int64]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[int64]bool{}
	for id, at := range d.left[kind] {
		if now.Sub(at) < massSpan {
			out[id] = true
		}
	}
	return out
}

func (d *departures) add(kind v1.Kind, now time.Time, ids []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left == nil {
		d.left = map[v1.Kind]map[int64]time.Time{}
	}
	if d.left[kind] == nil {
		d.left[kind] = map[int64]time.Time{}
	}
	maps.DeleteFunc(d.left[kind], func(_ int64, at time.Time) bool { return now.Sub(at) >= massSpan })
	for _, id := range ids {
		d.left[kind][id] = now
	}
}

// drop forgets records that are in scope after all.
func (d *departures) drop(kind v1.Kind, ids []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		delete(d.left[kind], id)
	}
}

// guardMassChange keeps the records that would leave the scope as they are when more
// than the installation's share of all would leave at once: a lost right or a
// short answer must not look like a mass departure. An operator approves or
// discards what is pending. Who leaves by the operator's own lists and filters needs
// no second yes.
func (b *batch) guardMassChange(ctx context.Context) error {
	var leaving []*item
	var staying []int64
	for _, it := range b.items {
		switch {
		case it.failure != nil || len(it.decision.Conditions) == 0:
		case it.decision.Met:
			staying = append(staying, it.due.ID)
		case it.discarded():
			it.keep(it.before)
		case it.before.InScope && !it.decision.HandsOff:
			leaving = append(leaving, it)
		}
	}
	b.departures.drop(b.kind, staying)
	now := b.Now()
	if len(leaving) == 0 {
		return nil
	}
	if now.Sub(b.in.MassChangeApproved) < massSpan {
		return nil // somebody said yes to just this
	}
	gone := b.departures.recent(b.kind, now)
	for _, it := range leaving {
		gone[it.due.ID] = true
	}
	all := maps.Clone(gone) // that are in scope, or were before these left
	_, err := b.Ledger.Find(ctx, b.in.ID, b.kind, func(s ledger.Summary) bool {
		if s.PendingApproval {
			gone[s.ID] = true
		}
		if s.InScope {
			all[s.ID] = true
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("count records in scope: %w", err)
	}
	if len(gone) < leastMass || len(gone)*100 <= len(all)*b.in.Options.MassPercent() {
		b.departures.add(b.kind, now, b.ids(leaving))
		return nil
	}
	for _, it := range leaving {
		was := it.before
		was.PendingApproval, was.Discarded, was.Leaving = true, false, it.entry.ModifiedAt
		if !it.before.PendingApproval {
			was.Step(v1.TimelineStep{At: now, Step: "held", Trigger: it.due.Trigger, Detail: it.decision.Detail(), TraceID: tracing.TraceID(b.trail.of(it.due.ID))})
		}
		it.keep(was)
	}
	return nil
}

// discarded says whether somebody said no to just this departure, and did not ask for it again.
func (it *item) discarded() bool {
	return it.before.InScope && it.before.Discarded && it.before.Leaving.Equal(it.entry.ModifiedAt) && it.due.Trigger != v1.TriggerManual
}

// keep leaves a record as it was: nothing is pushed, and what it waits for stays.
func (it *item) keep(was ledger.Entry) {
	*it.entry = was
	it.pendingApproval, it.outcome, it.client, it.contract = true, it.before.Outcome, nil, nil
}
