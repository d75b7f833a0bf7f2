package reconcile

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/tracing"
	"channelsync/test/harness"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// traces keeps the spans of a bench and the traceparents that the vendors were given.
type traces struct {
	*tracetest.InMemoryExporter
	tracer trace.Tracer

	mu    sync.Mutex
	given map[string][]string // by method and the path's first segment
}

func newTracedBench(t *testing.T) (*bench, *traces) {
	exporter := tracetest.NewInMemoryExporter()
	tr := &traces{
		InMemoryExporter: exporter, given: map[string][]string{},
		tracer: sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)).Tracer(tracing.Name),
	}
	b := newBench(t, setup{change: func(c *Config) { c.Tracer = tr.tracer }, asking: func(r *http.Request) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		vendor := strings.Split(r.URL.Path, "/")[1] // atservicesrest or v1
		tr.given[vendor] = append(tr.given[vendor], r.Header.Get("Traceparent"))
	}})
	return b, tr
}

// change is a change whose trace begins here, and its trace's id.
func (tr *traces) change(t *testing.T) (traceparent, id string) {
	_, span := tr.tracer.Start(t.Context(), "dispatch change")
	span.End()
	return tracing.Traceparent(span), span.SpanContext().TraceID().String()
}

func (tr *traces) reconcile(b *bench, due []events.DueEntry) {
	b.t.Helper()
	harness.OK(b.t, b.rec.Batch(b.t.Context(), v1.KindCompany, due))
}

func (tr *traces) named(name string) (named []tracetest.SpanStub) {
	for _, s := range tr.GetSpans() {
		if s.Name == name {
			named = append(named, s)
		}
	}
	return named
}

func attribute(s tracetest.SpanStub, key string) string {
	for _, kv := range s.Attributes {
		if string(kv.Key) == key {
			return kv.Value.String()
		}
	}
	return ""
}

func TestTraceOfOneRecordEndsWithTheTargetsAnswer(t *testing.T) {
	b, tr := newTracedBench(t)
	company := b.customer("Acme")
	traceparent, id := tr.change(t)
	due := b.due(v1.KindCompany, company)
	due[0].Traceparent = traceparent
	tr.reconcile(b, due)

	parents := map[string]string{
		"reconcile record": "dispatch change", "reconcile batch": "reconcile record", "fetch": "reconcile batch", "decide": "reconcile batch",
		"project": "reconcile batch", "commit": "reconcile batch", "push": "reconcile record", "Channel Program: put client": "push",
	}
	names := map[trace.SpanID]string{}
	for _, s := range tr.GetSpans() {
		names[s.SpanContext.SpanID()] = s.Name
		if s.SpanContext.TraceID().String() != id {
			t.Errorf("%s is of another trace", s.Name)
		}
	}
	for name, parent := range parents {
		spans := tr.named(name)
		if len(spans) != 1 || names[spans[0].Parent.SpanID()] != parent {
			t.Errorf("%d spans %q, want one below %q", len(spans), name, parent)
		}
	}
	if s := tr.named("Autotask: query Companies"); len(s) != 1 || names[s[0].Parent.SpanID()] != "fetch" {
		t.Errorf("the query of companies: %+v", s)
	}
	record, call := tr.named("reconcile record")[0], tr.named("Channel Program: put client")[0]
	if attribute(record, "channelsync.outcome") != "pushed" || attribute(record, "channelsync.target.outcome") != "created" || record.Status.Code != codes.Ok {
		t.Errorf("the record's span: %v %v", record.Attributes, record.Status)
	}
	want := fmt.Sprintf("00-%s-%s-01", id, call.SpanContext.SpanID())
	if given := tr.given["v1"]; len(given) == 0 || given[len(given)-1] != want {
		t.Errorf("Channel Program was given %q, want %s", given, want)
	}
	for _, given := range tr.given["atservicesrest"] {
		if given != "" {
			t.Errorf("Autotask was given a traceparent: %s", given)
		}
	}
	for _, step := range b.entry(v1.KindCompany, company).Timeline {
		if step.TraceID != id {
			t.Errorf("the timeline's %s names trace %q, want %s", step.Step, step.TraceID, id)
		}
	}
}

func TestBatchIsLinkedWithEveryRecordThatIsTraced(t *testing.T) {
	b, tr := newTracedBench(t)
	first, untraced := b.customer("One"), b.customer("Two")
	due := b.due(v1.KindCompany, first, untraced, b.customer("Three"))
	ids := map[string]string{}
	for i := range due {
		if due[i].ID != untraced {
			due[i].Traceparent, ids[fmt.Sprint(due[i].ID)] = tr.change(t)
		}
	}
	other, _ := tr.change(t)
	due[2].Links = []string{other}
	tr.reconcile(b, due)

	batch, records := tr.named("reconcile batch"), tr.named("reconcile record")
	if len(batch) != 1 || len(records) != 2 {
		t.Fatalf("%d batches, %d records", len(batch), len(records))
	}
	for _, s := range records {
		record := attribute(s, "channelsync.record.id")
		if s.SpanContext.TraceID().String() != ids[record] {
			t.Errorf("record %s is in another trace than its change", record)
		}
		if record == fmt.Sprint(first) {
			if batch[0].Parent.SpanID() != s.SpanContext.SpanID() {
				t.Error("the batch is not below its first record")
			}
			continue
		}
		if len(batch[0].Links) != 1 || batch[0].Links[0].SpanContext.SpanID() != s.SpanContext.SpanID() {
			t.Errorf("the batch is linked with %v, want its other record", batch[0].Links)
		}
		if len(s.Links) != 2 || !strings.Contains(other, s.Links[0].SpanContext.SpanID().String()) || s.Links[1].SpanContext.SpanID() != batch[0].SpanContext.SpanID() {
			t.Errorf("record %s is linked with %v, want the change before it and the batch", record, s.Links)
		}
	}
	push := tr.named("push")
	if len(push) != 1 || push[0].Parent.SpanID() != batch[0].SpanContext.SpanID() || len(push[0].Links) != 2 {
		t.Errorf("the push: %+v", push)
	}
	if e := b.entry(v1.KindCompany, untraced); len(e.Timeline) == 0 || e.Timeline[0].TraceID != "" {
		t.Errorf("what is not traced has the timeline %+v", e.Timeline)
	}
}

func TestSpansSayWhatFailedAndNobodysText(t *testing.T) {
	b, tr := newTracedBench(t)
	company := b.customer("Acme Secret Client")
	b.fault(cpsim.Fault{Kind: cpsim.FaultRejectItems, ExternalIDs: []string{fmt.Sprint(company)}, Code: "invalid", Pointer: "/name", Detail: "Acme Secret Client is no name."})
	due := b.due(v1.KindCompany, company)
	due[0].Traceparent, _ = tr.change(t)
	tr.reconcile(b, due)
	record := tr.named("reconcile record")[0]
	if record.Status.Code != codes.Error || record.Status.Description == "" || attribute(record, "channelsync.outcome") != "dead" {
		t.Errorf("the record's span: %v, %v", record.Status, record.Attributes)
	}
	for _, s := range tr.GetSpans() {
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, "Acme") || strings.Contains(text, "secret-0123456789") || strings.Contains(text, "token-0123456789") {
			t.Errorf("%s holds a client's name or a secret: %s", s.Name, text)
		}
	}
}

// TestTraceGoesOnFromAContactToItsCompany: the contact's record span is above that of the company's.
func TestTraceGoesOnFromAContactToItsCompany(t *testing.T) {
	b, tr := newTracedBench(t)
	company := b.customer("Acme")
	due := b.due(v1.KindContact, b.contact(company, "ann@acme.example"), b.contact(company, "bob@acme.example"))
	ids := map[string]bool{}
	for i := range due {
		traceparent, id := tr.change(t)
		due[i].Traceparent, ids[id] = traceparent, true
	}
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindContact, due))
	entries, err := b.bus.Worklist().Peek(t.Context(), inst, v1.KindCompany, events.LaneLive, events.PeekMax)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d companies are due, %v", len(entries), err)
	}
	stands := append(entries[0].Links, entries[0].Traceparent)
	records := tr.named("reconcile record")
	if len(stands) != 2 || len(records) != 2 {
		t.Fatalf("the company stands for %v, after %d contacts", stands, len(records))
	}
	for _, s := range records {
		if !ids[s.SpanContext.TraceID().String()] || !strings.Contains(strings.Join(stands, " "), s.SpanContext.SpanID().String()) {
			t.Errorf("contact %s goes on nowhere: %v", attribute(s, "channelsync.record.id"), stands)
		}
	}
}
