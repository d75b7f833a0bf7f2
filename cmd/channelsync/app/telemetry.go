package app

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/telemetry"
)

// openTelemetry starts what the OTEL_* variables ask for, before all that it shows: the spans of a
// stop are handed over last.
func (a *App) openTelemetry(ctx context.Context, metrics *metrics) (*telemetry.Telemetry, error) {
	exported, err := telemetry.Open(ctx, telemetry.Config{Version: a.opts.Version, Metrics: metrics.registry, Log: a.opts.Log})
	if err != nil {
		return nil, fmt.Errorf("open telemetry: %w", err)
	}
	a.handsOver("traces", exported.Stop)
	return exported, nil
}

// handsOver is a cleanup for what a collector takes. That it is away is no failure of the service.
func (a *App) handsOver(what string, stop func(context.Context) error) {
	a.defers(what, func(ctx context.Context) error {
		if err := stop(ctx); err != nil {
			a.opts.Log.Warn("export the last "+what+" failed, they are lost", zap.String(v1.LogCause, telemetry.TextOf(err)))
		}
		return nil
	})
}
