package callback

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/internal/tracing"
)

const (
	givenTrace  = "0af7651916cd43dd8448eb211c80319c"
	givenSpan   = "b7ad6b7169203331"
	givenParent = "00-" + givenTrace + "-" + givenSpan + "-01"
)

// traced serves one request with a tracer that records all, and returns its spans and log lines.
func traced(t *testing.T, w *env, r *http.Request) (tracetest.SpanStubs, []observer.LoggedEntry) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	core, lines := observer.New(zap.DebugLevel)
	cfg := w.config()
	cfg.Tracer, cfg.Log = provider.Tracer(tracing.Name), zap.New(core)
	serve(w.handler(cfg), r)
	return exporter.GetSpans(), lines.All()
}

func TestSenderIsBelievedOnceItsSignatureIsRight(t *testing.T) {
	signed := func() *http.Request { return request(main(live), companySecret, envelope()) }
	for _, tc := range []struct {
		name    string
		request *http.Request
		parent  string
		spans   int
		parents string // the parent's span id
	}{
		{"signed", signed(), givenParent, 1, givenSpan},
		{"signed, without one", signed(), "", 1, ""},
		{"signed, a later version with more to it", signed(), "01" + givenParent[2:] + "-x", 1, givenSpan},
		{"signed, in upper case", signed(), strings.ToUpper(givenParent), 1, ""},
		{"signed, no trace", signed(), "00-" + strings.Repeat("0", 32) + givenParent[35:], 1, ""},
		{"signed, no span", signed(), givenParent[:36] + strings.Repeat("0", 16) + "-01", 1, ""},
		{"signed, anything", signed(), "x", 1, ""},
		{"signed, 8 KiB", signed(), strings.Repeat("0", 8<<10), 1, ""},
		{"unsigned", request(main(live), "", envelope()), givenParent, 0, ""},
		{"forged", request(main(live), "forged", envelope()), givenParent, 0, ""},
		{"unknown installation", request(main(nowhere), companySecret, envelope()), givenParent, 0, ""},
		{"a hint that nobody signed", request(deactivated(live), "", ""), givenParent, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spans, lines := traced(t, newEnv(), withHeader(tc.request, tracing.Header, tc.parent))
			if len(spans) != tc.spans {
				t.Fatalf("%d spans, want %d", len(spans), tc.spans)
			}
			logged := lines[len(lines)-1].ContextMap()
			if tc.spans == 0 {
				if logged["trace_id"] != nil {
					t.Errorf("the line names a trace: %v", logged)
				}
				return
			}
			span := spans[0]
			got := ""
			if span.Parent.IsValid() {
				got = span.Parent.SpanID().String()
			}
			if got != tc.parents || (tc.parents != "" && span.SpanContext.TraceID().String() != givenTrace) {
				t.Errorf("the span is %s below %q, want %q", span.SpanContext.TraceID(), got, tc.parents)
			}
			if logged["trace_id"] != span.SpanContext.TraceID().String() || logged["span_id"] != span.SpanContext.SpanID().String() {
				t.Errorf("the line names %v, %v; the span is %v", logged["trace_id"], logged["span_id"], span.SpanContext)
			}
		})
	}
}

func TestSpanSaysHowTheDeliveryEnded(t *testing.T) {
	spans, _ := traced(t, newEnv(), request(main(live), companySecret, envelope(`Fields={"CompanyName":"Acme Ltd"}`)))
	got := map[string]string{}
	for _, kv := range spans[0].Attributes {
		got[string(kv.Key)] = kv.Value.String()
		if strings.Contains(kv.Value.String(), "Acme") {
			t.Errorf("%s holds a value of the body: %s", kv.Key, kv.Value.String())
		}
	}
	for key, want := range map[string]string{
		"channelsync.installation": live, "channelsync.record.kind": string(v1.KindCompany), "channelsync.record.id": "1301",
		"channelsync.result": ResultStored, "http.response.status_code": "202", "http.request.method": "POST",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if spans[0].Status.Code == codes.Error {
		t.Error("a stored callback is marked as failed")
	}

	w := newEnv()
	w.publish = func(ctx context.Context) error { return errors.New("no room") }
	spans, _ = traced(t, w, request(main(live), companySecret, envelope()))
	if s := spans[0].Status; s.Code != codes.Error || s.Description != ResultUnavailable {
		t.Errorf("a callback that was not stored is %+v", s)
	}
}
