package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events/lease"
	"channelsync/sync/installation"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
)

// Do stops, starts, uninstalls, reinstalls or erases an installation, or one of
// its syncs when sync is not empty; install adds the second sync.
func (m *Manager) Do(ctx context.Context, id string, sync v1.Sync, action string) error {
	defer m.begin(lease.ShardOf(id))()
	leave, err := m.changing.Enter(ctx, id)
	if err != nil {
		return v1.Unavailable("Another change of this installation is not finished.", "Try again in a moment.")
	}
	defer leave()
	if action == "erase" && sync == "" && slices.Contains(m.Store.Leaving(), id) {
		return m.finishErasing(ctx, id) // begun before, and cut short
	}
	in, err := m.mine(id)
	if err != nil {
		return err
	}
	if sync != "" {
		return m.doSync(ctx, in, sync, action)
	}
	switch action {
	case "stop":
		return m.setStopped(ctx, in, true)
	case "start":
		return m.setStopped(ctx, in, false)
	case "uninstall":
		return m.uninstall(ctx, in)
	case "reinstall":
		return m.reinstall(ctx, in)
	case "erase":
		return m.erase(ctx, in)
	default:
		return v1.NotFound("there is no action " + action + " of an installation")
	}
}

func (m *Manager) setStopped(ctx context.Context, in *installation.Installation, stopped bool) error {
	if in.Uninstalled {
		return v1.Conflict("the installation is uninstalled", "Reinstall it first.")
	}
	if _, err := m.Store.Change(ctx, in.ID, func(in *installation.Installation) error { in.Stopped = stopped; return nil }); err != nil {
		return err
	}
	if rt := m.runtime(in.ID); rt != nil && !stopped {
		rt.resume()
	}
	return nil
}

// resume looks at everything at once: what waits, and what was missed meanwhile.
func (rt *runtime) resume() {
	rt.worker.RetryNow()
	notify(rt.check)
	notify(rt.newJob)
}

// uninstall removes the webhooks at Autotask and stops everything; settings and
// what was pushed stay.
func (m *Manager) uninstall(ctx context.Context, in *installation.Installation) error {
	if in.Uninstalled {
		return nil
	}
	rt := m.stop(in.ID) // first: a check at work would put the webhooks back
	if err := removeWebhooks(ctx, rt, in); err != nil {
		m.start(in)
		return err
	}
	for _, j := range m.Jobs.Running(in.ID) {
		if err := m.Jobs.Finish(ctx, j.ID, v1.JobCancelled, "the installation was uninstalled"); err != nil {
			return err
		}
	}
	_, err := m.Store.Change(ctx, in.ID, func(in *installation.Installation) error {
		in.Uninstalled = true
		in.EndBridges(func(*installation.Registration) bool { return true })
		return nil
	})
	if err != nil {
		return err
	}
	return m.Bus.Worklist().PurgeInstallation(ctx, in.ID)
}

// removeWebhooks deletes the registrations at Autotask. With credentials that
// are refused nothing can be deleted: Autotask deactivates them by itself.
func removeWebhooks(ctx context.Context, rt *runtime, in *installation.Installation) error {
	if rt == nil || in.Refused {
		return nil
	}
	defer rt.close()
	err := rt.watcher.RemoveWebhooks(ctx)
	switch autotask.KindOf(err) {
	case autotask.KindRefused, autotask.KindPermission:
		return nil
	}
	if err != nil {
		return v1.Unavailable("The webhooks could not be removed at Autotask: "+err.Error(), "Try again in a minute.")
	}
	return nil
}

// reinstall starts an uninstalled installation again with the settings it had.
func (m *Manager) reinstall(ctx context.Context, in *installation.Installation) error {
	if !in.Uninstalled {
		return v1.Conflict("the installation is not uninstalled", "Nothing needs to be done.")
	}
	if in.Refused {
		return v1.Conflict("Autotask refused the stored credentials", "Set the credentials first, then reinstall.")
	}
	free := func() *v1.Problem { return m.connectionTaken(in.ID, in.ConnectionID) }
	if p := free(); p != nil {
		return p
	}
	if _, problem := m.tried(ctx, in); problem != nil {
		return problem
	}
	kept := in
	err := m.alone(ctx, free, func(ctx context.Context) (err error) {
		kept, err = m.Store.Change(ctx, in.ID, func(now *installation.Installation) error {
			now.Uninstalled, now.Stopped, now.Zone = false, false, in.Zone
			now.PendingJobs = append(forced(now.PendingJobs), installation.PendingJob{Type: job.TypeBackfill, Kinds: kindsOf(now.InstalledSyncs()), By: v1.AskerOf(ctx)})
			return nil
		})
		return err
	}, func(ctx context.Context) error {
		_, err := m.Store.Change(ctx, in.ID, func(now *installation.Installation) error {
			now.Uninstalled, now.Stopped, now.PendingJobs = true, in.Stopped, forced(now.PendingJobs)
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	m.start(kept)
	m.startPendingNow(ctx, in.ID)
	return nil
}

// erase removes every trace of an installation's data. It is marked first, so that
// what a crash cuts short is finished at the next start.
func (m *Manager) erase(ctx context.Context, in *installation.Installation) error {
	rt := m.stop(in.ID)
	if err := removeWebhooks(ctx, rt, in); err != nil {
		m.Log.Warn("webhooks of an erased installation could not be removed; Autotask deactivates them")
	}
	if err := m.Store.Leave(ctx, in.ID); err != nil {
		m.start(in)
		return err
	}
	return m.finishErasing(ctx, in.ID)
}

// finishErasing destroys the key that sealed everything, by secure delete: whatever
// a crash leaves behind after that is unreadable. Every step may be repeated.
func (m *Manager) finishErasing(ctx context.Context, id string) error {
	if err := m.Vault.Destroy(ctx, id); err != nil {
		return err
	}
	for what, purge := range map[string]func(context.Context, string) error{
		"worklist": m.Bus.Worklist().PurgeInstallation, "journal": m.Bus.Journal().Purge,
		"ledger": m.Ledger.Purge, "dead letters": m.DeadLetters.Purge, "jobs": m.Jobs.Purge, "history": m.History.Purge,
	} {
		if err := purge(ctx, id); err != nil {
			return fmt.Errorf("erase %s: %w", what, err)
		}
	}
	m.feeds.Forget(id)
	m.guesses.forget(id)
	return m.Store.Erase(ctx, id)
}

// doSync does the same for one sync; the other one goes on.
func (m *Manager) doSync(ctx context.Context, in *installation.Installation, sync v1.Sync, action string) error {
	if in.Uninstalled {
		return v1.Conflict("the installation is uninstalled", "Reinstall it first.")
	}
	settings := in.Syncs[sync]
	if action != "install" && settings == nil {
		return v1.Conflict("the sync "+string(sync)+" was never installed", "Install it first.")
	}
	switch action {
	case "stop", "start":
		if settings.Uninstalled {
			return v1.Conflict("the sync "+string(sync)+" is uninstalled", "Reinstall it first.")
		}
		return m.stopSync(ctx, in.ID, sync, action == "stop")
	case "uninstall":
		return m.uninstallSync(ctx, in.ID, sync)
	case "erase":
		return m.eraseSync(ctx, in, sync)
	case "install", "reinstall":
		if in.Installed(sync) {
			return v1.Conflict("the sync "+string(sync)+" is installed already", "Nothing needs to be done.")
		}
		return m.installSync(ctx, in, sync)
	default:
		return v1.NotFound("there is no action " + action + " of a sync")
	}
}

func (m *Manager) stopSync(ctx context.Context, id string, sync v1.Sync, stopped bool) error {
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		in.Syncs[sync].Stopped = stopped
		return nil
	})
	if err != nil || stopped {
		return err
	}
	return m.enqueueWaiting(ctx, id)
}

// enqueueWaiting enqueues the records that were reconciled while their sync was stopped: of
// both kinds, since a company may have waited for the contracts sync alone.
func (m *Manager) enqueueWaiting(ctx context.Context, id string) error {
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
		ids, err := m.Ledger.Find(ctx, id, kind, func(s ledger.Summary) bool { return s.Outcome == v1.OutcomeWaiting })
		if err != nil {
			return fmt.Errorf("find waiting records: %w", err)
		}
		if err := m.enqueueManually(ctx, id, kind, ids); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) uninstallSync(ctx context.Context, id string, sync v1.Sync) error {
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		in.Syncs[sync].Uninstalled = true
		return nil
	})
	if err != nil {
		return err
	}
	m.CheckSoon(id) // contacts' webhook goes with the customers sync
	return m.enqueueWaiting(ctx, id)
}

func (m *Manager) installSync(ctx context.Context, in *installation.Installation, sync v1.Sync) error {
	in.Syncs[sync] = &installation.SyncSettings{InstalledAt: m.Now()}
	if _, problem := m.tried(ctx, in); problem != nil {
		return problem
	}
	_, err := m.Store.Change(ctx, in.ID, func(now *installation.Installation) error {
		now.Syncs[sync] = in.Syncs[sync]
		now.PendingJobs = append(now.PendingJobs, installation.PendingJob{Type: job.TypeBackfill, Kinds: kindsOf([]v1.Sync{sync}), By: v1.AskerOf(ctx)})
		return nil
	})
	if err != nil {
		return err
	}
	m.CheckSoon(in.ID)
	m.startPendingNow(ctx, in.ID)
	return nil
}

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

// purgeKinds removes records, stored changes, due entries and dead letters of some kinds, of
// an installation that does not run. Its running jobs may be about to enqueue such records;
// they end, and a backfill of what is left replaces them.
func (m *Manager) purgeKinds(ctx context.Context, in *installation.Installation, kinds []v1.Kind) error {
	left := kindsOf(in.InstalledSyncs())
	running := m.Jobs.Running(in.ID)
	_, err := m.Store.Change(ctx, in.ID, func(now *installation.Installation) error {
		if now.Erased == nil {
			now.Erased = map[v1.Kind]time.Time{}
		}
		for _, kind := range kinds {
			now.Erased[kind] = m.Now().UTC().Round(0)
		}
		if len(left) > 0 && (len(running) > 0 || slices.Contains(kinds, v1.KindCompany)) {
			now.PendingJobs = append(now.PendingJobs, installation.PendingJob{Type: job.TypeBackfill, Kinds: left})
		}
		return nil
	})
	if err != nil {
		return err
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
	dead, err := m.requested(ctx, in.ID, v1.RequeueRequest{All: true})
	if err != nil {
		return fmt.Errorf("find dead letters of a sync: %w", err)
	}
	for _, d := range dead {
		if !slices.Contains(kinds, v1.Kind(d.Kind)) {
			continue
		}
		if err := m.DeadLetters.Drop(ctx, in.ID, d.ID); err != nil {
			return fmt.Errorf("erase dead letters of a sync: %w", err)
		}
	}
	return nil
}

// Restored prepares the installations of a store that was put back from a backup,
// before anything runs on it, and returns how many there are.
//
// What was done after the backup is not in it, so its ledger may say that the
// target has what it had then. A record that was changed meanwhile and changed back would
// look unchanged, and stay wrong for good. Each installation therefore gets a pending resync
// that trusts no fingerprint; one that is stopped or uninstalled keeps it until it works again.
// And the webhooks may have been given new secrets: the next check gives our secret to every
// registration whose id is forgotten.
func Restored(ctx context.Context, store *installation.Store) (int, error) {
	all := store.List()
	for _, in := range all {
		_, err := store.Change(ctx, in.ID, func(in *installation.Installation) error {
			if kinds := kindsOf(in.SelectedSyncs()); len(kinds) > 0 {
				in.PendingJobs = append(in.PendingJobs, installation.PendingJob{Type: job.TypeResync, Kinds: kinds, Force: true})
			}
			for i := range in.Registrations {
				if r := &in.Registrations[i]; !r.Bridge {
					r.ID, r.Moved, r.Touched = 0, installation.Contest{}, installation.Contest{}
				}
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("prepare installation %s: %w", in.ID, err)
		}
	}
	return len(all), nil
}

// forced are the pending jobs that the backfill of a reinstall does not replace: a backfill
// trusts what was pushed last, and these do not.
func forced(pending []installation.PendingJob) []installation.PendingJob {
	return slices.DeleteFunc(slices.Clone(pending), func(j installation.PendingJob) bool { return !j.Force })
}
