package events

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"channelsync/internal/tracing"
)

// What is done for several changes at once has one span: below that of the first of them that is
// traced, so that it is recorded when one of them is, and linked with those of all others.

const (
	// linksMost is how many other changes an entry names; what it stands for beyond that is in their own traces.
	linksMost = 8
	// tracedAtOnce is how many changes of one publication take its trace along: those of a large
	// customer's contracts would make a trace that nobody can read.
	tracedAtOnce = 50
)

// publishTraced publishes within a span, which the change carries on through the journal.
func (j *Journal) publishTraced(ctx context.Context, c Change, id string) (Receipt, error) {
	ctx, span := tracing.Child(ctx, "publish change",
		trace.WithSpanKind(trace.SpanKindProducer), tracing.Of(c.Installation, string(c.Kind), c.ID))
	defer span.End()
	c.Traceparent = tracing.Traceparent(span)
	receipt, err := j.publish(ctx, c, id, true)
	if err != nil {
		tracing.Fail(span, "")
		return receipt, err
	}
	span.SetAttributes(tracing.Sequence.Int64(int64(receipt.Sequence)), tracing.Place.Int(receipt.Place), tracing.Duplicate.Bool(receipt.Duplicate))
	return receipt, nil
}

func (j *Journal) publishAllTraced(ctx context.Context, changes []Change) error {
	ctx, span := tracing.Child(ctx, "publish changes",
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(tracing.Count.Int(len(changes))))
	defer span.End()
	changes = slices.Clone(changes)
	for i := range changes[:min(len(changes), tracedAtOnce)] {
		changes[i].Traceparent = tracing.Traceparent(span)
	}
	err := j.publishAll(ctx, changes)
	if err != nil {
		tracing.Fail(span, "")
	}
	return err
}

// beginTrace begins the span of a round; nil when none of its changes is traced.
func (r *round) beginTrace(ctx context.Context) (span trace.Span) {
	for _, s := range r.changes {
		if !s.traced {
			continue
		}
		switch publish := trace.SpanFromContext(s.ctx); {
		case !publish.IsRecording(): // its caller left
		case span == nil:
			_, span = tracing.Child(trace.ContextWithSpan(ctx, publish), "store round", trace.WithAttributes(tracing.Count.Int(len(r.changes))))
		default:
			span.AddLink(trace.Link{SpanContext: publish.SpanContext()})
			publish.AddLink(trace.Link{SpanContext: span.SpanContext()})
		}
	}
	return span
}

func (r *round) endTrace(span trace.Span) {
	if span == nil {
		return
	}
	if r.err != nil {
		tracing.Fail(span, "")
	} else {
		span.SetAttributes(tracing.Sequence.Int64(int64(r.sequence)))
	}
	span.End()
}

// beginTrace begins the span of a change that is dispatched, and returns what its entry carries on.
func (l *load) beginTrace(tracer trace.Tracer, c StoredChange) (traceparent string) {
	if tracer == nil || !tracing.Recorded(c.Traceparent) {
		return c.Traceparent
	}
	_, span := tracer.Start(tracing.Remote(context.Background(), c.Traceparent), "dispatch change",
		trace.WithSpanKind(trace.SpanKindConsumer), tracing.Of(c.Installation, string(c.Kind), c.ID),
		trace.WithAttributes(tracing.Sequence.Int64(int64(c.Sequence)), tracing.Place.Int(c.Place), tracing.Trigger.String(string(c.Trigger))))
	l.spans = append(l.spans, span)
	return tracing.Traceparent(span)
}

// enqueue makes the entries of a load due, and ends the spans of its changes.
func (b *Bus) enqueue(ctx context.Context, l *load) error {
	err := b.worklist.Enqueue(ctx, l.entries)
	for _, span := range l.spans {
		if err != nil {
			tracing.Fail(span, "")
		}
		span.End()
	}
	return err
}

// linkWaiting keeps the traces of the entries that others, which are traced, are about to replace.
// What cannot be read is not linked.
func (w *Worklist) linkWaiting(ctx context.Context, entries []DueEntry) []DueEntry {
	if !slices.ContainsFunc(entries, func(e DueEntry) bool { return e.Traceparent != "" }) {
		return entries
	}
	entries = slices.Clone(entries)
	var subjects []string
	at := map[string]int{}
	for i, e := range entries {
		if e.Traceparent == "" {
			continue
		}
		if subject, err := dueSubject(e.Installation, e.Kind, e.lane(), e.ID); err == nil {
			subjects = append(subjects, subject)
			at[subject] = i
		}
	}
	waiting, err := w.DirectLast(ctx, subjects)
	if err != nil {
		w.Log.Debug("read replaced entries failed, their traces are not linked", zap.Error(err))
	}
	for _, msg := range waiting {
		i, ok := at[msg.Subject]
		if e, err := readDueEntry(msg.Subject, msg.Data); err == nil && ok {
			entries[i] = entries[i].Following(e)
		}
	}
	return entries
}

// Following is an entry that stands for what another one stood for, too.
func (e DueEntry) Following(replaced DueEntry) DueEntry {
	if replaced.Traceparent == "" && len(replaced.Links) == 0 {
		return e
	}
	links := slices.Clone(e.Links)
	for _, link := range append(slices.Clone(replaced.Links), replaced.Traceparent) {
		if link != "" && link != e.Traceparent && !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	e.Links = links[max(0, len(links)-linksMost):]
	return e
}
