package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Name is what the spans' tracer is called.
const Name = "channelsync"

// The attributes of spans. Their values are ids, counts and words of the API.
const (
	Installation = attribute.Key("channelsync.installation")
	Kind         = attribute.Key("channelsync.record.kind")
	Record       = attribute.Key("channelsync.record.id")
	Trigger      = attribute.Key("channelsync.trigger")
	Result       = attribute.Key("channelsync.result") // how a delivery or a call ended
	Outcome      = attribute.Key("channelsync.outcome")
	Reasons      = attribute.Key("channelsync.reasons")
	Code         = attribute.Key("channelsync.failure")
	Attempt      = attribute.Key("channelsync.attempt")
	Pushed       = attribute.Key("channelsync.pushed")
	Answer       = attribute.Key("channelsync.target.outcome") // Channel Program's word on one record
	Count        = attribute.Key("channelsync.count")
	Sequence     = attribute.Key("channelsync.journal.sequence")
	Place        = attribute.Key("channelsync.journal.place")
	Duplicate    = attribute.Key("channelsync.duplicate")
	Entity       = attribute.Key("channelsync.autotask.entity")
)

// Of names the record that a span is about.
func Of(installation, kind string, id int64) trace.SpanStartEventOption {
	return trace.WithAttributes(Installation.String(installation), Kind.String(kind), Record.Int64(id))
}

// Child begins a span below the one in the context; without one that is recorded it begins none,
// and what it returns does nothing.
func Child(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return parent.TracerProvider().Tracer(Name).Start(ctx, name, opts...)
}

// Within does a part of the work in a span below the one in the context. An error marks the
// span; its text, which may be anybody's, stays out.
func Within(ctx context.Context, name string, work func(context.Context) error) error {
	ctx, span := Child(ctx, name)
	defer span.End()
	err := work(ctx)
	if err != nil {
		Fail(span, "")
	}
	return err
}

// Call begins the span of a request to an upstream.
func Call(ctx context.Context, name, method, host string) (context.Context, trace.Span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return Child(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.HTTPRequestMethodKey.String(method), semconv.ServerAddress(host)))
}

// Answered notes what a call came to: the status of the answer, 0 for none, and the word for it.
func Answered(span trace.Span, status int, result string, failed bool) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(Result.String(result))
	if status != 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	}
	if failed {
		Fail(span, result)
	}
}

// Fail marks a span as failed; the code is one of our own words.
func Fail(span trace.Span, code string) { span.SetStatus(codes.Error, code) }

// TraceID is the id of a span's trace; empty when the span is not recorded.
func TraceID(span trace.Span) string {
	if !span.SpanContext().IsSampled() {
		return ""
	}
	return span.SpanContext().TraceID().String()
}

// IDs is the field of a log line that names the span: its trace_id and span_id. It is none when
// the span is not recorded.
func IDs(span trace.Span) zap.Field {
	if !span.SpanContext().IsSampled() {
		return zap.Skip()
	}
	return zap.Inline(ids{span.SpanContext()})
}

// IDsOf is IDs of the span in the context.
func IDsOf(ctx context.Context) zap.Field { return IDs(trace.SpanFromContext(ctx)) }

type ids struct{ trace.SpanContext }

// The keys that log collectors know, by the data model of OpenTelemetry's logs in JSON.
const (
	logTrace = "trace_id"
	logSpan  = "span_id"
)

func (i ids) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString(logTrace, i.TraceID().String())
	enc.AddString(logSpan, i.SpanID().String())
	return nil
}
