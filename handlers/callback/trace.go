package callback

import (
	"net/http"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	callout "channelsync/api/autotask/callback"
	"channelsync/internal/tracing"
)

// beginTrace begins the span of an authentic delivery, as of when it arrived. What the sender
// says of a trace is believed from here on only, and never for anything unsigned: else anybody
// could have the service record and export what they like.
func (d *delivery) beginTrace() {
	if d.Tracer == nil {
		return
	}
	ctx := d.r.Context()
	if parent := d.r.Header.Get(tracing.Header); parent != "" {
		ctx = tracing.FromSender(ctx, parent)
	}
	ctx, _ = d.Tracer.Start(ctx, "callback",
		trace.WithTimestamp(d.at), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(tracing.Installation.String(d.installation), semconv.HTTPRequestMethodPost))
	d.r, d.traced = d.r.WithContext(ctx), true
}

// noteTrace says how the delivery ended.
func (d *delivery) noteTrace(a answer) {
	if !d.traced {
		return
	}
	span := trace.SpanFromContext(d.r.Context())
	tracing.Answered(span, a.status, a.result, a.status >= http.StatusInternalServerError)
	if kind, known := callout.KindOfEntity(d.change.EntityType); known {
		span.SetAttributes(tracing.Kind.String(string(kind)), tracing.Record.Int64(d.change.ID))
	}
}

func (d *delivery) endTrace() {
	if d.traced {
		trace.SpanFromContext(d.r.Context()).End()
	}
}
