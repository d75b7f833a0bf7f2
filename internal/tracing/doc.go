// Package tracing names the spans of a change on its way, and carries their context across the
// journal and the worklist. It speaks the API of OpenTelemetry alone: whether anything is traced,
// and where it goes, is decided by cmd/channelsync/telemetry, which hands a tracer to the three
// places where spans begin (handlers/callback, events and sync/reconcile; nil: nothing is traced).
// Everywhere else a span is a child of the one in the context, and there is none without it, so
// that what is not traced costs a look into the context.
//
// A span never carries a name, a text that came from elsewhere, a URL or a secret: only ids, counts
// and words of our own.
package tracing
