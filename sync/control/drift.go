package control

import (
	"context"
	"errors"

	v1 "channelsync/api/v1"
	"channelsync/sync/reconcile"
)

// DriftList lists what was edited in Channel Program, what was found last first.
func (m *Manager) DriftList(ctx context.Context, id string, q v1.DriftQuery) (v1.Page[v1.Drift], error) {
	if _, err := m.get(id); err != nil {
		return v1.Page[v1.Drift]{}, err
	}
	return m.Ledger.DriftList(ctx, id, q, m.Now())
}

// PushOurs pushes a record over what somebody edited in Channel Program.
func (m *Manager) PushOurs(ctx context.Context, id string, kind v1.Kind, rec int64) error {
	in, err := m.mine(id)
	if err != nil {
		return err
	}
	rt := m.runtime(id)
	if in.Uninstalled || rt == nil || rt.target == nil {
		return v1.Conflict("the installation is not running now", "Reinstall it, or look at its issues, first.")
	}
	switch err := rt.rec.PushOurs(ctx, kind, rec); {
	case errors.Is(err, reconcile.ErrBusy):
		return v1.Conflict("the record is being reconciled right now", "Try it again in a moment.")
	case errors.Is(err, reconcile.ErrNoDrift):
		return v1.Conflict("no edit of this record waits for a decision", "The list of drift shows the edits that do. Sync now compares the record with Autotask.")
	case err != nil:
		return err
	}
	return m.enqueueManually(ctx, id, kind, []int64{rec})
}
