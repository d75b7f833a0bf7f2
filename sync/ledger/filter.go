package ledger

import (
	"context"
	"slices"
	"strings"

	v1 "channelsync/api/v1"
)

// filter is what a query asks of a record.
type filter struct {
	v1.RecordQuery
	needle string // Q as it is compared
}

// fit says of each part of a query whether a record fits it.
type fit struct{ kind, outcome, reason, text bool }

func newFilter(q v1.RecordQuery) filter {
	return filter{q, strings.ToLower(strings.TrimSpace(q.Q))}
}

func (f filter) of(s *summary) fit {
	r := &s.Record
	return fit{
		kind:    f.Kind == "" || r.Kind == f.Kind,
		outcome: f.Outcome == "" || r.Outcome == f.Outcome,
		reason:  f.Reason == "" || slices.Contains(r.Reasons, f.Reason),
		text:    f.needle == "" || r.ID == f.needle || strings.Contains(s.lower, f.needle),
	}
}

func (f fit) all() bool { return f.kind && f.outcome && f.reason && f.text }

// Facets counts the records that a query is about, whatever its cursor and limit.
func (l *Ledger) Facets(ctx context.Context, installation string, q v1.RecordQuery) (v1.RecordCounts, error) {
	out := v1.RecordCounts{Kinds: map[v1.Kind]int{}, Outcomes: map[v1.Outcome]int{}, Reasons: map[string]int{}}
	ix, err := l.loadedIndex(ctx, installation)
	if err != nil {
		return out, err
	}
	defer ix.mu.Unlock()
	filter := newFilter(q)
	for _, all := range ix.byKind {
		for _, s := range all {
			count(&out, &s.Record, filter.of(s))
		}
	}
	return out, nil
}

func count(out *v1.RecordCounts, r *v1.Record, f fit) {
	if f.all() {
		out.Total++
	}
	if f.outcome && f.reason && f.text {
		out.Kinds[r.Kind]++
	}
	if f.kind && f.reason && f.text && r.Outcome != "" {
		out.Outcomes[r.Outcome]++
	}
	if f.kind && f.outcome && f.text {
		for _, code := range r.Reasons {
			out.Reasons[code]++
		}
	}
}
