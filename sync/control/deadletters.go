package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/deadletter"
	"channelsync/sync/issue"
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

// Requeue takes dead letters off the list and enqueues their records: those
// named, those of one cause, or all. What fails again comes back by itself. A
// callback that could not be read is only taken off: there is nothing to redo.
func (m *Manager) Requeue(ctx context.Context, id string, req v1.RequeueRequest) error {
	if _, err := m.get(id); err != nil {
		return err
	}
	dead, err := m.requested(ctx, id, req)
	if err != nil {
		return err
	}
	if err := m.enqueueDead(ctx, id, dead); err != nil {
		return err
	}
	for _, d := range dead {
		if err := m.DeadLetters.DropRead(ctx, id, d); err != nil { // it may have failed again by now
			return err
		}
	}
	return nil
}

// enqueueDead publishes changes of the records of dead letters. Of what names none there is nothing to redo.
func (m *Manager) enqueueDead(ctx context.Context, id string, dead []v1.DeadLetter) error {
	var changes []events.Change
	for _, d := range dead {
		if rec, ok := recordOf(d); ok {
			changes = append(changes, events.Change{Installation: id, Kind: v1.Kind(d.Kind), ID: rec, Trigger: v1.TriggerManual, EventTime: m.Now(), By: v1.AskerOf(ctx)})
		}
	}
	if err := m.Bus.Journal().PublishAll(ctx, changes); err != nil {
		return fmt.Errorf("enqueue requeued records: %w", err)
	}
	return nil
}

// recordOf is the record of a dead letter; a callback that nobody could read names none.
func recordOf(d v1.DeadLetter) (int64, bool) {
	rec, ok := v1.ParseRecordID(d.RecordID)
	return rec, ok && d.Kind != deadletter.KindCallback
}

// Dismiss takes dead letters off the list: those named, or those of one cause. Their
// records are tried again when they change. What failed anew meanwhile stays.
func (m *Manager) Dismiss(ctx context.Context, id string, req v1.DismissRequest) error {
	if _, err := m.get(id); err != nil {
		return err
	}
	dead, err := m.requested(ctx, id, v1.RequeueRequest{IDs: req.IDs, Code: req.Code, Until: req.Until})
	if err != nil {
		return err
	}
	for _, d := range dead {
		if err := m.DeadLetters.DropRead(ctx, id, d); err != nil {
			return err
		}
	}
	return nil
}

// requested are the dead letters that a requeue names, without those that failed again since they were seen.
func (m *Manager) requested(ctx context.Context, id string, req v1.RequeueRequest) ([]v1.DeadLetter, error) {
	var out []v1.DeadLetter
	if len(req.IDs) > 0 {
		for _, one := range req.IDs {
			d, err := m.DeadLetters.Get(ctx, id, one)
			if errors.Is(err, events.ErrNotFound) {
				return nil, v1.NotFound("there is no dead letter " + one)
			}
			if err != nil {
				return nil, err
			}
			if !failedAfter(d, req.Until) {
				out = append(out, d)
			}
		}
		return out, nil
	}
	err := m.eachDead(ctx, id, "", func(found []v1.DeadLetter, _ string) error {
		for _, d := range found {
			if (req.Code == "" || d.Code == req.Code) && !failedAfter(d, req.Until) {
				d.Raw = "" // thousands of them would be many MiB
				out = append(out, d)
			}
		}
		return nil
	})
	return out, err
}

// failedAfter says whether a dead letter failed again since it was seen; nil is now.
func failedAfter(d v1.DeadLetter, seen *time.Time) bool { return seen != nil && d.LastAt.After(*seen) }
