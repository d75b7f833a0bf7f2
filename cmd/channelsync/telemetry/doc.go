// Package telemetry decides, only by OpenTelemetry's standard OTEL_* variables, whether the service is
// traced and where its spans and metrics go. Unless one of them names an exporter or an endpoint,
// there is no SDK, no tracer and no goroutine. cmd/channelsync/app opens it
// first and stops it last.
//
// It never slows the service: spans wait in a queue of a fixed length, and what does not fit is
// dropped. It delays a stop by at most flushWithin.
package telemetry
