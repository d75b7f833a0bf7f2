package control

import (
	"context"
	"slices"

	v1 "channelsync/api/v1"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
	"channelsync/sync/job"
)

// pollLoop polls what no webhook carries, and compares what has no modification time.
func (rt *runtime) pollLoop(ctx context.Context) {
	every(ctx, rt.m.Intervals.Poll, rt.pollNow, func(ctx context.Context) {
		if rt.paused() || !rt.tried.Load() {
			return
		}
		leave, err := rt.watching.Enter(ctx)
		if err != nil {
			return
		}
		defer leave()
		progress.Of(ctx).Busy(progress.Live)
		if !rt.registered.Load() || rt.catchUp.Swap(false) {
			err := panics.Try(func() error { return rt.pollRecords(ctx) })
			if err != nil {
				rt.catchUp.Store(true)
			}
			rt.failed(ctx, "poll", err)
		}
		rt.failed(ctx, "contracts", panics.Try(func() error { return rt.pollContracts(ctx) }))
		rt.compareParts(ctx)
	})
}

// pollRecords finds the companies and contacts that were modified since the last
// time. While they are backfilled that would find each of them a second time:
// it is done right after.
func (rt *runtime) pollRecords(ctx context.Context) error {
	in, err := rt.installation()
	if err != nil {
		return err
	}
	if rt.backfilling(v1.KindCompany) {
		rt.catchUp.Store(true)
		return nil
	}
	uses := in.Uses()
	if uses[v1.KindCompany] {
		if _, err := rt.watcher.PollCompanies(ctx); err != nil {
			return err
		}
	}
	if uses[v1.KindContact] {
		if _, err := rt.watcher.PollContacts(ctx); err != nil {
			return err
		}
	}
	rt.works("poll")
	return nil
}

// pollContracts finds changed contracts and services, and those that change with the day.
func (rt *runtime) pollContracts(ctx context.Context) error {
	in, err := rt.installation()
	if err != nil {
		return err
	}
	if !in.Installed(v1.SyncActiveCustomerContracts) {
		rt.issues.ClearFrom("contracts")
		rt.issues.ClearFrom("parts")
		return nil
	}
	poll := rt.watcher.PollContracts
	if first, under := rt.backfillOf(v1.KindContract); under {
		if !first.Listed {
			return nil // its list has whatever a poll would find
		}
		poll = rt.watcher.PollModifiedContracts
	}
	if err := poll(ctx); err != nil {
		return err
	}
	if err := rt.watcher.PollServices(ctx); err != nil {
		return err
	}
	if err := rt.watcher.PollDays(ctx); err != nil {
		return err
	}
	rt.works("contracts")
	return nil
}

// compareParts has the parts of contracts compared that are due. That takes what it
// takes, up to hours, and must hold no poll back; there is one at a time.
func (rt *runtime) compareParts(ctx context.Context) {
	if !rt.watcher.PartsDue() || !rt.comparing.CompareAndSwap(false, true) {
		return
	}
	began := rt.loop(ctx, partComparison, func(ctx context.Context) {
		defer rt.comparing.Store(false)
		rt.heartbeats[partComparison].Busy(progress.Bulk)
		defer rt.heartbeats[partComparison].Idle()
		err := panics.Try(func() error { return rt.watcher.CompareParts(ctx) })
		if err == nil {
			rt.issues.ClearFrom("parts")
		}
		rt.failed(ctx, "parts", err)
	})
	if began == nil {
		rt.comparing.Store(false)
	}
}

// works notes that a watcher reached Autotask: then the worker need not wait any longer to
// find out whether the upstream has recovered.
func (rt *runtime) works(what string) {
	rt.issues.ClearFrom(what)
	rt.worker.Retry()
}

// backfilling says whether a kind is still being backfilled.
func (rt *runtime) backfilling(kind v1.Kind) bool {
	_, under := rt.backfillOf(kind)
	return under
}

// backfillOf returns the backfill of a kind while it is under way.
func (rt *runtime) backfillOf(kind v1.Kind) (job.Job, bool) {
	running := rt.m.Jobs.Running(rt.id)
	i := slices.IndexFunc(running, func(j job.Job) bool { return j.Type == job.TypeBackfill && slices.Contains(j.Kinds, kind) })
	if i < 0 {
		return job.Job{}, false
	}
	return running[i], true
}
