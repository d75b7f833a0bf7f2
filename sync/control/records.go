package control

import (
	"context"
	"fmt"
	"strconv"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
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
	found, err := m.Ledger.Read(ctx, id, kind, []int64{rec})
	if err != nil {
		return v1.RecordDetail{}, err
	}
	e := found[rec]
	if e == nil {
		return v1.RecordDetail{}, v1.NotFound(fmt.Sprintf("no %s %d has been seen yet; \"record explain\" asks Autotask for it", kind, rec))
	}
	details := e.Details()
	details.Fix = fixOf(e)
	details.SourceURL = autotask.RecordURL(in.Zone, kind, rec)
	return details, nil
}

// Reconcile marks a record due now.
func (m *Manager) Reconcile(ctx context.Context, id string, kind v1.Kind, rec int64) error {
	in, err := m.get(id)
	if err != nil {
		return err
	}
	if in.Uninstalled {
		return v1.Conflict("the installation is uninstalled", "Reinstall it first.")
	}
	_, err = m.Bus.Journal().Publish(ctx, events.Change{Installation: id, Kind: kind, ID: rec, Trigger: v1.TriggerManual, EventTime: m.Now()}, "")
	if err != nil {
		return fmt.Errorf("store change of %s %s: %w", kind, strconv.FormatInt(rec, 10), err)
	}
	return nil
}
