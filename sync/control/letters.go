package control

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/deadletter"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/ledger"
)

// DeadLetterList pages through the dead letters of an installation.
func (m *Manager) DeadLetterList(ctx context.Context, id, cursor string, limit int) (v1.Page[v1.DeadLetter], error) {
	if _, err := m.get(id); err != nil {
		return v1.Page[v1.DeadLetter]{}, err
	}
	page, err := m.DeadLetters.List(ctx, id, cursor, limit)
	if errors.Is(err, events.ErrBadName) { // the id is known, so it is the cursor
		return v1.Page[v1.DeadLetter]{}, v1.InvalidCursor()
	}
	for i := range page.Items {
		page.Items[i].Title, page.Items[i].Fix = issue.DeadLetter(page.Items[i].Code)
	}
	return page, err
}

// Requeue takes dead letters off the list and marks their records due: those
// named, those of one cause, or all. What fails again comes back by itself. A
// callback that could not be read is only taken off: there is nothing to redo.
func (m *Manager) Requeue(ctx context.Context, id string, req v1.RequeueRequest) error {
	if _, err := m.get(id); err != nil {
		return err
	}
	letters, err := m.chosen(ctx, id, req)
	if err != nil {
		return err
	}
	var changes []events.Change
	for _, d := range letters {
		rec, err := strconv.ParseInt(d.RecordID, 10, 64)
		if err != nil || d.Kind == deadletter.KindCallback {
			continue
		}
		changes = append(changes, events.Change{Installation: id, Kind: v1.Kind(d.Kind), ID: rec, Trigger: v1.TriggerManual, EventTime: m.Now()})
	}
	if err := m.Bus.Journal().PublishAll(ctx, changes); err != nil {
		return fmt.Errorf("mark requeued records: %w", err)
	}
	for _, d := range letters {
		if err := m.DeadLetters.DropRead(ctx, id, d); err != nil { // it may have failed again by now
			return err
		}
	}
	return nil
}

// chosen are the dead letters that a requeue names.
func (m *Manager) chosen(ctx context.Context, id string, req v1.RequeueRequest) ([]v1.DeadLetter, error) {
	var out []v1.DeadLetter
	if len(req.IDs) > 0 {
		for _, letter := range req.IDs {
			d, err := m.DeadLetters.Get(ctx, id, letter)
			if errors.Is(err, events.ErrNotFound) {
				return nil, v1.NotFound("there is no dead letter " + letter)
			}
			if err != nil {
				return nil, err
			}
			out = append(out, d)
		}
		return out, nil
	}
	cursor := ""
	for {
		page, err := m.DeadLetters.List(ctx, id, cursor, 500)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Items {
			if req.Code == "" || d.Code == req.Code {
				d.Raw = "" // thousands of them would be many MiB
				out = append(out, d)
			}
		}
		if page.NextCursor == nil {
			return out, nil
		}
		cursor = *page.NextCursor
	}
}

// Dismiss takes dead letters off the list: those named, or those of one cause. Their
// records are tried again when they change. What failed anew meanwhile stays.
func (m *Manager) Dismiss(ctx context.Context, id string, req v1.DismissRequest) error {
	if _, err := m.get(id); err != nil {
		return err
	}
	letters, err := m.chosen(ctx, id, v1.RequeueRequest{IDs: req.IDs, Code: req.Code})
	if err != nil {
		return err
	}
	for _, d := range letters {
		if req.Until != nil && d.LastAt.After(*req.Until) {
			continue
		}
		if err := m.DeadLetters.DropRead(ctx, id, d); err != nil {
			return err
		}
	}
	return nil
}

// DecideMassChange lets a mass change that is pending approval through, or discards it: then the
// records stay as they are until they change again.
func (m *Manager) DecideMassChange(ctx context.Context, id string, approve bool) error {
	in, err := m.mine(id)
	if err != nil {
		return err
	}
	if approve {
		if err := m.approveMassChange(ctx, in.ID); err != nil {
			return err
		}
	}
	found := 0
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
		ids, err := m.Ledger.Find(ctx, id, kind, func(s ledger.Summary) bool { return s.Held })
		if err != nil {
			return fmt.Errorf("find held records: %w", err)
		}
		found += len(ids)
		if approve {
			err = m.markManually(ctx, id, kind, ids)
		} else {
			err = m.letGo(ctx, id, kind, ids)
		}
		if err != nil {
			return err
		}
	}
	if found == 0 {
		return v1.Conflict("no mass change is held", "Nothing needs to be done.")
	}
	return nil
}

// approveMassChange lets departures through for an hour.
func (m *Manager) approveMassChange(ctx context.Context, id string) error {
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		in.MassChangeApproved = m.Now().UTC().Truncate(time.Millisecond)
		return nil
	})
	return err
}

// markManually writes changes of records that an operator asked for.
func (m *Manager) markManually(ctx context.Context, id string, kind v1.Kind, ids []int64) error {
	changes := make([]events.Change, len(ids))
	for i, rec := range ids {
		changes[i] = events.Change{Installation: id, Kind: kind, ID: rec, Trigger: v1.TriggerManual, EventTime: m.Now()}
	}
	if err := m.Bus.Journal().PublishAll(ctx, changes); err != nil {
		return fmt.Errorf("mark %s records: %w", kind, err)
	}
	return nil
}

// letGo forgets that records are held.
func (m *Manager) letGo(ctx context.Context, id string, kind v1.Kind, ids []int64) error {
	entries, err := m.Ledger.Read(ctx, id, kind, ids)
	if err != nil {
		return err
	}
	list := make([]*ledger.Entry, 0, len(entries))
	for _, e := range entries {
		e.Held, e.Discarded = false, true
		e.Step(v1.TimelineStep{At: m.Now(), Step: "discarded", Trigger: v1.TriggerManual})
		list = append(list, e)
	}
	return m.Ledger.Write(ctx, id, list)
}
