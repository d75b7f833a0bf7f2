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

// turnLook is how often an instance looks whether it is its turn to notify.
const turnLook = time.Second

// openNotifier opens what was told and returns what tells; nil when nobody is to be told.
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
			Settle: 2 * max(cfg.Intervals.ContractPoll, cfg.Intervals.WebhookCheck, 5*time.Minute),
			Every:  a.opts.NotifyEvery, Quiet: a.opts.NotifyQuiet,
			Count: with.metrics.notified, Now: a.opts.Now, Log: a.opts.Log.Named("notify"),
		})
	}
	if a.cluster != nil {
		return func(ctx context.Context) { a.notifyInTurn(ctx, open) }, nil
	}
	n, err := open(ctx)
	if err != nil {
		return nil, err
	}
	return n.Run, nil
}

// notifyInTurn tells while this instance holds shard 0, so that one instance tells of
// all installations: two would tell everything twice.
func (a *App) notifyInTurn(ctx context.Context, open func(context.Context) (*notify.Notifier, error)) {
	mine := func() bool { return a.cluster.leases.OwnsShard(0) }
	t := time.NewTicker(turnLook)
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
			a.cluster.log.Warn("what was told is not read; tried again", zap.Error(err))
			continue
		}
		turn := lifecycle.New("notifier", func(ctx context.Context) error { n.Run(ctx); return nil })
		turn.Start(ctx)
		for mine() && ctx.Err() == nil && turn.Err() == nil {
			select {
			case <-ctx.Done():
			case <-turn.Done():
			case <-t.C:
			}
		}
		turn.End(errStopping)
		<-turn.Done()
		if err := turn.Err(); err != nil {
			panic(err) // the service logs it, and runs again
		}
		progress.Of(ctx).Idle()
	}
}
