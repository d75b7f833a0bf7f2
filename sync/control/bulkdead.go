package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
)

// Why a dead letter is left alone.
const (
	notThere      = "it is no longer on the list"
	failedSince   = "it failed again since the list was shown"
	nothingToRedo = "a callback that could not be read cannot be tried again"
)

// BulkDeadLetters requeues or dismisses dead letters: those named at once, all of a filter by a job.
func (m *Manager) BulkDeadLetters(ctx context.Context, id string, req v1.BulkDeadLetters) (v1.BulkResult, error) {
	in, err := m.mine(id)
	if err != nil {
		return v1.BulkResult{}, err
	}
	if req.Action == v1.ActionRequeue && in.Uninstalled {
		return v1.BulkResult{}, v1.Conflict("the installation is uninstalled", "Reinstall it first.")
	}
	if req.Filter != nil {
		return m.bulkOfCause(ctx, in, req)
	}
	out := v1.BulkResult{NotPossible: []v1.NotPossible{}, Sample: []v1.BulkItem{}}
	gone, unreadable, later := 0, 0, 0
	var dead []v1.DeadLetter
	for _, one := range req.IDs {
		d, err := m.DeadLetters.Get(ctx, id, one)
		switch {
		case errors.Is(err, events.ErrNotFound):
			gone++
		case err != nil:
			return out, err
		case failedAfter(d, req.AsOf):
			later++
		case !possible(req.Action, d):
			unreadable++
		default:
			d.Raw = ""
			dead = append(dead, d)
			sampled(&out, d)
		}
	}
	out.NotPossible = leftAlone(leftAlone(leftAlone(out.NotPossible, gone, notThere), later, failedSince), unreadable, nothingToRedo)
	out.Count, out.AsOf = len(dead), new(m.seen(req.AsOf))
	if req.DryRun {
		return out, m.nameSample(ctx, id, out.Sample)
	}
	if req.Action == v1.ActionRequeue {
		if err := m.enqueueDead(ctx, id, dead); err != nil {
			return out, err
		}
	}
	for _, d := range dead {
		if err := m.DeadLetters.DropRead(ctx, id, d); err != nil {
			return out, err
		}
		out.Done++
	}
	return out, nil
}

// bulkOfCause starts the job of a filter.
func (m *Manager) bulkOfCause(ctx context.Context, in *installation.Installation, req v1.BulkDeadLetters) (v1.BulkResult, error) {
	out := v1.BulkResult{NotPossible: []v1.NotPossible{}, Sample: []v1.BulkItem{}}
	asked := v1.BulkJob{Action: req.Action, Code: req.Filter.Code, Until: m.seen(req.AsOf)}
	out.AsOf = &asked.Until
	skipped, later := 0, 0
	err := m.eachDead(ctx, in.ID, "", func(found []v1.DeadLetter, _ string) error {
		fit, left, since := askedFor(found, asked)
		skipped += left
		later += since
		out.Count += len(fit)
		for _, d := range fit {
			sampled(&out, d)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	out.NotPossible = leftAlone(leftAlone(out.NotPossible, later, failedSince), skipped, nothingToRedo)
	if req.DryRun || nothingMeant(out.Count, req.Expect) {
		return out, m.nameSample(ctx, in.ID, out.Sample)
	}
	if err := confirmed(req.Action, out.Count, true, req.Expect); err != nil {
		return out, err
	}
	asked.Expect = out.Count
	out.Job, err = m.startBulk(ctx, in, v1.RecordFilter{}, asked)
	return out, err
}

// seen is when those were seen that an action is about: now, unless it was before.
func (m *Manager) seen(asOf *time.Time) time.Time {
	now := m.Now().UTC()
	if asOf != nil && asOf.Before(now) {
		return *asOf
	}
	return now
}

// nameSample gives the records of dead letters their names, where they are known.
func (m *Manager) nameSample(ctx context.Context, id string, sample []v1.BulkItem) error {
	for _, kind := range recordKinds {
		items := map[int64]*v1.BulkItem{}
		for i := range sample {
			text, named := strings.CutPrefix(sample[i].ID, string(kind)+"-")
			if rec, ok := v1.ParseRecordID(text); named && ok {
				items[rec] = &sample[i]
			}
		}
		known, err := m.Ledger.Read(ctx, id, kind, slices.Collect(maps.Keys(items)))
		if err != nil {
			return fmt.Errorf("read the names of dead letters: %w", err)
		}
		for rec, e := range known {
			items[rec].Name = e.Name
		}
	}
	return nil
}

func sampled(out *v1.BulkResult, d v1.DeadLetter) {
	if len(out.Sample) < sampleSize {
		title, _ := issue.DeadLetter(d.Code)
		item := v1.BulkItem{ID: d.ID, Kind: d.Kind, Cause: title}
		out.Sample = append(out.Sample, item)
	}
}

// possible says whether an action can be done with a dead letter: what names no record cannot be tried again.
func possible(action string, d v1.DeadLetter) bool {
	if action != v1.ActionRequeue {
		return true
	}
	_, names := recordOf(d)
	return names
}

// askedFor are the dead letters that a bulk action is about, and how many of the same it leaves alone: those that it cannot
// be done with, and those that failed later. What failed after it was asked for was no part of the question: it is neither
// dismissed unseen nor tried again for ever.
func askedFor(found []v1.DeadLetter, by v1.BulkJob) (fit []v1.DeadLetter, left, later int) {
	for _, d := range found {
		switch {
		case by.Code != "" && d.Code != by.Code:
		case d.LastAt.After(by.Until):
			later++
		case !possible(by.Action, d):
			left++
		default:
			d.Raw = "" // thousands of them would be many MiB
			fit = append(fit, d)
		}
	}
	return fit, left, later
}

// eachDead goes through the dead letters from a cursor on; fn gets each page with the cursor of the next, empty on the last.
func (m *Manager) eachDead(ctx context.Context, id, cursor string, fn func(found []v1.DeadLetter, next string) error) error {
	for {
		page, err := m.DeadLetters.List(ctx, id, cursor, events.PeekMax)
		if err != nil {
			return err
		}
		next := ""
		if page.NextCursor != nil {
			next = *page.NextCursor
		}
		if err := fn(page.Items, next); err != nil || next == "" {
			return err
		}
		cursor = next
	}
}
