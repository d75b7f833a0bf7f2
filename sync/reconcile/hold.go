package reconcile

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/ledger"
)

const (
	// leastMass departures are needed before a change counts as a mass change.
	leastMass = 10
	// massPercent of the records in scope may leave within massSpan; option massChangePercent.
	massPercent = 50
	massSpan    = time.Hour
)

// departures remembers how many records of a kind left the scope of late, so
// that a mass change is one even when it comes in several batches.
type departures struct {
	mu   sync.Mutex
	left map[v1.Kind][]departure
}

type departure struct {
	at time.Time
	n  int
}

// recent counts what left within massSpan.
func (d *departures) recent(kind v1.Kind, now time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, one := range d.left[kind] {
		if now.Sub(one.at) < massSpan {
			n += one.n
		}
	}
	return n
}

func (d *departures) add(kind v1.Kind, now time.Time, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left == nil {
		d.left = map[v1.Kind][]departure{}
	}
	kept := d.left[kind][:0]
	for _, one := range d.left[kind] {
		if now.Sub(one.at) < massSpan {
			kept = append(kept, one)
		}
	}
	d.left[kind] = append(kept, departure{now, n})
}

// holdBack keeps the records that would leave the scope as they are when more
// than the installation's share of all would leave at once: a lost right or a
// short answer must not look like a mass departure. An operator approves or
// discards what is held. Who leaves by the operator's own lists and filters needs
// no second yes.
func (b *batch) holdBack(ctx context.Context) error {
	var leaving []*item
	for _, it := range b.items {
		if it.before.InScope && it.failure == nil && !it.decision.Met && len(it.decision.Conditions) > 0 && !it.decision.HandsOff {
			leaving = append(leaving, it)
		}
	}
	now := b.Now()
	if len(leaving) == 0 {
		return nil
	}
	if now.Sub(b.in.MassChangeApproved) < massSpan {
		return nil // somebody said yes to just this
	}
	counts, err := b.Ledger.Counts(ctx, b.in.ID, b.kind)
	if err != nil {
		return fmt.Errorf("count records in scope: %w", err)
	}
	held, err := b.Ledger.Find(ctx, b.in.ID, b.kind, func(s ledger.Summary) bool { return s.Held })
	if err != nil {
		return fmt.Errorf("count held records: %w", err)
	}
	percent := b.in.Options.MassChangePercent
	if percent == 0 {
		percent = massPercent
	}
	recent := b.departures.recent(b.kind, now)
	total, gone := counts.InScope+recent, len(leaving)+recent+len(held)
	if gone < leastMass || gone*100 <= total*percent {
		b.departures.add(b.kind, now, len(leaving))
		return nil
	}
	for _, it := range leaving {
		was := it.before
		was.Held = true
		if !it.before.Held {
			was.Step(v1.TimelineStep{At: now, Step: "held", Trigger: it.mark.Trigger, Detail: it.decision.Detail()})
		}
		*it.entry = was
		it.held, it.outcome, it.client, it.contract = true, it.before.Outcome, nil, nil
	}
	return nil
}
