package control

import (
	"context"
	"fmt"
	"slices"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/job"
)

// eraseSync uninstalls a sync and removes what is kept of its records; the other
// one goes on. What a crash cuts short is done by asking again.
func (m *Manager) eraseSync(ctx context.Context, in *installation.Installation, sync v1.Sync) error {
	if err := m.uninstallSync(ctx, in.ID, sync); err != nil {
		return err
	}
	in, err := m.get(in.ID)
	if err != nil {
		return err
	}
	m.stop(in.ID) // what is under way would write records again
	err = m.purgeKinds(ctx, in, erased(in, sync))
	if in, getErr := m.get(in.ID); getErr == nil {
		m.start(in)
	}
	if err != nil {
		return err
	}
	m.CheckSoon(in.ID) // once more: the first may have ended with what was stopped
	m.startPendingNow(ctx, in.ID)
	return nil
}

// erased are the kinds of records that go with a sync. Companies decide the scope of
// contracts too, so without the customers sync their records go as well: they hold
// addresses, and the contracts sync makes its own anew.
func erased(in *installation.Installation, sync v1.Sync) []v1.Kind {
	switch {
	case len(in.InstalledSyncs()) == 0:
		return []v1.Kind{v1.KindCompany, v1.KindContact, v1.KindContract}
	case sync == v1.SyncActiveCustomers:
		return []v1.Kind{v1.KindCompany, v1.KindContact}
	default:
		return []v1.Kind{v1.KindContract}
	}
}

// purgeKinds removes records, stored changes, marks and dead letters of some kinds, of
// an installation that does not run. Its running jobs may be about to mark such
// records; they end, and a first pass of what is left takes their place.
func (m *Manager) purgeKinds(ctx context.Context, in *installation.Installation, kinds []v1.Kind) error {
	left := kindsOf(in.InstalledSyncs())
	running := m.Jobs.Running(in.ID)
	if len(left) > 0 && (len(running) > 0 || slices.Contains(kinds, v1.KindCompany)) {
		_, err := m.Store.Change(ctx, in.ID, func(now *installation.Installation) error {
			now.Owed = append(now.Owed, installation.Owed{Type: job.TypeBackfill, Kinds: left})
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, j := range running {
		if err := m.Jobs.Finish(ctx, j.ID, v1.JobCancelled, "a sync was erased"); err != nil {
			return err
		}
	}
	for _, kind := range kinds {
		if err := m.Bus.Journal().PurgeKind(ctx, in.ID, kind); err != nil {
			return fmt.Errorf("erase journal of a sync: %w", err)
		}
		if err := m.Bus.Worklist().PurgeKind(ctx, in.ID, kind); err != nil {
			return fmt.Errorf("erase worklist of a sync: %w", err)
		}
		if err := m.Ledger.PurgeKind(ctx, in.ID, kind); err != nil {
			return fmt.Errorf("erase ledger of a sync: %w", err)
		}
	}
	m.feeds.Forget(in.ID)
	letters, err := m.chosen(ctx, in.ID, v1.RequeueRequest{All: true})
	if err != nil {
		return fmt.Errorf("find dead letters of a sync: %w", err)
	}
	for _, d := range letters {
		if !slices.Contains(kinds, v1.Kind(d.Kind)) {
			continue
		}
		if err := m.DeadLetters.Drop(ctx, in.ID, d.ID); err != nil {
			return fmt.Errorf("erase dead letters of a sync: %w", err)
		}
	}
	return nil
}
