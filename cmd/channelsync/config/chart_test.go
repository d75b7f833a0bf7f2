package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness"
)

// TestTheChartHasEverySetting, as a value of its own or under settings, and not both: a setting that is added is decided on for Kubernetes too.
func TestTheChartHasEverySetting(t *testing.T) {
	own := []string{ // by other values of deploy/helm/channelsync, or what the chart itself sets
		"callback-listen", "callback-tls-cert", "callback-tls-key", "public-url", "trusted-proxies", "data-dir", "log-format",
		"admin-listen", "admin-tls-cert", "admin-tls-key", "admin-plaintext", "admin-url", "master-key", "admin-token",
		"nats-url", "nats-plaintext", "nats-creds", "nats-replicas", "nats-domain", "nats-ca", "nats-cert", "nats-key",
		"oidc-client-secret", "channel-program-url", "notify-url", "notify-secret",
	}
	never := []string{ // the environment wins over a file; and port 443 with a certificate by ACME is no pod's
		"config", "print-config", "callback-acme-domain", "callback-acme-email", "acme-directory-url",
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "deploy", "helm", "channelsync", "values.schema.json"))
	harness.OK(t, err)
	var schema struct {
		Properties struct {
			Settings struct{ Properties map[string]any }
		}
	}
	harness.OK(t, json.Unmarshal(text, &schema))
	known := slices.Concat(own, never)
	for name := range schema.Properties.Settings.Properties {
		known = append(known, name)
	}
	var want []string
	for _, d := range definitions() {
		want = append(want, d.name)
	}
	slices.Sort(known)
	slices.Sort(want)
	if diff := cmp.Diff(want, known); diff != "" {
		t.Errorf("settings (-) and what the chart knows (+):\n%s", diff)
	}
}
