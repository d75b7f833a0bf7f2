package telemetry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"channelsync/internal/tracing"
)

const (
	// flushWithin bounds what a stop waits for the last metrics to be taken, and then for the last spans.
	flushWithin = 2 * time.Second
	// longestValue cuts attributes, in characters, unless OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT or
	// OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT says otherwise.
	longestValue = 256
)

// Config is what the service gives to be exported.
type Config struct {
	Version string
	Metrics prometheus.Gatherer
	Log     *zap.Logger
}

// Telemetry is what is exported; the zero value exports nothing.
type Telemetry struct {
	// Tracer begins spans; nil: nothing is traced.
	Tracer                  trace.Tracer
	stopTraces, stopMetrics func(context.Context) error // nil: nothing to stop
}

// Open reads the variables and starts what they ask for. A variable that is wrong is an error that
// names it. No collector is asked: one that is away is only told of in the log.
func Open(ctx context.Context, cfg Config) (*Telemetry, error) {
	t := &Telemetry{}
	if !traces.on() && !metrics.on() {
		return t, nil
	}
	if err := Check(); err != nil {
		return nil, err
	}
	report(cfg.Log)
	about, err := resource.New(ctx,
		resource.WithService(), resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("channelsync"), semconv.ServiceVersion(cfg.Version)),
		resource.WithFromEnv()) // last: what it says holds
	if err != nil {
		return nil, wrong("OTEL_RESOURCE_ATTRIBUTES", "key=value, and a comma before each other one")
	}
	for _, open := range []func(context.Context, Config, *resource.Resource) error{t.openTraces, t.openMetrics} {
		if err := open(ctx, cfg, about); err != nil {
			return nil, errors.Join(err, t.Stop(ctx))
		}
	}
	return t, nil
}

func (t *Telemetry) openTraces(ctx context.Context, cfg Config, about *resource.Resource) error {
	if !traces.on() {
		return nil
	}
	sampler, err := sampler()
	if err != nil {
		return err
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return fmt.Errorf("export traces: %w", err)
	}
	limits := sdktrace.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = longestValue
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(about), sdktrace.WithSampler(sampler), sdktrace.WithRawSpanLimits(limits), sdktrace.WithBatcher(exporter))
	t.stopTraces = provider.Shutdown
	t.Tracer = provider.Tracer(tracing.Name)
	cfg.Log.Info("traces are exported", zap.String("protocol", traces.protocol()), zap.String("sampler", sampler.Description()))
	return nil
}

func (t *Telemetry) openMetrics(ctx context.Context, cfg Config, about *resource.Resource) error {
	if !metrics.on() {
		return nil
	}
	exporter, err := metricExporter(ctx)
	if err != nil {
		return fmt.Errorf("export metrics: %w", err)
	}
	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(cfg.Metrics))))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithResource(about), sdkmetric.WithReader(reader))
	t.stopMetrics = provider.Shutdown
	cfg.Log.Info("metrics are exported", zap.String("protocol", metrics.protocol()))
	return nil
}

// metricExporter is chosen here: autoexport takes what it is to read from for the whole process.
func metricExporter(ctx context.Context) (sdkmetric.Exporter, error) {
	switch {
	case env("OTEL_METRICS_EXPORTER") == "console":
		return stdoutmetric.New()
	case metrics.protocol() == "grpc":
		return otlpmetricgrpc.New(ctx)
	default:
		return otlpmetrichttp.New(ctx)
	}
}

// StopMetrics reads the metrics once more and hands them over: what they are read from must be there still.
func (t *Telemetry) StopMetrics(ctx context.Context) error {
	stop := t.stopMetrics
	t.stopMetrics = nil
	return within(ctx, stop)
}

// Stop hands over the spans that are left, and ends the metrics if nobody did. Spans that end later are dropped.
func (t *Telemetry) Stop(ctx context.Context) error {
	return errors.Join(t.StopMetrics(ctx), within(ctx, t.stopTraces))
}

// within leaves a stop behind that does not end.
func within(ctx context.Context, stop func(context.Context) error) error {
	if stop == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, flushWithin, fmt.Errorf("the collector did not take the rest within %s", flushWithin))
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- stop(ctx) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
