package telemetry

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"channelsync/internal/tracing"
)

// operators is the sampler that the operator asked for, asked about the trace of a sender as about
// one that begins here, with an id that the sender did not choose. A sender may say that its trace
// is not recorded, and a parent-based sampler heeds that; it can have none recorded that the
// operator's share leaves out.
type operators struct{ sdktrace.Sampler }

func (s operators) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	sender := trace.SpanContextFromContext(p.ParentContext)
	if !sender.IsRemote() || !tracing.IsFromSender(p.ParentContext) {
		return s.Sampler.ShouldSample(p)
	}
	own := p
	own.ParentContext, own.TraceID = context.Background(), randomID()
	result := s.Sampler.ShouldSample(own)
	if result.Decision == sdktrace.RecordAndSample && !sender.IsSampled() {
		result = s.Sampler.ShouldSample(p)
	}
	return result
}

func randomID() (id trace.TraceID) {
	binary.BigEndian.PutUint64(id[:8], rand.Uint64()|1) //nolint:gosec // no secret; never all zero
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())   //nolint:gosec // no secret
	return id
}
