package config

import (
	"strings"
	"testing"

	"channelsync/test/harness"
)

// TestURLsThatMayHoldASecretComeFromFiles, as secrets do, and show no more of themselves than otherwise.
func TestURLsThatMayHoldASecretComeFromFiles(t *testing.T) {
	nats := writeFile(t, "nats", "tls://u:hush@a.example,tls://u:hush@b.example\n")
	notify := writeFile(t, "notify", "https://ops.example/hook?key=hush\n")
	c, err := Parse([]string{"--notify-url-file=" + notify}, env("NATS_URL_FILE="+nats, "NOTIFY_SECRET=0123456789abcdef",
		"MASTER_KEY="+key(1), "ADMIN_TOKEN="+strong))
	harness.OK(t, err)
	if c.NATS.URL != "tls://u:hush@a.example,tls://u:hush@b.example" || c.Notify.URL != "https://ops.example/hook?key=hush" {
		t.Errorf("got %q and %q", c.NATS.URL.Reveal(), c.Notify.URL.Reveal())
	}
	var dump strings.Builder
	if err := c.Dump(&dump); err != nil || strings.Contains(dump.String(), "hush") || !strings.Contains(dump.String(), nats) {
		t.Errorf("got %v,\n%s", err, dump.String())
	}
	if names := c.SecretArguments(); len(names) != 0 {
		t.Errorf("got %v, want nothing: no secret stands in the arguments", names)
	}
	if _, err := Parse(nil, env("NATS_URL=tls://c.example", "NATS_URL_FILE="+nats)); err == nil || !strings.Contains(err.Error(), "want one of them") {
		t.Errorf("both: got %v", err)
	}
}
