package control

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
	"channelsync/sync/issue"
	"channelsync/sync/job"
	"channelsync/sync/watch"
)

// registerSoon is how soon a registration that did not work out is tried again;
// one that the API user has no right to waits for the ordinary check.
const registerSoon = 5 * time.Second

// watchWebhooks keeps the registrations right. Whatever they missed while the
// process or the webhook was away is found by the stamps, which are read after every check.
func (rt *runtime) watchWebhooks(ctx context.Context) {
	if rt.m.PublicURL == "" {
		rt.tried.Store(true)
		rt.issues.Raise(issue.Issue{Code: "no_public_url"})
		return
	}
	for ctx.Err() == nil {
		wait := min(rt.m.Intervals.WebhookCheck, registerSoon)
		rt.failed(ctx, "webhooks", panics.Try(func() error { wait = rt.checkWebhooks(ctx); return nil }))
		progress.Of(ctx).Idle()
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-rt.check:
		case <-t.C:
		}
		t.Stop()
	}
}

// contests raises what others do to the registrations, and clears what they do no more.
func (rt *runtime) contests() {
	in, err := rt.installation()
	if err != nil {
		return
	}
	open := map[string]bool{}
	for _, i := range contested(in) {
		open[i.Code] = true
		rt.issues.Raise(i)
	}
	for _, code := range []string{"webhook_contested", "webhook_disturbed"} {
		if !open[code] {
			rt.issues.Clear(code)
		}
	}
}

// checkWebhooks makes one check and says when the next one is due.
func (rt *runtime) checkWebhooks(ctx context.Context) time.Duration {
	interval := rt.m.Intervals.WebhookCheck
	if rt.paused() {
		return interval
	}
	leave, err := rt.watching.Enter(ctx)
	if err != nil {
		return interval
	}
	defer leave()
	progress.Of(ctx).Busy(progress.Bulk)
	done, err := rt.watcher.RepairWebhooks(ctx, rt.m.PublicURL)
	if errors.Is(err, watch.ErrUserChanges) {
		return registerSoon // whoever changes the user asks for a check besides
	}
	rt.tried.Store(true)
	rt.contests()
	if done != (watch.Registration{}) {
		rt.log.Info("webhooks repaired", zap.Int("created", done.Created), zap.Int("reactivated", done.Reactivated),
			zap.Int("removed", done.Removed), zap.Int("changed", done.Changed), zap.Int("handed_over", done.HandedOver))
	}
	if done.HandedOver > 0 {
		poke(rt.newJob) // the sweep that it is followed by
	}
	switch {
	case err == nil:
		rt.registered.Store(true)
		rt.issues.Clear("webhook_not_allowed")
		rt.issues.Clear("webhook_inactive")
		rt.issues.ClearFrom("webhooks")
		rt.failed(ctx, "missed", rt.readMissed(ctx))
		rt.catchUp.Store(true)
		poke(rt.pollNow)
		return interval
	case errors.Is(err, watch.ErrFormer), errors.Is(err, watch.ErrContested):
		rt.registered.Store(false)
		rt.issues.ClearFrom("webhooks")
		if errors.Is(err, watch.ErrFormer) {
			rt.issues.Raise(issue.Issue{Code: "webhook_former_owner", Source: "webhooks", Detail: err.Error(), NextAt: rt.m.Now().Add(interval)})
		}
		return interval
	case autotask.KindOf(err) == autotask.KindPermission:
		rt.registered.Store(false)
		rt.issues.Raise(issue.Issue{Code: "webhook_not_allowed", Source: "webhooks", Detail: err.Error(), NextAt: rt.m.Now().Add(interval)})
		return interval
	case errors.Is(err, watch.ErrNotReady):
		rt.registered.Store(false)
		rt.issues.Raise(issue.Issue{Code: "webhook_inactive", Source: "webhooks", Detail: err.Error(), NextAt: rt.m.Now().Add(min(interval, registerSoon))})
		return min(interval, registerSoon)
	default:
		rt.registered.Store(false)
		rt.failed(ctx, "webhooks", err)
		return min(interval, registerSoon)
	}
}

// readMissed reads the callouts that Autotask gave up on.
func (rt *runtime) readMissed(ctx context.Context) error {
	n, err := rt.watcher.ReadMissed(ctx)
	if n > 0 {
		rt.log.Info("missed callouts read", zap.Int(v1.LogCount, n))
	}
	if err == nil {
		rt.issues.ClearFrom("missed")
	}
	return err
}

// CheckSoon asks for a check of the registrations; the callback handler calls it.
func (m *Manager) CheckSoon(installation string) {
	if rt := m.runtime(installation); rt != nil {
		poke(rt.check)
	} else if m.Cluster != nil {
		m.tell(topicCheck, installation, struct{}{})
	}
}

// compareParts has the parts of contracts compared that are due. That takes what it
// takes, up to hours, and must hold no poll back; there is one at a time.
func (rt *runtime) compareParts(ctx context.Context) {
	if !rt.watcher.PartsDue() || !rt.comparing.CompareAndSwap(false, true) {
		return
	}
	began := rt.loop(ctx, beatParts, func(ctx context.Context) {
		defer rt.comparing.Store(false)
		rt.beats[beatParts].Busy(progress.Bulk)
		defer rt.beats[beatParts].Idle()
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

// watchStamps polls what no webhook carries, and compares what carries no stamp.
func (rt *runtime) watchStamps(ctx context.Context) {
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
			err := panics.Try(func() error { return rt.pollStamps(ctx) })
			if err != nil {
				rt.catchUp.Store(true)
			}
			rt.failed(ctx, "poll", err)
		}
		rt.failed(ctx, "contracts", panics.Try(func() error { return rt.pollContracts(ctx) }))
		rt.compareParts(ctx)
	})
}

// pollStamps finds the companies and contacts that were stamped since the last
// time. While they are backfilled that would find each of them a second time:
// it is done right after.
func (rt *runtime) pollStamps(ctx context.Context) error {
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

// works is told when a watcher came through: then the worker need not wait any
// longer to find out whether the road is free again.
func (rt *runtime) works(what string) {
	rt.issues.ClearFrom(what)
	rt.worker.Retry()
}

// backfilling says whether the first pass over a kind is still under way.
func (rt *runtime) backfilling(kind v1.Kind) bool {
	_, under := rt.firstPass(kind)
	return under
}

// firstPass returns the first pass over a kind while it is under way.
func (rt *runtime) firstPass(kind v1.Kind) (job.Job, bool) {
	running := rt.m.Jobs.Running(rt.id)
	i := slices.IndexFunc(running, func(j job.Job) bool { return j.Type == job.TypeBackfill && slices.Contains(j.Kinds, kind) })
	if i < 0 {
		return job.Job{}, false
	}
	return running[i], true
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
	if first, under := rt.firstPass(v1.KindContract); under {
		if !first.Listed {
			return nil // its list has whatever a poll would find
		}
		poll = rt.watcher.PollStampedContracts
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
