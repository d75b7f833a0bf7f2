package app

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/telemetry"
)

// openTelemetry starts what the OTEL_* variables ask for, before all that it shows. The tracer is
// nil when nothing is traced.
func (a *App) openTelemetry(ctx context.Context, metrics *metrics) (trace.Tracer, error) {
	exported, err := telemetry.Open(ctx, telemetry.Config{Version: a.opts.Version, Metrics: metrics.registry, Log: a.opts.Log})
	if err != nil {
		return nil, fmt.Errorf("open telemetry: %w", err)
	}
	a.defers("telemetry", func(ctx context.Context) error {
		if err := exported.Stop(ctx); err != nil { // whoever takes it being away is no failure of the service
			a.opts.Log.Warn("the last traces and metrics were not taken", zap.String(v1.LogCause, telemetry.TextOf(err)))
		}
		return nil
	})
	return exported.Tracer, nil
}
