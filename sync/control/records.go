package control

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

// Records lists the records of an installation.
func (m *Manager) Records(ctx context.Context, id string, q v1.RecordQuery) (v1.Page[v1.Record], error) {
	if _, err := m.get(id); err != nil {
		return v1.Page[v1.Record]{}, err
	}
	return m.Ledger.List(ctx, id, q)
}

// RecordCounts counts the records of an installation by what they can be filtered by.
func (m *Manager) RecordCounts(ctx context.Context, id string, q v1.RecordQuery) (v1.RecordCounts, error) {
	if _, err := m.get(id); err != nil {
		return v1.RecordCounts{}, err
	}
	return m.Ledger.Facets(ctx, id, q)
}

// Record returns one record with what was pushed and its timeline.
func (m *Manager) Record(ctx context.Context, id string, kind v1.Kind, rec int64) (v1.RecordDetail, error) {
	in, err := m.get(id)
	if err != nil {
		return v1.RecordDetail{}, err
	}
	e, err := m.entry(ctx, id, kind, rec)
	if err != nil {
		return v1.RecordDetail{}, err
	}
	details := e.Details()
	details.Fix = fixOf(e)
	details.SourceURL = autotask.RecordURL(in.Zone, kind, rec)
	return details, nil
}

// entry is what is remembered of a record.
func (m *Manager) entry(ctx context.Context, id string, kind v1.Kind, rec int64) (*ledger.Entry, error) {
	found, err := m.Ledger.Read(ctx, id, kind, []int64{rec})
	if err != nil {
		return nil, err
	}
	if found[rec] == nil {
		return nil, v1.NotFound(fmt.Sprintf("no %s %d has been seen yet", kind, rec))
	}
	return found[rec], nil
}

// Reconcile enqueues a record now.
func (m *Manager) Reconcile(ctx context.Context, id string, kind v1.Kind, rec int64) error {
	in, err := m.get(id)
	if err != nil {
		return err
	}
	if in.Uninstalled {
		return v1.Conflict("the installation is uninstalled", "Reinstall it first.")
	}
	_, err = m.Bus.Journal().Publish(ctx, events.Change{Installation: id, Kind: kind, ID: rec, Trigger: v1.TriggerManual, EventTime: m.Now(), By: v1.AskerOf(ctx)}, "")
	if err != nil {
		return fmt.Errorf("store change of %s %s: %w", kind, strconv.FormatInt(rec, 10), err)
	}
	return nil
}

// DecideMassChange lets a mass change that is pending approval through, or discards it: then
// the records stay as they are until they change again.
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
		ids, err := m.Ledger.Find(ctx, id, kind, func(s ledger.Summary) bool { return s.PendingApproval })
		if err != nil {
			return fmt.Errorf("find records pending approval: %w", err)
		}
		found += len(ids)
		if approve {
			err = m.enqueueManually(ctx, id, kind, ids)
		} else {
			err = m.discard(ctx, id, kind, ids)
		}
		if err != nil {
			return err
		}
	}
	if found == 0 {
		return v1.Conflict("no mass change is pending approval", "Nothing needs to be done.")
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

// discard forgets that records wait for approval.
func (m *Manager) discard(ctx context.Context, id string, kind v1.Kind, ids []int64) error {
	entries, err := m.Ledger.Read(ctx, id, kind, ids)
	if err != nil {
		return err
	}
	list := make([]*ledger.Entry, 0, len(entries))
	for _, e := range entries {
		e.PendingApproval, e.Discarded = false, true
		e.Step(v1.TimelineStep{At: m.Now(), Step: "discarded", Trigger: v1.TriggerManual})
		list = append(list, e)
	}
	return m.Ledger.Write(ctx, id, list)
}

// enqueueManually publishes changes of records that an operator asked for.
func (m *Manager) enqueueManually(ctx context.Context, id string, kind v1.Kind, ids []int64) error {
	changes := make([]events.Change, len(ids))
	for i, rec := range ids {
		changes[i] = events.Change{Installation: id, Kind: kind, ID: rec, Trigger: v1.TriggerManual, EventTime: m.Now(), By: v1.AskerOf(ctx)}
	}
	if err := m.Bus.Journal().PublishAll(ctx, changes); err != nil {
		return fmt.Errorf("enqueue %s records: %w", kind, err)
	}
	return nil
}
