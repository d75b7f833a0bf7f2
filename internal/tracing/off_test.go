package tracing

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
)

// TestWhatIsNotTracedAllocatesNothing: without a span in the context every helper is a look into it.
func TestWhatIsNotTracedAllocatesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := errors.New("failed")
	var field zap.Field
	for name, do := range map[string]func(){
		"child":  func() { _, span := Child(ctx, "fetch"); span.End() },
		"within": func() { _ = Within(ctx, "fetch", func(context.Context) error { return failed }) },
		"call": func() {
			_, span := Call(ctx, "put client", "PUT", "example")
			Answered(span, 200, "ok", false)
			span.End()
		},
		"ids":         func() { field = IDsOf(ctx) },
		"traceparent": func() { _ = Traceparent(trace.SpanFromContext(ctx)) },
		"recorded":    func() { _ = Recorded("") },
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
	if field != zap.Skip() {
		t.Errorf("a line says %v", field)
	}
}

func TestContextCrossesAsText(t *testing.T) {
	const text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	span := trace.SpanFromContext(Remote(t.Context(), text))
	if got := Traceparent(span); got != text || TraceID(span) != text[3:35] || !Recorded(text) {
		t.Errorf("%s became %s", text, got)
	}
	if links := Links([]string{text, "x", text[:53] + "00"}); len(links) != 1 || links[0].SpanContext.SpanID().String() != text[36:52] {
		t.Errorf("links %v, want the one that is recorded", links)
	}
	if unsampled := text[:53] + "00"; Recorded(unsampled) || Traceparent(trace.SpanFromContext(Remote(t.Context(), unsampled))) != "" {
		t.Error("what is not recorded goes on")
	}
}

func BenchmarkOff(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for b.Loop() {
		_, span := Child(ctx, "publish change")
		span.End()
	}
}
