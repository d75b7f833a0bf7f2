package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"channelsync/test/harness"
)

func TestAFileIsRead(t *testing.T) {
	token := writeFile(t, "token", strings.Repeat("0123456789abcdef", 4))
	path := writeFile(t, "channelsync.yaml", `# what this service is
data-dir: /srv/store
retention: 48h
nats-replicas: 0x3
journal-max-bytes: 10GB
admin-plaintext: true
trusted-proxies:
  - 10.0.0.0/8   # the balancer
  - 192.0.2.1
admin-token-file: `+token+`
master-key: >-
  `+key(1)+`,
  `+key(2)+`
channel-program-url:
log-level: "debug"
`)
	c, err := Parse([]string{"--" + configName, path, "--log-level=warn"}, env("RETENTION=24h", "LOG_FORMAT=json"))
	if err == nil || !strings.Contains(err.Error(), `--nats-replicas (`+path+`:4): got "0x3"`) {
		t.Fatalf("a number is not as it is written: %v", err)
	}
	path = writeFile(t, "channelsync.yaml", strings.Replace(string(must(os.ReadFile(path))), "0x3", "1", 1))
	c, err = Parse([]string{"--log-level=warn"}, env("RETENTION=24h", "LOG_FORMAT=json", "CONFIG="+path))
	harness.OK(t, err)
	if c.DataDir != "/srv/store" || c.NATS.Replicas != 1 || c.JournalMaxBytes != 10e9 || !c.AdminPlaintext || len(c.TrustedProxies) != 2 ||
		len(c.MasterKeys) != 2 || len(c.AdminToken) != 64 {
		t.Errorf("read %+v", c)
	}
	if c.LogLevel != "warn" || c.Retention != 24*time.Hour || c.LogFormat != "json" {
		t.Errorf("a flag or a variable does not win: %+v", c)
	}
	var out bytes.Buffer
	harness.OK(t, c.Dump(&out))
	for _, want := range []string{path + ":2", path + ":3", token, "CHANNELSYNC_RETENTION"} {
		if want == path+":3" == strings.Contains(out.String(), want) {
			t.Errorf("%s in the dump, or not as it should be:\n%s", want, out.String())
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestAPartReadsTheFileToo, and passes over what it does not know of.
func TestAPartReadsTheFileToo(t *testing.T) {
	path := writeFile(t, "channelsync.yaml", "data-dir: d\nlog-level: loud\n")
	p := NewPart("data-dir", "master-key")
	fs := flag.NewFlagSet("restore", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	p.Flags(fs)
	harness.OK(t, fs.Parse([]string{"--config=" + path}))
	if c, err := p.Parse(env()); err != nil || c.DataDir != "d" {
		t.Errorf("%q, %v", c.DataDir, err)
	}
}

func TestWrongFiles(t *testing.T) {
	secret := key(7)
	cases := map[string]struct {
		text string
		mode os.FileMode
		want string // %s is the path
	}{
		"a name that nothing has":       {"data-dir: d\nretension: 1h", 0o600, "%s:2: retension: there is no such setting: channelsync serve --help lists them"},
		"a wrong value":                 {"retention: soon", 0o600, "--retention (%s:1): got \"soon\", want a duration"},
		"yes":                           {"admin-plaintext: yes", 0o600, "--admin-plaintext (%s:1): got \"yes\", want true or false"},
		"no mapping":                    {"- data-dir", 0o600, "--config: got %s with something else, want one mapping of settings to values"},
		"several documents":             {"data-dir: a\n---\ndata-dir: b", 0o600, "--config: got %s with something else, want one mapping of settings to values"},
		"a mapping in it":               {"data-dir: {a: b}", 0o600, "%s:1: data-dir: got a mapping, want a value or a list of values"},
		"a list in a list":              {"trusted-proxies: [[a]]", 0o600, "%s:1: trusted-proxies: got a list in a list, want values"},
		"an alias":                      {"data-dir: &a x\nlog-level: *a", 0o600, "%s:1: data-dir: got an anchor or alias, want a value or a list of values"},
		"twice":                         {"data-dir: a\ndata-dir: b", 0o600, "%s:2: not YAML: mapping key \"data-dir\" already defined at [1:1]"},
		"the file itself":               {"config: other", 0o600, "%s:1: config: there is no such setting"},
		"not YAML":                      {"master-key: '" + secret, 0o600, "%s:1: not YAML: could not find end character of single-quoted text"},
		"a secret that others can read": {"master-key: " + secret, 0o644, "%s:1: master-key: the file holds a secret here: got %s with mode 0644, want 0600"},
		"a password in a URL":           {"nats-url: tls://u:" + secret + "@n", 0o640, "%s:1: nats-url: the file holds a secret here: got %s with mode 0640, want 0600"},
		"both":                          {"notify-secret: " + secret + "\nnotify-secret-file: f", 0o600, "%[1]s:1: notify-secret: got both a value and %[1]s:2: notify-secret-file, want one of them"},
		"not text":                      {"data-dir: \xff\x00", 0o600, "--config: got %s, which is not UTF-8 text"},
		"large":                         {strings.Repeat("#", maxFile+1), 0o600, "--config: got %s with more than 1 MiB"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, "channelsync.yaml", c.text)
			harness.OK(t, os.Chmod(path, c.mode))
			_, err := Parse([]string{"--config", path}, env())
			want := strings.ReplaceAll(strings.ReplaceAll(c.want, "%[1]s", path), "%s", path)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v\nwant %s", err, want)
			}
		})
	}
	t.Run("a file that others can read, without a secret", func(t *testing.T) {
		path := writeFile(t, "channelsync.yaml", "data-dir: d\nadmin-token:\n")
		harness.OK(t, os.Chmod(path, 0o644))
		if _, err := Parse([]string{"--config", path}, env()); err != nil {
			t.Error(err)
		}
	})
	t.Run("none", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none.yaml")
		if _, err := Parse([]string{"--config", path}, env()); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(fmt.Sprint(err), "--config: ") {
			t.Error(err)
		}
	})
	t.Run("a directory", func(t *testing.T) {
		if _, err := Parse([]string{"--config", t.TempDir()}, env()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Error(err)
		}
	})
}

// FuzzFile: whatever stands in a file, it is read or refused.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{"data-dir: d\n", "a: [b, c]", "? x\n: y", "--- {", "a: !!binary x", "<<: *a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "f.yaml")
		harness.OK(t, os.WriteFile(path, text, 0o600))
		read, err := readFile(path)
		if err != nil {
			return
		}
		for name, e := range read.entries {
			if allowed()[name] == nil || e.line < 1 {
				t.Errorf("%q in line %d", name, e.line)
			}
		}
	})
}
