package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func env(pairs ...string) LookupEnv {
	m := map[string]string{}
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		m[envPrefix+k] = v
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func key(fill byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, keyBytes))
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	harness.OK(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestDefaults(t *testing.T) {
	got, err := Parse(nil, env())
	harness.OK(t, err)
	want := Config{
		CallbackListen: "127.0.0.1:8080", AdminListen: "127.0.0.1:8081", DataDir: "./channelsync-data",
		CallbackTLS:    TLS{ACMEDirectory: "https://acme-v02.api.letsencrypt.org/directory"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		NATS:           NATS{Replicas: 1},
		OIDC:           OIDC{RoleClaim: "groups"},
		Autotask:       Autotask{DiscoveryURL: "https://webservices.autotask.net/atservicesrest"},
		Intervals: Intervals{
			ContractPoll: time.Minute, ContractParts: time.Hour, Sweep: 24 * time.Hour,
			WebhookCheck: 5 * time.Minute, Coalesce: 500 * time.Millisecond,
		},
		Retention: 720 * time.Hour, LogLevel: "info", LogFormat: "auto",
	}
	got.settings = nil
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Config{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestEverySettingIsRead(t *testing.T) {
	file := writeFile(t, "a.pem", "x")
	args := []string{
		"--callback-listen=0.0.0.0:1", "--admin-listen", "[::1]:2", "--admin-plaintext",
		"--public-url=https://hooks.example/base/", "--data-dir=d", "--callback-acme-domain=Hooks.Example.", "--callback-acme-email=ops@msp.example", "--acme-directory-url=http://localhost:14000/dir",
		"--admin-url=http://Console.example:8081/", "--trusted-proxies=10.1.2.3/8, ::ffff:192.0.2.7,fd00::/8",
		"--nats-url=nats://a:4222, tls://b", "--nats-plaintext", "--nats-creds=" + file, "--nats-domain=hub",
		"--nats-ca=" + file, "--nats-cert=" + file, "--nats-key=" + file,
		"--master-key=" + key(1) + "," + key(2), "--admin-token=" + strong,
		"--channel-program-url=http://localhost:9/v1/", "--autotask-discovery-url=http://sim:90/atservicesrest",
		"--autotask-allow-hosts=Sim:90, other:91,sim:90", "--contract-poll-interval=1s",
		"--contract-parts-interval=2s", "--sweep-interval=3s", "--webhook-check-interval=4s",
		"--coalesce-window=0s", "--retention=5h", "--journal-max-bytes=512MiB", "--log-level=debug",
		"--notify-url=https://ops.example/hook/?key=a", "--notify-secret=0123456789abcdef",
		"--log-format=json", "--print-config",
		"--oidc-issuer=https://login.example/realm/", "--oidc-client-id=console", "--oidc-client-secret=hush", "--oidc-role-claim=roles",
		"--oidc-roles=ops=operator, cn=finance=viewer,acme=admin:01jx0000000000000000000000",
	}
	got, err := Parse(args, env())
	harness.OK(t, err)
	want := Config{
		CallbackListen: "0.0.0.0:1", AdminListen: "[::1]:2", AdminPlaintext: true,
		CallbackTLS: TLS{ACMEDomain: "hooks.example", ACMEEmail: "ops@msp.example", ACMEDirectory: "http://localhost:14000/dir"},
		AdminURL:    "http://console.example:8081", PublicURL: "https://hooks.example/base", DataDir: "d",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("fd00::/8")},
		NATS: NATS{
			URL: "nats://a:4222,tls://b", Plaintext: true, Creds: file, Domain: "hub", Replicas: 3,
			CACert: file, Cert: file, Key: file,
		},
		MasterKeys: []v1.Secret{v1.Secret(strings.Repeat("\x01", 32)), v1.Secret(strings.Repeat("\x02", 32))},
		AdminToken: strong, ChannelProgramURL: "http://localhost:9/v1",
		OIDC: OIDC{
			Issuer: "https://login.example/realm/", ClientID: "console", ClientSecret: "hush", RoleClaim: "roles",
			Roles: map[string]v1.Grant{"ops": {Role: v1.RoleOperator}, "cn=finance": {Role: v1.RoleViewer}, "acme": {Role: v1.RoleAdmin, Installation: "01jx0000000000000000000000"}},
		},
		Autotask: Autotask{DiscoveryURL: "http://sim:90/atservicesrest", AllowHosts: []string{"sim:90", "other:91"}},
		Intervals: Intervals{
			ContractPoll: time.Second, ContractParts: 2 * time.Second, Sweep: 3 * time.Second,
			WebhookCheck: 4 * time.Second,
		},
		Notify:    Notify{URL: "https://ops.example/hook/?key=a", Secret: "0123456789abcdef"},
		Retention: 5 * time.Hour, JournalMaxBytes: 512 << 20, LogLevel: "debug", LogFormat: "json", PrintConfig: true,
	}
	got.settings = nil
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Config{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestPrecedence(t *testing.T) {
	token := writeFile(t, "token", "file"+strong+"\n")
	for _, tc := range []struct {
		name string
		args []string
		env  LookupEnv
		want v1.Secret
	}{
		{"flag over env", []string{"--admin-token=f" + strong}, env("ADMIN_TOKEN=e" + strong), "f" + strong},
		{"flag over file", []string{"--admin-token=f" + strong}, env("ADMIN_TOKEN_FILE=" + token), "f" + strong},
		{"env", nil, env("ADMIN_TOKEN=e" + strong), "e" + strong},
		{"file, trimmed", nil, env("ADMIN_TOKEN_FILE=" + token), "file" + strong},
		{"file flag", []string{"--admin-token-file", token}, env("ADMIN_TOKEN=e" + strong), "file" + strong},
		{"empty env is not set", nil, env("ADMIN_TOKEN=", "ADMIN_TOKEN_FILE="+token), "file" + strong},
		{"blank env is not set", nil, env("ADMIN_TOKEN= \u00a0\n", "ADMIN_TOKEN_FILE="+token), "file" + strong},
		{"env, trimmed", nil, env("ADMIN_TOKEN=e" + strong + "\r\n"), "e" + strong},
		{"flag, trimmed", []string{"--admin-token", "\ufefff" + strong + "\u200b "}, env(), "f" + strong},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Parse(tc.args, tc.env)
			harness.OK(t, err)
			if c.AdminToken != tc.want {
				t.Errorf("got %q, want %q", c.AdminToken.Reveal(), tc.want.Reveal())
			}
		})
	}
}

// One rule for every setting: what is not seen at its ends is no part of it.
func TestSettingsAreTrimmed(t *testing.T) {
	c, err := Parse(nil, env("PUBLIC_URL=https://sync.example.com\n", "NOTIFY_URL= https://ops.example/hook ", "NOTIFY_SECRET=0123456789abcdef\u00a0\r\n",
		"SWEEP_INTERVAL=12h ", "JOURNAL_MAX_BYTES= 512MiB", "LOG_FORMAT=json\n", "AUTOTASK_ALLOW_HOSTS=127.0.0.1:1 ,\u00a0127.0.0.1:2\n"))
	harness.OK(t, err)
	if c.PublicURL != "https://sync.example.com" || c.Notify.URL != "https://ops.example/hook" || c.Notify.Secret.Reveal() != "0123456789abcdef" ||
		c.Intervals.Sweep != 12*time.Hour || c.JournalMaxBytes != 512<<20 || c.LogFormat != "json" {
		t.Errorf("got %+v", c)
	}
	if want := []string{"127.0.0.1:1", "127.0.0.1:2"}; !cmp.Equal(want, c.Autotask.AllowHosts) {
		t.Errorf("hosts %q", c.Autotask.AllowHosts)
	}
}

func TestWrongSettings(t *testing.T) {
	file := writeFile(t, "a.pem", "not a certificate")
	dir := t.TempDir()
	for _, tc := range []struct {
		args []string
		env  LookupEnv
		want string // the whole line
	}{
		{
			args: []string{"--public-url=http://x.example"},
			want: `--public-url: got "http://x.example", want an https URL (http only for a loopback host)`,
		},
		{
			env:  env("PUBLIC_URL=ftp://x"),
			want: `--public-url (CHANNELSYNC_PUBLIC_URL): got "ftp://x", want an https URL (http only for a loopback host)`,
		},
		{
			args: []string{"--public-url=https://u:hush@x"},
			want: `--public-url: got "https://<secret>@x", want a URL without user name and password`,
		},
		{
			args: []string{"--public-url=https://x?a=b"},
			want: `--public-url: got "https://x?<secret>", want a URL without query and fragment`,
		},
		{
			args: []string{"--public-url=https://x#f"},
			want: `--public-url: got "https://x#f", want a URL without query and fragment`,
		},
		{
			args: []string{"--channel-program-url=http://cp.example"},
			want: `--channel-program-url: got "http://cp.example", want an https URL (http only for a loopback host)`,
		},
		{
			args: []string{"--autotask-discovery-url=http://sim:90"},
			want: `--autotask-discovery-url: got "http://sim:90", want an https URL (http only for a loopback host or one of --autotask-allow-hosts)`,
		},
		{
			args: []string{"--autotask-discovery-url="},
			want: `--autotask-discovery-url: got nothing, want an https URL (http only for a loopback host)`,
		},
		{
			args: []string{"--autotask-allow-hosts=sim"},
			want: `--autotask-allow-hosts: got "sim", want comma-separated host:port values, such as autotask-sim:9090`,
		},
		{
			args: []string{"--trusted-proxies=10.0.0.0/8,proxy"},
			want: `--trusted-proxies: got "10.0.0.0/8,proxy", want comma-separated networks and addresses, such as 10.0.0.0/8,192.0.2.7, or none`,
		},
		{
			args: []string{"--trusted-proxies=fe80::1%eth0"},
			want: `--trusted-proxies: got "fe80::1%eth0", want comma-separated networks and addresses, such as 10.0.0.0/8,192.0.2.7, or none`,
		},
		{
			args: []string{"--trusted-proxies=0.0.0.0/0"},
			want: `--trusted-proxies: got "0.0.0.0/0", want networks of your proxies only: anybody in 0.0.0.0/0 could claim any address`,
		},
		{
			args: []string{"--trusted-proxies=0.0.0.0/1,128.0.0.0/1"},
			want: `--trusted-proxies: got "0.0.0.0/1,128.0.0.0/1", want networks of your proxies only: anybody in 0.0.0.0/1,128.0.0.0/1 could claim any address`,
		},
		{
			args: []string{"--trusted-proxies=::/1,8000::/1"},
			want: `--trusted-proxies: got "::/1,8000::/1", want networks of your proxies only: anybody in ::/1,8000::/1 could claim any address`,
		},
		{
			args: []string{"--trusted-proxies=::ffff:0.0.0.0/97,::ffff:128.0.0.0/97"},
			want: `--trusted-proxies: got "::ffff:0.0.0.0/97,::ffff:128.0.0.0/97", want networks of your proxies only: anybody in ::ffff:0.0.0.0/97,::ffff:128.0.0.0/97 could claim any address`,
		},
		{
			args: []string{"--trusted-proxies=2000::/3"}, // all of the internet's
			want: `--trusted-proxies: got "2000::/3", want networks of your proxies only: anybody in 2000::/3 could claim any address`,
		},
		{
			args: []string{"--callback-tls-cert=" + file},
			want: `--callback-tls-cert: got "` + file + `", want both --callback-tls-cert and --callback-tls-key, or neither`,
		},
		{
			args: []string{"--callback-tls-cert=" + file, "--callback-tls-key=" + file},
			want: `--callback-tls-cert: got "` + file + `", want a certificate that fits --callback-tls-key (tls: failed to find any PEM data in certificate input)`,
		},
		{
			args: []string{"--callback-tls-cert=" + file, "--callback-tls-key=" + file, "--callback-acme-domain=hooks.example"},
			want: `--callback-acme-domain: got "hooks.example", want it or --callback-tls-cert and --callback-tls-key, not both: a listener has one certificate`,
		},
		{
			args: []string{"--callback-acme-email=ops@msp.example"},
			want: `--callback-acme-email: got "ops@msp.example", want --callback-acme-domain too: without it no certificate is requested`,
		},
		{
			args: []string{"--callback-acme-email=ops"},
			want: `--callback-acme-email: got "ops", want an e-mail address, such as ops@example.com`,
		},
		{
			args: []string{"--callback-acme-domain=192.0.2.1"},
			want: `--callback-acme-domain: got "192.0.2.1", want one DNS name, such as hooks.example.com`,
		},
		{
			args: []string{"--callback-acme-domain=https://hooks.example"},
			want: `--callback-acme-domain: got "https://hooks.example", want one DNS name, such as hooks.example.com`,
		},
		{
			args: []string{"--callback-acme-domain=localhost"},
			want: `--callback-acme-domain: got "localhost", want one DNS name, such as hooks.example.com`,
		},
		{
			args: []string{"--callback-acme-domain=a.example,b.example"},
			want: `--callback-acme-domain: got "a.example,b.example", want one DNS name, such as hooks.example.com`,
		},
		{
			args: []string{"--acme-directory-url=http://ca.example/dir"},
			want: `--acme-directory-url: got "http://ca.example/dir", want an https URL (http only for a loopback host)`,
		},
		{
			args: []string{"--admin-url=console.example"},
			want: `--admin-url: got "console.example", want an https URL (http only for a loopback host)`,
		},
		{
			args: []string{"--admin-url=http://console.example"},
			want: `--admin-url: got "http://console.example", want an https URL (http only for a loopback host, or with --admin-plaintext)`,
		},
		{
			args: []string{"--admin-url=https://example.com/tokens/console"},
			want: `--admin-url: got "https://example.com/tokens/console", want a path that does not begin with /tokens: the console has pages of its own there`,
		},
		{
			args: []string{"--admin-url=https://example.com/a/../b"},
			want: `--admin-url: got "https://example.com/a/../b", want a path of letters, digits, hyphens, dots and underscores, such as https://console.example/integrations/autotask`,
		},
		{
			args: []string{"--autotask-allow-hosts=sim:0"},
			want: `--autotask-allow-hosts: got "sim:0", want comma-separated host:port values, such as autotask-sim:9090`,
		},
		{
			args: []string{"--callback-listen=8080"},
			want: `--callback-listen: got "8080", want host:port, such as 127.0.0.1:8080`,
		},
		{
			args: []string{"--callback-listen=x:99999"},
			want: `--callback-listen: got "x:99999", want host:port, such as 127.0.0.1:8080`,
		},
		{
			args: []string{"--admin-listen=0.0.0.0:8081"},
			want: `--admin-listen: got "0.0.0.0:8081", want a loopback address, or --admin-tls-cert and --admin-tls-key, or --admin-plaintext behind a proxy with TLS`,
		},
		{
			args: []string{"--admin-listen=:8081"},
			want: `--admin-listen: got ":8081", want a loopback address, or --admin-tls-cert and --admin-tls-key, or --admin-plaintext behind a proxy with TLS`,
		},
		{
			args: []string{"--admin-token=correct-horse"},
			want: `--admin-token: got a secret of 13 characters, want a generated one of 128 random bits or more (openssl rand -hex 32)`,
		},
		{args: []string{"--admin-plaintext=perhaps"}, want: `--admin-plaintext: got "perhaps", want true or false`},
		{
			args: []string{"--admin-tls-cert=" + file},
			want: `--admin-tls-cert: got "` + file + `", want both --admin-tls-cert and --admin-tls-key, or neither`,
		},
		{
			args: []string{"--admin-tls-cert=" + file, "--admin-tls-key=" + file},
			want: `--admin-tls-cert: got "` + file + `", want a certificate that fits --admin-tls-key (tls: failed to find any PEM data in certificate input)`,
		},
		{
			args: []string{"--admin-tls-cert=" + dir},
			want: `--admin-tls-cert: got "` + dir + `", want a file, not a directory`,
		},
		{args: []string{"--data-dir="}, want: `--data-dir: got nothing, want a value`},
		{
			args: []string{"--nats-url=tls://a,nats://127.0.0.1,nats://b:4222", "--master-key=" + key(1), "--admin-token=" + strong},
			want: `--nats-url: got "tls://a,nats://127.0.0.1,nats://b:4222", want TLS beyond loopback (tls://b:4222, or --nats-ca), or --nats-plaintext on a network of its own`,
		},
		{
			args: []string{"--nats-plaintext"},
			want: `--nats-plaintext: got "true", want --nats-url too: the embedded server takes no connections`,
		},
		{
			args: []string{"--nats-url=http://a"},
			want: `--nats-url: got "http://a", want comma-separated servers, such as nats://a:4222,nats://b:4222`,
		},
		{
			args: []string{"--nats-url=nats://u:p,w@h"},
			want: `--nats-url: got "nats://<secret>@h", want comma-separated servers, such as nats://a:4222,nats://b:4222`,
		},
		{
			args: []string{"--nats-creds=" + file},
			want: `--nats-creds: got "` + file + `", want --nats-url too: the embedded server takes no connections`,
		},
		{
			args: []string{"--nats-creds=nowhere.creds"},
			want: `--nats-creds: got "nowhere.creds", want a file that can be read (no such file or directory)`,
		},
		{args: []string{"--nats-replicas=6"}, want: `--nats-replicas: got "6", want a number from 1 to 5`},
		{
			args: []string{"--nats-replicas=3"},
			want: `--nats-replicas: got "3", want 1 while the server is embedded, or --nats-url`,
		},
		{
			args: []string{"--nats-domain=a.b"},
			want: `--nats-domain: got "a.b", want a name without dots, spaces, slashes and wildcards`,
		},
		{
			args: []string{"--nats-url=a:1", "--nats-cert=" + file, "--master-key=" + key(1), "--admin-token=" + strong},
			want: `--nats-cert: got "` + file + `", want both --nats-cert and --nats-key, or neither`,
		},
		{
			args: []string{"--nats-url=a:1", "--nats-plaintext", "--admin-token=" + strong},
			want: `--master-key: got nothing, want a key: with --nats-url none is generated`,
		},
		{
			args: []string{"--nats-url=a:1", "--nats-plaintext", "--master-key=" + key(1)},
			want: `--admin-token: got nothing, want a token: with --nats-url none is generated`,
		},
		{
			args: []string{"--master-key=hush-hush"},
			want: `--master-key: got a secret of 9 characters, want 32 bytes in base64 (head -c 32 /dev/urandom | base64), or several of them with commas`,
		},
		{args: []string{"--master-key=,"}, want: `--master-key: got a secret of 1 characters, want at least one key`},
		{
			args: []string{"--master-key=" + key(7) + "," + key(7)},
			want: `--master-key: got a secret of 89 characters, want a ring without repeated keys`,
		},
		{
			env:  env("ADMIN_TOKEN=hush hush"),
			want: `--admin-token (CHANNELSYNC_ADMIN_TOKEN): got a secret of 9 characters, want visible ASCII characters without spaces`,
		},
		{
			env:  env("ADMIN_TOKEN=hush", "ADMIN_TOKEN_FILE="+file),
			want: `CHANNELSYNC_ADMIN_TOKEN: got both a value and CHANNELSYNC_ADMIN_TOKEN_FILE, want one of them`,
		},
		{
			args: []string{"--admin-token=hush", "--admin-token-file=" + file},
			want: `--admin-token: got both a value and --admin-token-file, want one of them`,
		},
		{
			env:  env("MASTER_KEY_FILE=nowhere"),
			want: `CHANNELSYNC_MASTER_KEY_FILE: read secret: open nowhere: no such file or directory: leave it unset, and channelsync serve with embedded NATS generates the file in --data-dir; or name a file that exists`,
		},
		{
			env:  env("ADMIN_TOKEN_FILE=nowhere"),
			want: `CHANNELSYNC_ADMIN_TOKEN_FILE: read secret: open nowhere: no such file or directory: leave it unset, and channelsync serve with embedded NATS generates the file in --data-dir; or name a file that exists`,
		},
		{
			args: []string{"--admin-token-file=nowhere"},
			want: `--admin-token-file: read secret: open nowhere: no such file or directory: leave it unset, and channelsync serve with embedded NATS generates the file in --data-dir; or name a file that exists`,
		},
		{
			args: []string{"--contract-poll-interval=999ms"},
			want: `--contract-poll-interval: got "999ms", want a duration of 1s or more, such as 500ms, 90s, 15m or 24h`,
		},
		{
			args: []string{"--contract-parts-interval=1"},
			want: `--contract-parts-interval: got "1", want a duration of 1s or more, such as 500ms, 90s, 15m or 24h`,
		},
		{
			args: []string{"--sweep-interval=1d"},
			want: `--sweep-interval: got "1d", want a duration of 1s or more, such as 500ms, 90s, 15m or 24h`,
		},
		{
			args: []string{"--webhook-check-interval=-1s"},
			want: `--webhook-check-interval: got "-1s", want a duration of 1s or more, such as 500ms, 90s, 15m or 24h`,
		},
		{
			args: []string{"--coalesce-window=-1ms"},
			want: `--coalesce-window: got "-1ms", want a duration of 0s or more, such as 500ms, 90s, 15m or 24h`,
		},
		{
			args: []string{"--retention=0"},
			want: `--retention: got "0", want a duration of 1s or more, such as 500ms, 90s, 15m or 24h`,
		},
		{
			args: []string{"--journal-max-bytes=lots"},
			want: `--journal-max-bytes: got "lots", want a number of bytes, such as 1073741824, 512MiB or 10GB, or none`,
		},
		{
			args: []string{"--journal-max-bytes=-5"},
			want: `--journal-max-bytes: got "-5", want a number of bytes, such as 1073741824, 512MiB or 10GB, or none`,
		},
		{
			args: []string{"--notify-url=http://ops.example/hook?key=hush", "--notify-secret=0123456789abcdef"},
			want: `--notify-url: got "http://ops.example/<secret>", want an https URL (http only for a loopback host)`,
		},
		{
			args: []string{"--notify-url=https://u:hush@ops.example/?key=hush", "--notify-secret=0123456789abcdef"},
			want: `--notify-url: got "https://<secret>", want a URL without user name and password`,
		},
		{
			args: []string{"--notify-url=https://ops.example/#part", "--notify-secret=0123456789abcdef"},
			want: `--notify-url: got "https://ops.example/<secret>", want a URL without fragment`,
		},
		{
			args: []string{"--notify-url=https://ops.example/?key=hush#part", "--notify-secret=0123456789abcdef"},
			want: `--notify-url: got "https://ops.example/<secret>", want a URL without fragment`,
		},
		{
			args: []string{"--notify-url=ops.example", "--notify-secret=0123456789abcdef"},
			want: `--notify-url: got "ops.example", want an https URL (http only for a loopback host)`,
		},
		{
			args: []string{"--notify-url=https://ops.example/"},
			want: `--notify-secret: got nothing, want 16 characters or more: they sign what is posted to --notify-url`,
		},
		{
			args: []string{"--notify-url=https://ops.example/", "--notify-secret=0123456789abcde"},
			want: `--notify-secret: got a secret of 15 characters, want 16 characters or more`,
		},
		{
			env:  env("NOTIFY_SECRET=0123456789abcdef"),
			want: `--notify-secret (CHANNELSYNC_NOTIFY_SECRET): got a secret of 16 characters, want --notify-url too: without it nothing is signed`,
		},
		{
			env:  env("NOTIFY_URL=https://ops.example/", "NOTIFY_SECRET_FILE=nowhere"),
			want: `CHANNELSYNC_NOTIFY_SECRET_FILE: read secret: open nowhere: no such file or directory`,
		},
		{args: []string{"--log-level=loud"}, want: `--log-level: got "loud", want one of debug, info, warn, error`},
		{args: []string{"--log-format=xml"}, want: `--log-format: got "xml", want one of auto, console, json`},
		{args: []string{"--publik-url=x"}, want: "there is no setting --publik-url\nhint: channelsync serve --help lists the settings"},
		{args: []string{"--public-url"}, want: "--public-url: got nothing, want a value\nhint: channelsync serve --help lists the settings"},
		{args: []string{"start"}, want: `unexpected argument "start": settings are given as --name=value` + "\nhint: channelsync serve --help lists the settings"},
	} {
		t.Run(strings.Join(tc.args, " ")+tc.want[:12], func(t *testing.T) {
			lookup := tc.env
			if lookup == nil {
				lookup = env()
			}
			_, err := Parse(tc.args, lookup)
			if err == nil || err.Error() != tc.want {
				t.Errorf("\n got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestSeveralWrongSettingsAreOneLineEach(t *testing.T) {
	_, err := Parse([]string{"--log-level=x", "--retention=x"}, env())
	if err == nil || len(strings.Split(err.Error(), "\n")) != 2 {
		t.Errorf("got %v, want two lines", err)
	}
}

func TestHelp(t *testing.T) {
	if _, err := Parse([]string{"--help"}, env()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("got %v, want flag.ErrHelp", err)
	}
	var b strings.Builder
	harness.OK(t, Usage(&b))
	for _, want := range []string{"--public-url\n", "(default 24h)", "CHANNELSYNC_MASTER_KEY or CHANNELSYNC_MASTER_KEY_FILE"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("usage lacks %q", want)
		}
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	args := []string{"--nats-url=nats://u:hush1@a:4222", "--nats-plaintext", "--master-key=" + key('k'), "--notify-url=https://ops.example/hush5/a?k=hush3"}
	c, err := Parse(args, env("ADMIN_TOKEN=hush2"+strong, "NOTIFY_SECRET=hush4-0123456789"))
	harness.OK(t, err)
	var dump strings.Builder
	harness.OK(t, c.Dump(&dump))
	for _, shown := range []string{dump.String(), fmt.Sprintf("%v %+v %#v", c, c, c)} {
		for _, secret := range []string{"hush", key('k'), strings.Repeat("k", 32)} {
			if strings.Contains(shown, secret) {
				t.Errorf("shows %q in\n%s", secret, shown)
			}
		}
	}
	for _, line := range []string{
		"admin-token              <secret>                                         CHANNELSYNC_ADMIN_TOKEN\n",
		"nats-url                 nats://<secret>@a:4222                           flag\n",
		"notify-secret            <secret>                                         CHANNELSYNC_NOTIFY_SECRET\n",
		"notify-url               https://ops.example/<secret>                     flag\n",
		"nats-replicas            3                                                default\n",
		"public-url               -                                                default\n",
	} {
		if !strings.Contains(dump.String(), line) {
			t.Errorf("dump lacks %q:\n%s", line, dump.String())
		}
	}
}

func TestSecretsInArgumentsAreNamed(t *testing.T) {
	c, err := Parse([]string{
		"--nats-url=nats://u:p@127.0.0.1:4222", "--master-key=" + key(1), "--admin-token-file=" + writeFile(t, "token", strong),
		"--notify-url=https://ops.example/hooks/hush", "--public-url=https://sync.example.com",
	}, env("NOTIFY_SECRET=0123456789abcdef"))
	harness.OK(t, err)
	if want, got := []string{"--nats-url", "--master-key", "--notify-url"}, c.SecretArguments(); !cmp.Equal(want, got) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"", "none", "1", "512MiB", "10GB", "9223372036854775807", "8388608TiB", "1 kb", "-1", "١"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := size(s); n < 0 || (err != nil && n != 0) {
			t.Errorf("size(%q) = %d, %v", s, n, err)
		}
	})
}

func FuzzLists(f *testing.F) {
	for _, s := range []string{"", "a:1,b:2", "[::1]:80", ",,", "nats://u:p@h:1,tls://x", key(3), "A:1, a:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		hosts, err := hostList(s)
		if err == nil {
			again, err := hostList(strings.Join(hosts, ","))
			if err != nil || !cmp.Equal(hosts, again) {
				t.Errorf("hostList(%q) = %q, read again %q, %v", s, hosts, again, err)
			}
		}
		var keys []v1.Secret
		if keyRing(&keys, s) == nil {
			for _, k := range keys {
				if len(k) != keyBytes {
					t.Errorf("key of %d bytes from %q", len(k), s)
				}
			}
		}
		var public string
		var masked v1.Secret
		if natsServers(&masked, s) == nil && strings.Contains(masked.String(), "@") {
			t.Errorf("servers %q print as %s", s, masked)
		}
		if postURL(&masked, s) == nil && s != "" && (masked.Reveal() != s || strings.Contains(s, "#")) {
			t.Errorf("receiver %q from %q", masked.Reveal(), s)
		}
		if baseURL(&public, s) == nil && strings.ContainsAny(public, "?#@ ") {
			t.Errorf("base URL %q from %q", public, s)
		}
	})
}

func TestSize(t *testing.T) {
	for in, want := range map[string]int64{
		"": 0, "none": 0, "0": 0, "1024": 1024, "1b": 1, "2kB": 2000, "2KiB": 2048, "512MiB": 512 << 20,
		"10GB": 10e9, "1 TiB": 1 << 40, "3tb": 3e12, "1gib": 1 << 30, "5mb": 5e6,
	} {
		if got, err := size(in); got != want || err != nil {
			t.Errorf("size(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
}

// FuzzSetting: any text for any setting is taken or refused with lines that name a
// setting each and show no secret.
func FuzzSetting(f *testing.F) {
	all := definitions()
	for i, text := range []string{"", "127.0.0.1:1", "true", "https://a.example", "1h", "720h", "10GB", key(3), "nats://u:p@h:1", "debug", "%zz", "\x00", "-1"} {
		f.Add(i, text)
	}
	f.Fuzz(func(t *testing.T, n int, text string) {
		d := all[uint(n)%uint(len(all))]
		c, err := Parse([]string{"--" + d.name + "=" + text}, func(string) (string, bool) { return "", false })
		var shown strings.Builder
		if err == nil {
			if dumping := c.Dump(&shown); dumping != nil {
				t.Error(dumping)
			}
		} else if !errors.Is(err, flag.ErrHelp) {
			shown.WriteString(err.Error())
			for line := range strings.Lines(shown.String()) {
				if !strings.HasPrefix(line, "--") {
					t.Errorf("--%s=%q: the line %q names no setting", d.name, text, line)
				}
			}
		}
		if d.secret && d.mask == nil && len(text) > 8 && strings.Contains(shown.String(), text) {
			t.Errorf("--%s shows its secret: %s", d.name, shown.String())
		}
	})
}

// strong is a token that could have been generated.
const strong = "Zk3vQ9xW1mB7tR5yN2cL8a"

func TestAWeakAdminTokenIsRefused(t *testing.T) {
	for text, ok := range map[string]bool{
		"":                                 true, // none: it is made
		strong:                             true,
		"0123456789abcdef0123456789abcdef": true, // 16 bytes of hex
		"0123456789abcdef0123456789abcde":  false,
		strong[:21]:                        false, // 21 characters of base64 are 126 bits
		"secret":                           false,
		strings.Repeat("a", 64):            false,
		strings.Repeat("ab12", 16):         false,
		"00000000000000000000000000000000": false,
		"1234567890123456789012345678901234567890": true,
	} {
		var got v1.Secret
		if err := token(&got, text); (err == nil) != ok {
			t.Errorf("%q: got %v, want it taken: %v", text, err, ok)
		}
	}
}

// TestSites: a path has one form, so that a browser, a proxy and the service agree on what is below it.
func TestSites(t *testing.T) {
	harness.Table(t, func(in string) string {
		c, err := Parse([]string{"--admin-url=" + in}, env())
		if (err == nil) == (c.AdminURL == "") {
			t.Errorf("%s: got %q, %v", in, c.AdminURL, err)
		}
		return c.AdminURL
	}, map[string]string{
		"https://Apps.example":                                       "https://apps.example",
		"https://apps.example/":                                      "https://apps.example",
		"https://apps.example/integrations/autotask":                 "https://apps.example/integrations/autotask",
		"https://apps.example:8443/integrations/autotask/":           "https://apps.example:8443/integrations/autotask",
		"https://apps.example/Integrations/auto-task_2.0~":           "https://apps.example/Integrations/auto-task_2.0~",
		"http://localhost:8081/a":                                    "http://localhost:8081/a",
		"https://apps.example/integrations//autotask":                "",
		"https://apps.example//integrations":                         "",
		"https://apps.example/..":                                    "",
		"https://apps.example/a/./b":                                 "",
		"https://apps.example/int%C3%A9gration":                      "",
		"https://apps.example/intégration":                           "",
		"https://apps.example/a%2Fb":                                 "",
		"https://apps.example/a b":                                   "",
		"https://apps.example/a;b":                                   "",
		"https://apps.example/a?b":                                   "",
		"https://apps.example/login":                                 "",
		"https://apps.example/installations/x":                       "",
		"https://apps.example/installationsx":                        "https://apps.example/installationsx",
		"https://apps.example/" + strings.Repeat("a", maxSitePath):   "",
		"https://apps.example/" + strings.Repeat("a", maxSitePath-1): "https://apps.example/" + strings.Repeat("a", maxSitePath-1),
	})
}
