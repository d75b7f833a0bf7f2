// Package telemetry decides whether the service is traced and where its spans and metrics go: by the
// standard OTEL_* variables of OpenTelemetry, and by nothing else. Without one that names an
// exporter or its endpoint there is no SDK, no tracer and no goroutine. cmd/channelsync/app opens it
// first and stops it last.
//
// It never slows the service: spans wait in a queue of a fixed length, and what does not fit is
// dropped. Nor does it keep a stop waiting longer than flushWithin.
package telemetry
