package telemetry

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// signal is one kind of data, as the names of its variables say it.
type signal string

const (
	traces  signal = "TRACES"
	metrics signal = "METRICS"
)

// on says whether a signal is exported. The standard's default, an endpoint on this machine, would
// have everybody's service knock at a collector that is not there: here somebody must name one.
func (s signal) on() bool {
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	switch env("OTEL_" + string(s) + "_EXPORTER") {
	case "none":
		return false
	case "":
		return env("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || env("OTEL_EXPORTER_OTLP_"+string(s)+"_ENDPOINT") != ""
	}
	return true
}

// check says what is wrong with where a signal goes.
func (s signal) check() []error {
	switch name := "OTEL_" + string(s) + "_EXPORTER"; env(name) {
	case "console":
		return nil
	case "", "otlp":
		return s.checkCollector()
	default:
		return []error{wrong(name, "otlp, console or none; Prometheus reads /metrics of the admin listener")}
	}
}

// Check says which variables would stop the start, each once.
func Check() error {
	var errs []error
	if traces.on() {
		_, err := sampler()
		errs = append(append(traces.check(), err), checkNumbers(spanNumbers()...)...)
	}
	if metrics.on() {
		errs = append(append(errs, metrics.check()...), checkNumbers(metricNumbers()...)...)
	}
	said := map[string]bool{}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool {
		if err == nil || said[err.Error()] {
			return true
		}
		said[err.Error()] = true
		return false
	})...)
}

// protocol is how a signal goes to its collector.
func (s signal) protocol() string { return cmp.Or(env(s.inForce("PROTOCOL")), "http/protobuf") }

func env(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// wrong is the error of a variable that stops the start.
func wrong(name, want string) error { return fmt.Errorf("%s: got %q, want %s", name, env(name), want) }

// sampler is what OTEL_TRACES_SAMPLER asks for. The SDK would go on with another one where the
// value is wrong.
func sampler() (sdktrace.Sampler, error) {
	const name, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	ratio := 1.0
	if arg := env(argument); arg != "" {
		var err error
		if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, wrong(argument, "a share from 0 to 1")
		}
	}
	var asked sdktrace.Sampler
	switch strings.ToLower(env(name)) {
	case "", "parentbased_always_on":
		asked = sdktrace.ParentBased(sdktrace.AlwaysSample())
	case "parentbased_always_off":
		asked = sdktrace.ParentBased(sdktrace.NeverSample())
	case "parentbased_traceidratio":
		asked = sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))
	case "always_on":
		asked = sdktrace.AlwaysSample()
	case "always_off":
		asked = sdktrace.NeverSample()
	case "traceidratio":
		asked = sdktrace.TraceIDRatioBased(ratio)
	default:
		return nil, wrong(name, "always_on, always_off, traceidratio, or one of them with parentbased_ before it")
	}
	return operators{asked}, nil
}
