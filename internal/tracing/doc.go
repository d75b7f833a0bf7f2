// Package tracing names the spans of a change on its way, and carries their context through
// the journal and the worklist. It uses only OpenTelemetry's API. cmd/channelsync/telemetry
// decides whether and to where anything is traced. It gives a tracer to the three places where
// spans begin (handlers/callback, events and sync/reconcile); nil means that nothing is
// traced. Everywhere else a span is a child of the one in the context, and without one there
// there is no span. So untraced work costs one lookup in the context.
//
// A span never carries a name, a text from outside, a URL or a secret: only ids, counts and
// words of our own.
package tracing
