package ledger

import (
	"context"
	"slices"
	"strconv"

	v1 "channelsync/api/v1"
	"channelsync/internal/search"
)

// filter is what a query asks of a record.
type filter struct {
	v1.RecordQuery
	text search.Query // Q
	id   int64        // Q as an id; -1 when it is none
}

// fit says of each part of a query whether a record fits it.
type fit struct{ kind, outcome, reason, text bool }

func newFilter(q v1.RecordQuery) filter {
	f := filter{q, search.Parse(q.Q), -1}
	if id, err := strconv.ParseInt(f.text.Number(), 10, 64); err == nil && strconv.FormatInt(id, 10) == f.text.Number() {
		f.id = id
	}
	return f
}

func (f filter) of(kind v1.Kind, s *summary) fit {
	return fit{
		kind:    f.Kind == "" || kind == f.Kind,
		outcome: f.Outcome == "" || s.outcome == f.Outcome,
		reason:  f.Reason == "" || slices.Contains(s.reasons(), f.Reason),
		text:    s.id == f.id || f.text.In(s.text),
	}
}

func (f fit) all() bool { return f.kind && f.outcome && f.reason && f.text }

// Facets counts the records that a query is about, whatever its cursor and limit.
func (l *Ledger) Facets(ctx context.Context, installation string, q v1.RecordQuery) (v1.RecordCounts, error) {
	out := v1.RecordCounts{Kinds: map[v1.Kind]int{}, Outcomes: map[v1.Outcome]int{}, Reasons: map[string]int{}}
	filter := newFilter(q)
	known, unlock, err := l.loadedFor(ctx, installation, filter)
	if err != nil {
		return out, err
	}
	defer unlock()
	for _, kind := range kinds {
		for _, s := range known.all(kind) {
			count(&out, kind, s, filter.of(kind, s))
		}
	}
	return out, nil
}

func count(out *v1.RecordCounts, kind v1.Kind, s *summary, f fit) {
	if f.all() {
		out.Total++
	}
	if f.outcome && f.reason && f.text {
		out.Kinds[kind]++
	}
	if f.kind && f.reason && f.text && s.outcome != "" {
		out.Outcomes[s.outcome]++
	}
	if f.kind && f.outcome && f.text {
		for _, code := range s.reasons() {
			out.Reasons[code]++
		}
	}
}
