package telemetry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"channelsync/test/harness"
)

func TestWrongEndpointStopsTheStartWithoutBeingShown(t *testing.T) {
	for _, address := range []string{
		"http://h:bad/", "ftp://h", "user:PW@h:4317", "http://user:PW@h:bad/?key=PW", "https://h:4318/%zz?key=PW", "://X", "http://", "http://:4318",
		"http:///v1/traces", "http://h:0", "http://h:70000", "http://h:", "http:h", "h", "/v1/traces", "127.0.0.1:4317", "//h:4317", "h:4317?key=PW",
	} {
		for _, protocol := range []string{"http/protobuf", "grpc"} {
			for name, kept := range map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT":         "",
				"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":  "OTEL_EXPORTER_OTLP_ENDPOINT",
				"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "OTEL_EXPORTER_OTLP_ENDPOINT",
			} {
				t.Run(name+"="+address+" "+protocol, func(t *testing.T) {
					if kept != "" {
						t.Setenv(kept, "http://127.0.0.1:1")
					}
					t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
					t.Setenv(name, address)
					_, err := open(t)
					if err == nil {
						t.Fatal("it starts")
					}
					said := err.Error()
					if !strings.HasPrefix(said, name+": got ") || !strings.Contains(said, ", want ") || strings.Contains(said, "\n") {
						t.Errorf("got %s, want one line that names the variable", said)
					}
					if strings.Contains(said, "PW") {
						t.Errorf("a secret is shown: %s", said)
					}
				})
			}
		}
	}
}

func TestEndpointThatTheSDKTakes(t *testing.T) {
	for _, tc := range []struct {
		address    string
		http, grpc bool
	}{
		{"http://h", true, true},
		{"HTTPS://h:4318/base", true, true},
		{"http://[::1]:4318", true, true},
		{" http://h:4318 ", true, true},
		{"collector.example:4317", false, true},
		{"unix:///run/collector.sock", false, true},
		{"dns:///collector.example:4317", false, true},
		{"unix://", false, false},
		{"collector.example:otlp", false, false},
	} {
		for protocol, want := range map[string]bool{"http/protobuf": tc.http, "grpc": tc.grpc} {
			t.Run(tc.address+" "+protocol, func(t *testing.T) {
				t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", tc.address)
				if err := Check(); (err == nil) != want {
					t.Errorf("got %v, taken: want %v", err, want)
				}
			})
		}
	}
}

// TestEndpointThatDoesNotHoldIsOfNoMatter: each signal has its own, so that of all is not read.
func TestEndpointThatDoesNotHoldIsOfNoMatter(t *testing.T) {
	given(t, "OTEL_EXPORTER_OTLP_ENDPOINT=ftp://h OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://h OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://h")
	if err := Check(); err != nil {
		t.Error(err)
	}
}

func TestUnreadableCertificateStopsTheStartAndIsNamed(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty-PW.pem")
	harness.OK(t, os.WriteFile(empty, nil, 0o600))
	away := filepath.Join(t.TempDir(), "away-PW.pem")
	for _, of := range []string{"", "TRACES_", "METRICS_"} {
		roots, certificate, key := otlp+of+"CERTIFICATE", otlp+of+"CLIENT_CERTIFICATE", otlp+of+"CLIENT_KEY"
		for _, tc := range []struct {
			given string
			want  string
		}{
			{roots + "=" + away, roots + ": want a file"},
			{roots + "=" + empty, roots + ": got a file without a certificate"},
			{roots + "=" + filepath.Dir(away), roots + ": want a file"},
			{certificate + "=" + empty, key + ": got nothing"},
			{key + "=" + empty, certificate + ": got nothing"},
			{certificate + "=" + away + " " + key + "=" + empty, certificate + ": want a file"},
			{certificate + "=" + empty + " " + key + "=" + away, key + ": want a file"},
			{certificate + "=" + empty + " " + key + "=" + empty, certificate + ", " + key + ": want a certificate and its key"},
		} {
			t.Run(tc.want, func(t *testing.T) {
				given(t, "OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:1 "+tc.given)
				_, err := open(t)
				if err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("got %v, want one line that begins with %s", err, tc.want)
				}
				if strings.Contains(err.Error(), "PW") {
					t.Errorf("the value is shown: %v", err)
				}
			})
		}
	}
}

func TestCertificateAndItsKeyAreTaken(t *testing.T) {
	certificate, key := pair(t)
	_, other := pair(t)
	given(t, "OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:1 OTEL_EXPORTER_OTLP_CERTIFICATE="+certificate+
		" OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE="+certificate+" OTEL_EXPORTER_OTLP_CLIENT_KEY="+key)
	exported, err := open(t)
	harness.OK(t, err)
	stop(t, exported)
	t.Setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", other)
	if err := Check(); err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_CLIENT_KEY: want a certificate and its key") {
		t.Errorf("the key of another certificate: got %v", err)
	}
}

// pair is a certificate and its key, each in a file.
func pair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	harness.OK(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	harness.OK(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	harness.OK(t, err)
	write := func(kind string, content []byte) string {
		name := filepath.Join(t.TempDir(), "file.pem")
		harness.OK(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600))
		return name
	}
	return write("CERTIFICATE", der), write("PRIVATE KEY", secret)
}
