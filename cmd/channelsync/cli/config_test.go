package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestConfigCheckReadsTheVariablesOfTelemetry(t *testing.T) {
	check := func() (int, string) {
		var said bytes.Buffer
		code := Run(t.Context(), Invocation{
			Args: []string{"config", "check"}, Stdin: strings.NewReader(""), Stdout: &said, Stderr: &said,
			LookupEnv: func(string) (string, bool) { return "", false },
		})
		return code, said.String()
	}
	t.Setenv("OTEL_TRACES_SAMPLER", "sometimes") // of no matter: nothing is traced
	if code, said := check(); code != exitOK {
		t.Errorf("exit code %d: %s", code, said)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
	if code, said := check(); code != exitUsage || !strings.Contains(said, `OTEL_TRACES_SAMPLER: got "sometimes"`) {
		t.Errorf("exit code %d: %s", code, said)
	}
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
	if code, said := check(); code != exitUsage || !strings.Contains(said, `OTEL_BSP_MAX_QUEUE_SIZE: got "-1"`) {
		t.Errorf("exit code %d: %s", code, said)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "user:hush@collector:4318")
	if code, said := check(); code != exitUsage || strings.Count(said, "OTEL_EXPORTER_OTLP_ENDPOINT: ") != 1 || strings.Contains(said, "hush") {
		t.Errorf("exit code %d, want one line about the endpoint without its secret: %s", code, said)
	}
}
