package ledger

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/internal/clip"
)

// Bounds of what is kept of edits at the target.
const (
	maxDrifts      = 5   // of a record, the latest
	maxDriftFields = 50  // of an edit
	maxDriftText   = 400 // bytes of a value
	// DriftKept is how long an edit is shown.
	DriftKept = 90 * 24 * time.Hour
)

// DriftLeft is the state of an edit that waits for nobody any more and may be there still: its record left the sync, or
// another account was connected. It is in no list, and tells what the target held.
const DriftLeft v1.DriftState = "left"

// Drift is an edit of a record at the target that was found.
type Drift struct {
	State      v1.DriftState   `json:"state"`
	FoundAt    time.Time       `json:"foundAt"`
	ResolvedAt time.Time       `json:"resolvedAt,omitzero"`
	Trigger    v1.Trigger      `json:"trigger,omitempty"`
	Fields     []v1.DriftField `json:"fields"`
}

// OpenDrift is the edit that nothing is pushed over; nil when there is none.
func (e *Entry) OpenDrift() *Drift {
	if n := len(e.Drifts); n > 0 && e.Drifts[n-1].State == v1.DriftOpen {
		return &e.Drifts[n-1]
	}
	return nil
}

// AddDrift keeps an edit. One that is open is the same edit, found again: it keeps since
// when it is known. One word that ours may be pushed is for one edit.
func (e *Entry) AddDrift(d Drift) {
	d.Fields = BoundedFields(d.Fields)
	e.PushOurs = e.PushOurs && d.State == v1.DriftOpen
	kept := slices.DeleteFunc(slices.Clone(e.Drifts), func(k Drift) bool { return d.FoundAt.Sub(k.FoundAt) > DriftKept && k.State != v1.DriftOpen })
	if open := e.OpenDrift(); open != nil {
		d.FoundAt, kept = open.FoundAt, kept[:len(kept)-1]
	}
	kept = append(kept, d)
	e.Drifts = kept[max(0, len(kept)-maxDrifts):]
}

// BoundedFields are the fields of an edit as far as they are kept.
func BoundedFields(fields []v1.DriftField) []v1.DriftField {
	fields = slices.Clone(fields[:min(len(fields), maxDriftFields)])
	for i, f := range fields {
		fields[i].Field, fields[i].Due = clip.Text(f.Field, maxDriftText), clip.Text(f.Due, maxDriftText)
		if f.Theirs != nil {
			fields[i].Theirs = new(clip.Text(*f.Theirs, maxDriftText))
		}
	}
	return fields
}

// ResolveDrift notes that the open edit waits no more, and why.
func (e *Entry) ResolveDrift(state v1.DriftState, at time.Time) {
	if e.OpenDrift() != nil {
		e.endDrift(state, at)
	}
	e.PushOurs = false
}

// RevertLeft notes that the target holds what was sent: an edit there since a time, which was left, is no more.
func (e *Entry) RevertLeft(since, at time.Time) {
	if n := len(e.Drifts); n > 0 && e.Drifts[n-1].State == DriftLeft && e.Drifts[n-1].FoundAt.After(since) {
		e.endDrift(v1.DriftReverted, at)
	}
}

func (e *Entry) endDrift(state v1.DriftState, at time.Time) {
	e.Drifts = slices.Clone(e.Drifts)
	last := &e.Drifts[len(e.Drifts)-1]
	last.State, last.ResolvedAt = state, at
}

// driftAt is an edit as the index keeps it.
type driftAt struct {
	at    ticks
	state v1.DriftState
}

func driftsOf(e *Entry) []driftAt {
	var out []driftAt
	for _, d := range e.Drifts {
		if d.State != DriftLeft {
			out = append(out, driftAt{ticksOf(d.FoundAt), d.State})
		}
	}
	return out
}

func (s *summary) drifts() []driftAt {
	if s.more == nil {
		return nil
	}
	return s.more.drifts
}

// shown says whether an edit is still shown.
func (d driftAt) shown(now time.Time) bool {
	return d.state == v1.DriftOpen || now.Sub(d.at.time()) <= DriftKept
}

// foundDrift is an edit of a record.
type foundDrift struct {
	recordKey
	driftAt
}

// before orders edits: what was found last first.
func (d foundDrift) before(other foundDrift) int {
	return cmp.Or(cmp.Compare(other.at, d.at), cmp.Compare(d.kind, other.kind), cmp.Compare(d.id, other.id))
}

func (d foundDrift) cursor() string {
	return strconv.FormatInt(int64(d.at), 10) + ":" + string(d.kind) + ":" + strconv.FormatInt(d.id, 10)
}

func parseDriftCursor(text string) (foundDrift, error) {
	at, rest, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return foundDrift{}, v1.InvalidCursor()
	}
	key, err := parseCursor(rest)
	return foundDrift{key, driftAt{at: ticks(n)}}, err
}

func (ix *summaries) drifts(q v1.DriftQuery, now time.Time) (out []foundDrift) {
	for _, kind := range kinds {
		if q.Kind != "" && q.Kind != kind {
			continue
		}
		for _, s := range ix.all(kind) {
			for _, d := range s.drifts() {
				if d.shown(now) && (q.State == "" || q.State == d.state) {
					out = append(out, foundDrift{recordKey{kind, s.id}, d})
				}
			}
		}
	}
	return out
}

// DriftList pages through the edits at the target, what was found last first.
func (l *Ledger) DriftList(ctx context.Context, installation string, q v1.DriftQuery, now time.Time) (v1.Page[v1.Drift], error) {
	page := v1.Page[v1.Drift]{Items: []v1.Drift{}}
	found, err := l.driftPage(ctx, installation, q, now)
	if err != nil {
		return page, err
	}
	if most := max(1, q.Limit); len(found) > most {
		found = found[:most]
		page.NextCursor = new(found[most-1].cursor())
	}
	ids := map[v1.Kind][]int64{}
	for _, d := range found {
		ids[d.kind] = append(ids[d.kind], d.id)
	}
	entries := map[v1.Kind]map[int64]*Entry{}
	for kind, of := range ids {
		slices.Sort(of)
		if entries[kind], err = l.Read(ctx, installation, kind, slices.Compact(of)); err != nil {
			return page, err
		}
	}
	for _, d := range found {
		if item, there := entries[d.kind][d.id].drift(d.at); there {
			page.Items = append(page.Items, item)
		}
	}
	return page, nil
}

func (l *Ledger) driftPage(ctx context.Context, installation string, q v1.DriftQuery, now time.Time) ([]foundDrift, error) {
	var after *foundDrift
	if q.Cursor != "" {
		from, err := parseDriftCursor(q.Cursor)
		if err != nil {
			return nil, err
		}
		after = &from
	}
	known, unlock, err := l.loaded(ctx, installation)
	if err != nil {
		return nil, err
	}
	defer unlock()
	found := slices.DeleteFunc(known.drifts(q, now), func(d foundDrift) bool { return after != nil && d.before(*after) <= 0 })
	slices.SortFunc(found, foundDrift.before)
	return found, nil
}

// drift is the edit that was found at a time, as the admin API shows it.
func (e *Entry) drift(at ticks) (v1.Drift, bool) {
	if e == nil {
		return v1.Drift{}, false
	}
	i := slices.IndexFunc(e.Drifts, func(d Drift) bool { return ticksOf(d.FoundAt) == at })
	if i < 0 {
		return v1.Drift{}, false
	}
	d := e.Drifts[i]
	return v1.Drift{
		Kind: e.Kind, ID: strconv.FormatInt(e.ID, 10), Name: e.Name, State: d.State, FoundAt: d.FoundAt, ResolvedAt: timeOrNil(d.ResolvedAt),
		Trigger: d.Trigger, Fields: d.Fields, Approved: d.State == v1.DriftOpen && e.PushOurs,
	}, true
}
