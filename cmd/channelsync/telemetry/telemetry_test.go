package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"channelsync/internal/tracing"
	"channelsync/test/harness"
	"channelsync/test/harness/collector"
)

func TestMain(m *testing.M) { harness.Main(m) }

// given sets the variables of a test, as "NAME=value NAME=value".
func given(t *testing.T, variables string) {
	t.Helper()
	for _, v := range strings.Fields(variables) {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}

func open(t *testing.T) (*Telemetry, error) {
	t.Helper()
	return Open(t.Context(), Config{Version: "1", Metrics: prometheus.NewRegistry(), Log: zap.NewNop()})
}

// stop ends an export that nobody takes.
func stop(t *testing.T, exported *Telemetry) { _ = exported.Stop(t.Context()) }

func TestNothingIsExportedUntilAskedFor(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 "
	for _, tc := range []struct {
		variables       string
		traces, metrics bool
	}{
		{"", false, false},
		{"OTEL_SERVICE_NAME=x OTEL_TRACES_SAMPLER=always_on OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false, false},
		{endpoint, true, true},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1/v1/traces", true, false},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:1/v1/metrics", false, true},
		{endpoint + "OTEL_METRICS_EXPORTER=none", true, false},
		{endpoint + "OTEL_TRACES_EXPORTER=none", false, true},
		{endpoint + "OTEL_SDK_DISABLED=true", false, false},
		{endpoint + "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", true, true},
		{"OTEL_TRACES_EXPORTER=otlp", true, false},
	} {
		t.Run(tc.variables, func(t *testing.T) {
			given(t, tc.variables)
			exported, err := open(t)
			harness.OK(t, err)
			if got := exported.Tracer != nil; got != tc.traces {
				t.Errorf("traced: %v, want %v", got, tc.traces)
			}
			if got := exported.stopMetrics != nil; got != tc.metrics {
				t.Errorf("metrics are exported: %v, want %v", got, tc.metrics)
			}
			stop(t, exported)
		})
	}
}

func TestWrongVariableStopsTheStartAndIsNamed(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 "
	for variables, want := range map[string]string{
		"OTEL_TRACES_EXPORTER=zipkin":                                                            `OTEL_TRACES_EXPORTER: got "zipkin"`,
		"OTEL_METRICS_EXPORTER=prometheus":                                                       "Prometheus reads /metrics",
		endpoint + "OTEL_EXPORTER_OTLP_PROTOCOL=http/json":                                       "http/json",
		endpoint + "OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_PROTOCOL=http/json":             "OTEL_EXPORTER_OTLP_PROTOCOL",
		endpoint + "OTEL_TRACES_SAMPLER=sometimes":                                               "OTEL_TRACES_SAMPLER",
		endpoint + "OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=10%":                "OTEL_TRACES_SAMPLER_ARG",
		endpoint + "OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=1.5":                "OTEL_TRACES_SAMPLER_ARG",
		endpoint + "OTEL_TRACES_SAMPLER=parentbased_traceidratio OTEL_TRACES_SAMPLER_ARG=NaN":    "OTEL_TRACES_SAMPLER_ARG",
		endpoint + "OTEL_RESOURCE_ATTRIBUTES=name-without-a-value OTEL_EXPORTER_OTLP_TIMEOUT=10": "OTEL_RESOURCE_ATTRIBUTES",
	} {
		t.Run(variables, func(t *testing.T) {
			given(t, variables)
			if _, err := open(t); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error that says %s", err, want)
			}
		})
	}
}

func TestNumberOutOfRangeStopsTheStartAndIsNamed(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 "
	for _, n := range append(append(spanNumbers(), metricNumbers()...),
		number{"OTEL_EXPORTER_OTLP_TIMEOUT", 1, longestTime},
		number{"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", 1, longestTime},
		number{"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", 1, longestTime}) {
		for _, value := range []string{"-1", "99999999999999", "99999999999999999999", "1.5", "5s", "many", fmt.Sprint(n.least - 1), fmt.Sprint(n.most + 1)} {
			t.Run(n.name+"="+value, func(t *testing.T) {
				given(t, endpoint+n.name+"="+value)
				want := fmt.Sprintf("%s: got %q, want a whole number from %d to %d", n.name, value, n.least, n.most)
				if _, err := open(t); err == nil || err.Error() != want {
					t.Errorf("got %v\nwant %s", err, want)
				}
			})
		}
		for _, value := range []string{"", fmt.Sprint(n.least), fmt.Sprint(n.most)} {
			t.Run(n.name+"="+value, func(t *testing.T) {
				given(t, endpoint+n.name+"="+value)
				exported, err := open(t)
				harness.OK(t, err)
				stop(t, exported)
			})
		}
	}
	t.Run("a space that the SDK does not take", func(t *testing.T) {
		given(t, endpoint)
		t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", " 5")
		if err := Check(); err == nil || !strings.Contains(err.Error(), `OTEL_BSP_MAX_QUEUE_SIZE: got " 5"`) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a batch larger than its queue", func(t *testing.T) {
		given(t, endpoint+"OTEL_BSP_MAX_QUEUE_SIZE=4 OTEL_BSP_MAX_EXPORT_BATCH_SIZE=5")
		if err := Check(); err == nil || !strings.Contains(err.Error(), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: got \"5\", want a whole number from 1 to 4") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("of no matter", func(t *testing.T) {
		given(t, endpoint+"OTEL_TRACES_EXPORTER=none OTEL_BSP_MAX_QUEUE_SIZE=-1 OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=-1")
		if err := Check(); err != nil {
			t.Error(err)
		}
	})
}

// TestSenderDecidesNothingTheOperatorDoesNotAllow: what a sender says can leave its callback out,
// and never has one recorded that the operator's share leaves out, whatever ids it makes up.
func TestSenderDecidesNothingTheOperatorDoesNotAllow(t *testing.T) {
	low := "00-" + strings.Repeat("0", 31) + "1-b7ad6b7169203331" // the id that every ratio but 0 takes
	for _, tc := range []struct {
		sampler, share, parent string
		least, most            int // of a thousand
	}{
		{"", "", low + "-01", 1000, 1000},
		{"", "", low + "-00", 0, 0},
		{"", "", "", 1000, 1000},
		{"always_on", "", low + "-00", 1000, 1000},
		{"always_off", "", low + "-01", 0, 0},
		{"parentbased_always_off", "", low + "-01", 0, 0},
		{"parentbased_traceidratio", "0", low + "-01", 0, 0},
		{"parentbased_traceidratio", "0.1", low + "-01", 30, 200},
		{"parentbased_traceidratio", "0.1", low + "-00", 0, 0},
		{"parentbased_traceidratio", "0.1", "", 30, 200},
		{"traceidratio", "0.1", low + "-01", 30, 200},
		{"traceidratio", "0.1", low + "-00", 30, 200},
	} {
		t.Run(fmt.Sprint(tc.sampler, " ", tc.share, " ", tc.parent), func(t *testing.T) {
			t.Setenv("OTEL_TRACES_SAMPLER", tc.sampler)
			t.Setenv("OTEL_TRACES_SAMPLER_ARG", tc.share)
			asked, err := sampler()
			harness.OK(t, err)
			tracer := sdktrace.NewTracerProvider(sdktrace.WithSampler(asked)).Tracer("")
			recorded := 0
			for range 1000 {
				ctx, span := tracer.Start(tracing.FromSender(t.Context(), tc.parent), "callback")
				_, child := tracer.Start(ctx, "publish change")
				if tc.sampler != "traceidratio" && child.SpanContext().IsSampled() != span.SpanContext().IsSampled() {
					t.Fatal("a part of the trace is recorded without the rest")
				}
				if span.SpanContext().IsSampled() {
					recorded++
				}
			}
			if recorded < tc.least || recorded > tc.most {
				t.Errorf("%d of 1000 are recorded, want %d to %d", recorded, tc.least, tc.most)
			}
		})
	}
}

func TestStopWaitsForNoCollectorThatHangs(t *testing.T) {
	hanging, release := collector.StartHanging(t)
	given(t, "OTEL_METRICS_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT="+hanging.URL)
	exported, err := open(t)
	harness.OK(t, err)
	_, span := exported.Tracer.Start(t.Context(), "callback")
	span.End()
	began := time.Now()
	if err := exported.Stop(t.Context()); err == nil {
		t.Error("the rest was taken")
	}
	if took := time.Since(began); took > 10*flushWithin {
		t.Errorf("the stop took %s, want about %s", took, flushWithin)
	}
	release()
}

func TestStopHandsOverTheRest(t *testing.T) {
	received := collector.Start(t)
	given(t, "OTEL_METRICS_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT="+received.URL)
	exported, err := open(t)
	harness.OK(t, err)
	_, span := exported.Tracer.Start(t.Context(), "callback", trace.WithAttributes(tracing.Result.String(strings.Repeat("x", 10_000))))
	span.End()
	harness.OK(t, exported.Stop(t.Context()))
	spans := received.Spans()
	if len(spans) != 1 || len(spans[0].Attributes["channelsync.result"]) != longestValue {
		t.Errorf("received %+v, want one span with its attribute cut", spans)
	}
}

// TestErrorsAreToldNowAndThen has a collector away for an hour, with a secret in its address.
func TestErrorsAreToldNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, lines := observer.New(zap.DebugLevel)
		report(zap.New(core))
		for range 3600 {
			otel.Handle(&url.Error{Op: "Post", URL: "https://collector.example/v1/traces?key=hush", Err: errors.New("connection refused")})
			<-time.After(time.Second)
		}
		if n := lines.Len(); n < 55 || n > 65 {
			t.Errorf("%d lines in an hour, want one a minute", n)
		}
		for _, l := range lines.All() {
			if text := fmt.Sprint(l.ContextMap()); strings.Contains(text, "hush") || !strings.Contains(text, "connection refused") {
				t.Fatalf("a line says %s", text)
			}
		}
	})
}

func TestValuesOfVariablesAreNotLogged(t *testing.T) {
	core, lines := observer.New(zap.DebugLevel)
	given(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_HEADERS=api-key:hush,x=%zzhush")
	exported, err := Open(t.Context(), Config{Version: "1", Metrics: prometheus.NewRegistry(), Log: zap.New(core)})
	harness.OK(t, err)
	stop(t, exported)
	if lines.FilterMessage("parse headers").Len() == 0 {
		t.Errorf("a wrong header is not told of: %v", lines.All())
	}
	for _, l := range lines.All() {
		if text := l.Message + fmt.Sprint(l.ContextMap()); strings.Contains(text, "hush") {
			t.Errorf("a line holds a header: %s", text)
		}
	}
}
