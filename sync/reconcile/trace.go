package reconcile

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/tracing"
	"channelsync/sync/upstream"
)

// trail are the spans of records that are worked on together: one for each that is traced, in the
// trace of its own change, and one for the batch, below that of the first of them and linked with
// all others. What is done for one record alone is in its trace, what is done for several in the
// batch's. Nil: none of them is traced.
type trail struct {
	records map[int64]trace.Span
	batch   trace.Span
}

// traced does work on due entries within their spans. One that panics leaves them marked as failed.
func (r *Reconciler) traced(ctx context.Context, kind v1.Kind, due []events.DueEntry, work func(context.Context, *trail) error) error {
	ctx, t := r.beginTrail(ctx, kind, due)
	if t == nil {
		return work(ctx, nil)
	}
	code := upstream.CodeInternal
	defer func() { t.end(code) }()
	err := work(ctx, t)
	if code = ""; err != nil {
		code = upstream.FailureOf(err, r.Now()).Code
	}
	return err
}

func (r *Reconciler) beginTrail(ctx context.Context, kind v1.Kind, due []events.DueEntry) (context.Context, *trail) {
	if r.Tracer == nil {
		return ctx, nil
	}
	var t *trail
	for _, d := range due {
		if !tracing.Recorded(d.Traceparent) {
			continue
		}
		under, span := r.Tracer.Start(tracing.Remote(ctx, d.Traceparent), "reconcile record", tracing.Of(d.Installation, string(kind), d.ID),
			trace.WithLinks(tracing.Links(d.Links)...), trace.WithAttributes(
				tracing.Trigger.String(string(d.Trigger)), tracing.Attempt.Int(d.Attempt),
				tracing.Sequence.Int64(int64(d.JournalSequence)), tracing.Place.Int(d.JournalPlace)))
		if t == nil {
			t = &trail{records: map[int64]trace.Span{}}
			ctx, t.batch = r.Tracer.Start(under, "reconcile batch", trace.WithAttributes(
				tracing.Installation.String(d.Installation), tracing.Kind.String(string(kind)), tracing.Count.Int(len(due))))
		} else {
			t.batch.AddLink(trace.Link{SpanContext: span.SpanContext()})
			span.AddLink(trace.Link{SpanContext: t.batch.SpanContext()})
		}
		t.records[d.ID] = span
	}
	return ctx, t
}

// end ends all spans; a code says why what is not decided was not. One that is decided stays well.
func (t *trail) end(code string) {
	t.batch.End()
	for _, span := range t.records {
		if code != "" {
			tracing.Fail(span, code)
		}
		span.End()
	}
}

// of is the span of a record; one that does nothing when it is not traced.
func (t *trail) of(id int64) trace.Span {
	if t != nil {
		if span, ok := t.records[id]; ok {
			return span
		}
	}
	return trace.SpanFromContext(context.Background())
}

// decided notes what became of a record.
func (t *trail) decided(it *item) {
	span := t.of(it.due.ID)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(tracing.Outcome.String(string(it.outcome)), tracing.Pushed.Bool(it.pushed))
	if it.failure != nil {
		tracing.Fail(span, it.failure.code)
		return
	}
	span.SetAttributes(tracing.Reasons.StringSlice(it.entry.Reasons))
	span.SetStatus(codes.Ok, "")
}

// beginPush begins the span of a request with records in it.
func (t *trail) beginPush(ctx context.Context, ids []int64) (context.Context, trace.Span) {
	var links []trace.Link
	if t != nil && len(ids) == 1 && t.records[ids[0]] != nil {
		ctx = trace.ContextWithSpan(ctx, t.records[ids[0]])
	} else if t != nil {
		for _, id := range ids {
			if span, ok := t.records[id]; ok {
				links = append(links, trace.Link{SpanContext: span.SpanContext()})
			}
		}
	}
	return tracing.Child(ctx, "push", trace.WithLinks(links...), trace.WithAttributes(tracing.Count.Int(len(ids))))
}
