// Package telemetry proves what the service exports by the standard OTEL_* variables, with a
// receiver of OTLP/HTTP at the other end. The variables are the process's, so that no two of its
// tests run at once.
package telemetry

import (
	"testing"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
