package tracing

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Header is what carries a trace context over HTTP, by W3C Trace Context.
const Header = "Traceparent"

const carried = "traceparent"

// Traceparent is a span's context as text, to be given to whoever goes on; empty when the span
// is not recorded, so that what is not traced leaves no trace in the store either.
func Traceparent(span trace.Span) string {
	if !span.SpanContext().IsSampled() {
		return ""
	}
	text := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(context.Background(), span), text)
	return text[carried]
}

// Remote makes the span that a traceparent names the parent of what begins under the context.
// What is no traceparent changes nothing.
func Remote(ctx context.Context, traceparent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{carried: traceparent})
}

// Recorded says whether a traceparent names a span that is recorded.
func Recorded(traceparent string) bool {
	return traceparent != "" && trace.SpanContextFromContext(Remote(context.Background(), traceparent)).IsSampled()
}

// Links are links with the spans that traceparents name.
func Links(traceparents []string) []trace.Link {
	var links []trace.Link
	for _, text := range traceparents {
		if Recorded(text) {
			links = append(links, trace.LinkFromContext(Remote(context.Background(), text)))
		}
	}
	return links
}

type senderKey struct{}

// FromSender is Remote for what a sender outside of this service says. A sampler knows it by
// IsFromSender: whether to record is for the operator to say.
func FromSender(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(Remote(ctx, traceparent), senderKey{}, true)
}

// IsFromSender says whether the parent of a span that begins was named by a sender.
func IsFromSender(ctx context.Context) bool { return ctx.Value(senderKey{}) != nil }
