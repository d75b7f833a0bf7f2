package app

import (
	"context"
	"fmt"
	"time"

	"channelsync/cmd/channelsync/config"
	"channelsync/events"
	"channelsync/sync/notify"
)

// openNotifier opens what was told; nil when nobody is to be told.
func (a *App) openNotifier(ctx context.Context, cfg config.Config, bus *events.Bus, metrics *metrics) (*notify.Notifier, error) {
	if cfg.Notify.URL == "" {
		return nil, nil
	}
	table, err := bus.Table(ctx, events.TableConfig{Name: "notified", History: 1})
	if err != nil {
		return nil, fmt.Errorf("open table notified: %w", err)
	}
	return notify.Open(ctx, notify.Config{
		URL: cfg.Notify.URL, Secret: cfg.Notify.Secret, Source: a.manager, Table: table, Version: a.opts.Version,
		// After a restart an issue is found again by the next poll or check; two of them are enough.
		Settle: 2 * max(cfg.Intervals.ContractPoll, cfg.Intervals.WebhookCheck, 5*time.Minute),
		Count:  metrics.notified, Now: a.opts.Now, Log: a.opts.Log.Named("notify"),
	})
}
