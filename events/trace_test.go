package events

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	v1 "channelsync/api/v1"
	"channelsync/events/store"
	"channelsync/internal/tracing"
	"channelsync/test/harness"
)

// recorder is a tracer that keeps its spans, and those that have ended, by name.
func recorder() (trace.Tracer, func(name string) []tracetest.SpanStub) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	return provider.Tracer(tracing.Name), func(name string) (named []tracetest.SpanStub) {
		for _, s := range exporter.GetSpans() {
			if s.Name == name {
				named = append(named, s)
			}
		}
		return named
	}
}

func tracedBus(t *testing.T) (*Bus, trace.Tracer, func(string) []tracetest.SpanStub) {
	tracer, spans := recorder()
	return open(t, func(c *store.Config) { c.Tracer = tracer }), tracer, spans
}

// due waits for the entry of a record that is as wanted.
func due(t *testing.T, b *Bus, want func(DueEntry) bool) DueEntry {
	t.Helper()
	var found DueEntry
	harness.Until(t, "the entry", 30*time.Second, func() bool {
		for _, e := range peek(t, b, LaneLive) {
			if want(e) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

func TestTraceCrossesTheJournal(t *testing.T) {
	t.Parallel()
	b, tracer, spans := tracedBus(t)
	ctx, root := tracer.Start(t.Context(), "callback")
	r, err := b.Journal().Publish(ctx, change(1), "a")
	harness.OK(t, err)
	root.End()
	stop := dispatch(t, b)
	e := due(t, b, func(e DueEntry) bool { return e.Traceparent != "" })
	stop()
	publish, round, dispatched := spans("publish change"), spans("store round"), spans("dispatch change")
	if len(publish) != 1 || len(round) != 1 || len(dispatched) != 1 {
		t.Fatalf("spans: %d publish, %d round, %d dispatch; want one of each", len(publish), len(round), len(dispatched))
	}
	for name, child := range map[string]struct{ span, parent trace.SpanContext }{
		"publish":  {publish[0].SpanContext, root.SpanContext()},
		"round":    {round[0].SpanContext, publish[0].SpanContext},
		"dispatch": {dispatched[0].SpanContext, publish[0].SpanContext},
	} {
		if child.span.TraceID() != child.parent.TraceID() {
			t.Errorf("%s is of another trace", name)
		}
	}
	if publish[0].Parent.SpanID() != root.SpanContext().SpanID() || round[0].Parent.SpanID() != publish[0].SpanContext.SpanID() ||
		dispatched[0].Parent.SpanID() != publish[0].SpanContext.SpanID() || !dispatched[0].Parent.IsRemote() {
		t.Errorf("parents: publish %v, round %v, dispatch %v", publish[0].Parent, round[0].Parent, dispatched[0].Parent)
	}
	if want := "00-" + root.SpanContext().TraceID().String() + "-" + dispatched[0].SpanContext.SpanID().String() + "-01"; e.Traceparent != want {
		t.Errorf("the entry goes on with %s, want %s", e.Traceparent, want)
	}
	for _, kv := range publish[0].Attributes {
		if kv.Key == tracing.Sequence && kv.Value.AsInt64() != int64(r.Sequence) {
			t.Errorf("the span says sequence %v, the receipt %d", kv.Value.String(), r.Sequence)
		}
	}
}

func TestRoundIsLinkedWithEveryChangeThatIsTraced(t *testing.T) {
	t.Parallel()
	b, tracer, spans := tracedBus(t)
	r := &round{}
	var published []trace.Span
	for id := range int64(4) {
		line, err := b.Journal().line(change(id), changeKey{})
		harness.OK(t, err)
		s := &submission{installation: inst, line: line}
		if id != 1 { // it is not traced
			var span trace.Span
			s.ctx, span = tracer.Start(t.Context(), "publish change")
			s.traced = true
			published = append(published, span)
		}
		r.changes = append(r.changes, s)
	}
	b.Journal().store(t.Context(), r)
	for _, s := range published {
		s.End()
	}
	stored := spans("store round")
	if r.err != nil || len(stored) != 1 {
		t.Fatalf("stored %v in %d rounds", r.err, len(stored))
	}
	if got := stored[0].Parent.SpanID(); got != published[0].SpanContext().SpanID() {
		t.Errorf("the round is below %s, want the first that is traced", got)
	}
	if len(stored[0].Links) != 2 || stored[0].Links[0].SpanContext.SpanID() != published[1].SpanContext().SpanID() ||
		stored[0].Links[1].SpanContext.SpanID() != published[2].SpanContext().SpanID() {
		t.Errorf("the round is linked with %v", stored[0].Links)
	}
	for _, s := range spans("publish change") {
		first := s.SpanContext.SpanID() == published[0].SpanContext().SpanID()
		if first != (len(s.Links) == 0) || !first && s.Links[0].SpanContext.SpanID() != stored[0].SpanContext.SpanID() {
			t.Errorf("a change is linked with %v", s.Links)
		}
	}
}

// TestEntryIsLinkedWithAllThatItStandsFor has changes of one record that meet in one step of
// dispatch, and one that comes while their entry waits.
func TestEntryIsLinkedWithAllThatItStandsFor(t *testing.T) {
	t.Parallel()
	b, tracer, spans := tracedBus(t)
	publish := func(id string) {
		t.Helper()
		ctx, span := tracer.Start(t.Context(), "callback "+id)
		defer span.End()
		if _, err := b.Journal().Publish(ctx, change(1), id); err != nil {
			t.Fatal(err)
		}
	}
	publish("a")
	publish("b")
	stop := dispatch(t, b)
	e := due(t, b, func(e DueEntry) bool { return e.JournalSequence == 2 && len(e.Links) == 1 })
	publish("c")
	e = due(t, b, func(e DueEntry) bool { return e.JournalSequence == 3 })
	stop()
	dispatched := spans("dispatch change")
	if len(dispatched) != 3 {
		t.Fatalf("%d spans of dispatch, want 3", len(dispatched))
	}
	stands := strings.Join(append(e.Links, e.Traceparent), " ")
	for i, s := range dispatched {
		if !strings.Contains(stands, s.SpanContext.TraceID().String()+"-"+s.SpanContext.SpanID().String()) {
			t.Errorf("the entry names change %d nowhere: %s", i+1, stands)
		}
	}
	if !strings.Contains(e.Traceparent, dispatched[2].SpanContext.SpanID().String()) {
		t.Errorf("the entry goes on with %s, want that of its last change", e.Traceparent)
	}
}

func TestLinksOfAnEntryAreBounded(t *testing.T) {
	t.Parallel()
	var e DueEntry
	for i := range 3 * linksMost {
		e = DueEntry{Traceparent: strings.Repeat("x", i+1)}.Following(e)
	}
	if len(e.Links) != linksMost || e.Links[linksMost-1] != strings.Repeat("x", 3*linksMost-1) {
		t.Errorf("links %q, want the last %d", e.Links, linksMost)
	}
}

func TestWhatIsNotTracedLeavesNothingInTheStore(t *testing.T) {
	t.Parallel()
	b, _, spans := tracedBus(t)
	never, _ := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("").Start(t.Context(), "callback")
	for id, ctx := range map[string]context.Context{"a": t.Context(), "b": never} {
		if _, err := b.Journal().Publish(ctx, change(1), id); err != nil {
			t.Fatal(err)
		}
	}
	stop := dispatch(t, b)
	e := due(t, b, func(e DueEntry) bool { return e.JournalSequence == 2 })
	stop()
	for sequence := range uint64(2) {
		msg, err := b.journal.Handle.GetMsg(t.Context(), sequence+1)
		harness.OK(t, err)
		if bytes.Contains(msg.Data, []byte("traceparent")) {
			t.Errorf("the journal holds %s", msg.Data)
		}
	}
	if e.Traceparent != "" || e.Links != nil || len(spans("dispatch change"))+len(spans("store round")) != 0 {
		t.Errorf("traced: %+v", e)
	}
}

func TestManyDependentsAreNotAllTraced(t *testing.T) {
	t.Parallel()
	b, tracer, _ := tracedBus(t)
	ctx, span := tracer.Start(t.Context(), "commit")
	defer span.End()
	changes := make([]Change, 3*tracedAtOnce)
	for i := range changes {
		changes[i] = Change{Installation: inst, Kind: v1.KindContract, ID: int64(i), Trigger: v1.TriggerDependent}
	}
	harness.OK(t, b.Journal().PublishAll(ctx, changes))
	traced := 0
	err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst}, func(c StoredChange) error {
		if c.Traceparent != "" {
			traced++
		}
		return nil
	})
	if err != nil || traced != tracedAtOnce || changes[0].Traceparent != "" {
		t.Errorf("%d of %d are traced, %v; want %d, and the caller's own left alone", traced, len(changes), err, tracedAtOnce)
	}
}
