package telemetry

import (
	"errors"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	v1 "channelsync/api/v1"
	"channelsync/internal/clip"
)

// reportEvery is how often an error of OpenTelemetry is logged: a collector that is away causes one
// every few seconds.
const reportEvery = time.Minute

// longestError bounds what a collector's answer adds to the log, in bytes.
const longestError = 500

// report sends what OpenTelemetry has to say to the log. That is set for the whole process: it
// offers no other place.
func report(log *zap.Logger) {
	r := &reporter{log: log.Named("telemetry"), often: rate.Sometimes{First: 1, Interval: reportEvery}}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { r.failed("export of traces or metrics failed, the service goes on without", err) }))
	otel.SetLogger(logr.New(r))
}

// reporter logs one error in a while, with how many it left out. It is the sink of OpenTelemetry's own
// log, too: only warnings and errors, without their values, among which are the headers that
// authenticate to the collector.
type reporter struct {
	log   *zap.Logger
	often rate.Sometimes
	left  atomic.Int64
}

func (r *reporter) failed(what string, err error) {
	said := false
	r.often.Do(func() {
		said = true
		r.log.Warn(what, zap.String(v1.LogCause, TextOf(err)), zap.Int64("left_out", r.left.Swap(0)))
	})
	if !said {
		r.left.Add(1)
	}
}

// TextOf is what an error says, without the address that was called: it may have a secret in it.
func TextOf(err error) string {
	if err == nil {
		return ""
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return clip.Text(err.Error(), longestError)
}

// Init and the others make it a logr.LogSink.
func (r *reporter) Init(logr.RuntimeInfo) {}

// Enabled: 1 is a warning; more is for those who work on OpenTelemetry.
func (r *reporter) Enabled(level int) bool { return level <= 1 }

func (r *reporter) Info(_ int, msg string, _ ...any) { r.failed(msg, nil) }

func (r *reporter) Error(err error, msg string, _ ...any) { r.failed(msg, err) }

func (r *reporter) WithValues(...any) logr.LogSink { return r }

func (r *reporter) WithName(string) logr.LogSink { return r }
