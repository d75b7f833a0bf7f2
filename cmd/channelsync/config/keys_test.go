package config

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness"
)

func embedded(t *testing.T, args ...string) Config {
	t.Helper()
	c, err := Parse(append([]string{"--data-dir=" + filepath.Join(t.TempDir(), "data")}, args...), env())
	harness.OK(t, err)
	return c
}

func TestKeysAreMadeOnceAndKept(t *testing.T) {
	c := embedded(t)
	made, err := EnsureKeys(&c)
	harness.OK(t, err)
	want := []string{filepath.Join(c.DataDir, "master-key"), filepath.Join(c.DataDir, "admin-token")}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Error(diff)
	}
	for path, mode := range map[string]os.FileMode{c.DataDir: 0o700, want[0]: 0o600, want[1]: 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: got %v, %v, want %o", path, info.Mode(), err, mode)
		}
	}
	if entries, _ := os.ReadDir(c.DataDir); len(entries) != 2 {
		t.Errorf("got %d files, want the two keys and no leftovers", len(entries))
	}

	again := c
	again.MasterKeys, again.AdminToken = nil, ""
	made, err = EnsureKeys(&again)
	if err != nil || len(made) != 0 {
		t.Fatalf("second start made %q, %v", made, err)
	}
	if again.AdminToken != c.AdminToken || !cmp.Equal(again.MasterKeys, c.MasterKeys) || len(c.MasterKeys[0]) != keyBytes {
		t.Error("second start has other keys than the first")
	}
	var dump strings.Builder
	if err := again.Dump(&dump); err != nil || !strings.Contains(dump.String(), "<secret>") ||
		!strings.Contains(dump.String(), want[1]) || strings.Contains(dump.String(), c.AdminToken.Reveal()) {
		t.Errorf("dump does not say where the token is, or says the token: %v\n%s", err, dump.String())
	}
}

func TestGivenKeysMakeNoFiles(t *testing.T) {
	c := embedded(t, "--master-key="+key(1), "--admin-token="+strong)
	if made, err := EnsureKeys(&c); err != nil || len(made) != 0 {
		t.Errorf("made %q, %v", made, err)
	}
	if c.AdminToken != strong {
		t.Errorf("token replaced by %q", c.AdminToken.Reveal())
	}
}

func TestKeysOfOneStartRacingAnother(t *testing.T) {
	c := embedded(t)
	configs := make([]Config, 8)
	var wg sync.WaitGroup
	for i := range configs {
		configs[i] = c
		configs[i].settings = append([]setting(nil), c.settings...)
		wg.Go(func() {
			if _, err := EnsureKeys(&configs[i]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, other := range configs[1:] {
		if other.AdminToken != configs[0].AdminToken || !cmp.Equal(other.MasterKeys, configs[0].MasterKeys) {
			t.Error("two starts ended with different keys")
		}
	}
}

func TestUnsafeKeysAreRefused(t *testing.T) {
	valid := base64.StdEncoding.EncodeToString(make([]byte, keyBytes))
	for _, tc := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    string
	}{
		{"readable by others", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "master-key"), valid, 0o644)
		}, "run chmod 600"},
		{"damaged", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "master-key"), "abc", 0o600)
		}, "want 32 bytes in base64"},
		{"empty", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "admin-token"), "\n", 0o600)
		}, "without text"},
		{"open directory", func(t *testing.T, dir string) {
			harness.OK(t, os.Chmod(dir, 0o777))
		}, "run chmod 700"},
		{"key lost, data kept", func(t *testing.T, dir string) {
			harness.OK(t, os.MkdirAll(filepath.Join(dir, "nats", "jetstream"), 0o700))
		}, "want the key that sealed the data"},
		{"directory is a file", func(t *testing.T, dir string) {
			harness.OK(t, os.Remove(dir))
			put(t, dir, "x", 0o600)
		}, "prepare data directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := embedded(t)
			harness.OK(t, os.MkdirAll(c.DataDir, 0o700))
			tc.prepare(t, c.DataDir)
			_, err := EnsureKeys(&c)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestExternalNATSMakesNothing(t *testing.T) {
	c := embedded(t, "--nats-url=tls://a:4222", "--master-key="+key(1), "--admin-token="+strong)
	if made, err := EnsureKeys(&c); err != nil || len(made) != 0 {
		t.Errorf("made %q, %v", made, err)
	}
	if _, err := os.Stat(c.DataDir); err == nil {
		t.Error("data directory made without need")
	}
}

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	harness.OK(t, os.WriteFile(path, []byte(content), mode))
	harness.OK(t, os.Chmod(path, mode))
}
