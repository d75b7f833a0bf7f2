// Package collector receives what a service exports, as a collector of OpenTelemetry does: over
// OTLP/HTTP in protobuf. It keeps all of it for a test to look at.
package collector

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spanpb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector is one that runs.
type Collector struct {
	URL string

	t       testing.TB
	hold    chan struct{} // requests wait until it is closed; nil: they do not
	arrived chan struct{} // closed by the first request
	once    sync.Once

	mu      sync.Mutex
	spans   []Span
	metrics map[string]bool
	about   map[string]string
	bodies  [][]byte
}

// Span is one that was received. Ids are in hex; a parent that there is none of is empty.
type Span struct {
	Name, TraceID, ID, Parent string
	Links                     []string // ids of spans
	Attributes                map[string]string
	Failed                    bool
}

// Start runs a collector until the test ends.
func Start(t testing.TB) *Collector { return start(t, nil) }

// StartHanging runs one that answers nothing until it is released, or the test ends.
func StartHanging(t testing.TB) (c *Collector, release func()) {
	hold := make(chan struct{})
	release = sync.OnceFunc(func() { close(hold) })
	c = start(t, hold)
	t.Cleanup(release)
	return c, release
}

func start(t testing.TB, hold chan struct{}) *Collector {
	c := &Collector{t: t, hold: hold, arrived: make(chan struct{}), metrics: map[string]bool{}, about: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", c.takes(func(body []byte) (proto.Message, error) {
		var request tracepb.ExportTraceServiceRequest
		err := proto.Unmarshal(body, &request)
		c.keepSpans(&request)
		return &tracepb.ExportTraceServiceResponse{}, err
	}))
	mux.HandleFunc("POST /v1/metrics", c.takes(func(body []byte) (proto.Message, error) {
		var request metricspb.ExportMetricsServiceRequest
		err := proto.Unmarshal(body, &request)
		c.keepMetrics(&request)
		return &metricspb.ExportMetricsServiceResponse{}, err
	}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Arrived is closed once a request has come.
func (c *Collector) Arrived() <-chan struct{} { return c.arrived }

func (c *Collector) takes(keep func([]byte) (proto.Message, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c.once.Do(func() { close(c.arrived) })
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the service stopped waiting
		}
		if c.hold != nil {
			select {
			case <-c.hold:
			case <-r.Context().Done():
				return
			}
		}
		if r.Header.Get("Content-Encoding") == "gzip" {
			if body, err = unzip(body); err != nil {
				c.t.Errorf("collector: %v", err)
			}
		}
		if r.Header.Get("Content-Type") != "application/x-protobuf" {
			c.t.Errorf("collector: content type %q", r.Header.Get("Content-Type"))
		}
		c.mu.Lock()
		c.bodies = append(c.bodies, body)
		answer, err := keep(body)
		c.mu.Unlock()
		if err != nil {
			c.t.Errorf("collector: what was exported is not OTLP: %v", err)
		}
		text, err := proto.Marshal(answer)
		if err != nil {
			c.t.Errorf("collector: %v", err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(text)
	}
}

func unzip(body []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func (c *Collector) keepSpans(request *tracepb.ExportTraceServiceRequest) {
	for _, rs := range request.GetResourceSpans() {
		for _, kv := range rs.GetResource().GetAttributes() {
			c.about[kv.GetKey()] = kv.GetValue().GetStringValue()
		}
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				c.spans = append(c.spans, spanOf(s))
			}
		}
	}
}

func spanOf(s *spanpb.Span) Span {
	span := Span{
		Name: s.GetName(), TraceID: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()),
		Parent: hex.EncodeToString(s.GetParentSpanId()), Attributes: map[string]string{},
		Failed: s.GetStatus().GetCode() == spanpb.Status_STATUS_CODE_ERROR,
	}
	for _, l := range s.GetLinks() {
		span.Links = append(span.Links, hex.EncodeToString(l.GetSpanId()))
	}
	for _, kv := range s.GetAttributes() {
		span.Attributes[kv.GetKey()] = kv.GetValue().GetStringValue()
	}
	return span
}

func (c *Collector) keepMetrics(request *metricspb.ExportMetricsServiceRequest) {
	for _, rm := range request.GetResourceMetrics() {
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				c.metrics[m.GetName()] = true
			}
		}
	}
}

// Trace is what was received of a trace.
func (c *Collector) Trace(id string) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.spans), func(s Span) bool { return s.TraceID != id })
}

// Spans is all that was received.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// HasMetric says whether a metric was received.
func (c *Collector) HasMetric(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.metrics[name]
}

// About is what the spans say of the service that they are of.
func (c *Collector) About(key string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.about[key]
}

// Bodies is all that was received, as it came.
func (c *Collector) Bodies() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Join(c.bodies, []byte("\n"))
}
