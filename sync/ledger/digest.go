package ledger

import (
	"context"
	"slices"
	"time"

	v1 "channelsync/api/v1"
)

// Digest is what is shown of all records of an installation at once. It is worked out when an
// entry has changed, and not to be changed: whoever asks meanwhile gets the same.
type Digest struct {
	Counts  map[v1.Kind]v1.Counts
	Waiting int       // records of a stopped sync
	Telling []Telling // records with an issue, by kind and id
	drifts  []driftAt
}

// Telling is a record of which an issue hasIssue.
type Telling struct {
	Kind v1.Kind
	Summary
}

// Digest returns that of an installation.
func (l *Ledger) Digest(ctx context.Context, installation string) (*Digest, error) {
	known, unlock, err := l.loaded(ctx, installation)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if known.digest == nil {
		known.digest = known.digested()
	}
	return known.digest, nil
}

// Drift counts the edits at the target that are shown at a time.
func (d *Digest) Drift(now time.Time) (out v1.DriftCounts) {
	for _, edit := range d.drifts {
		switch {
		case !edit.shown(now):
		case edit.state == v1.DriftOpen:
			out.Open++
		case edit.state == v1.DriftReverted:
			out.Reverted++
		default:
			out.Repaired++
		}
	}
	return out
}

func (ix *summaries) digested() *Digest {
	d := &Digest{Counts: map[v1.Kind]v1.Counts{}}
	for _, kind := range kinds {
		var c v1.Counts
		for _, s := range ix.all(kind) {
			c = s.counted(c)
			if s.outcome == v1.OutcomeWaiting && !slices.Contains(s.reasons(), v1.ReasonEditedAtTarget) {
				d.Waiting++
			}
			if s.hasIssue() {
				d.Telling = append(d.Telling, Telling{kind, s.public()})
			}
			d.drifts = append(d.drifts, s.drifts()...)
		}
		d.Counts[kind] = c
	}
	return d
}

func (s *summary) counted(c v1.Counts) v1.Counts {
	if s.inScope {
		c.InScope++
	}
	switch s.outcome {
	case v1.OutcomePushed:
		c.Pushed++
	case v1.OutcomeUnchanged:
		c.Unchanged++
	case v1.OutcomeNotMet:
		c.NotMet++
	case v1.OutcomeRetrying, v1.OutcomeDead:
		c.Failed++
	case v1.OutcomeWaiting:
	}
	return c
}

// hasIssue says whether there is an issue of a record.
func (s *summary) hasIssue() bool {
	failed := s.outcome == v1.OutcomeRetrying || s.outcome == v1.OutcomeDead
	return s.held || failed || s.inScope && s.more != nil && len(s.more.notes) > 0
}
