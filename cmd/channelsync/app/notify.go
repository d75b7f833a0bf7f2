package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"channelsync/cmd/channelsync/config"
	"channelsync/events"
	"channelsync/internal/lifecycle"
	"channelsync/internal/progress"
	"channelsync/sync/notify"
)

// shardEvery is how often an instance checks whether it owns the shard that notifies.
const shardEvery = time.Second

// openNotifier opens the notifications that are stored and returns what notifies; nil without
// a receiver.
func (a *App) openNotifier(ctx context.Context, cfg config.Config, bus *events.Bus, with opened) (func(context.Context), error) {
	if cfg.Notify.URL == "" {
		return nil, nil
	}
	table, err := openTable(ctx, bus, with.auth, tableNotified)
	if err != nil {
		return nil, err
	}
	open := func(ctx context.Context) (*notify.Notifier, error) {
		return notify.Open(ctx, notify.Config{
			URL: cfg.Notify.URL, Secret: cfg.Notify.Secret, Source: a.manager, Table: table, Version: a.opts.Version,
			// After a restart an issue is found again by the next poll or check; two of them are enough.
			Unseen: 2 * max(cfg.Intervals.ContractPoll, cfg.Intervals.WebhookCheck, 5*time.Minute),
			Every:  a.opts.NotifyEvery, Quiet: a.opts.NotifyQuiet,
			Count: with.metrics.notified, Now: a.opts.Now, Log: a.opts.Log.Named("notify"),
		})
	}
	if a.cluster != nil {
		return func(ctx context.Context) { a.notifyWhileOwner(ctx, open) }, nil
	}
	n, err := open(ctx)
	if err != nil {
		return nil, err
	}
	return n.Run, nil
}

// notifyWhileOwner notifies while this instance owns shard 0, so that one instance notifies of
// all installations: two would notify of everything twice.
func (a *App) notifyWhileOwner(ctx context.Context, open func(context.Context) (*notify.Notifier, error)) {
	mine := func() bool { return a.cluster.leases.OwnsShard(0) }
	t := time.NewTicker(shardEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if !mine() {
			continue
		}
		n, err := open(ctx)
		if err != nil {
			a.cluster.log.Warn("open notification state failed, retrying", zap.Error(err))
			continue
		}
		task := lifecycle.New("notifier", func(ctx context.Context) error { n.Run(ctx); return nil })
		task.Start(ctx)
		for mine() && ctx.Err() == nil && task.Err() == nil {
			select {
			case <-ctx.Done():
			case <-task.Done():
			case <-t.C:
			}
		}
		task.End(errStopping)
		<-task.Done()
		if err := task.Err(); err != nil {
			panic(err) // the service logs it, and runs again
		}
		progress.Of(ctx).Idle()
	}
}
