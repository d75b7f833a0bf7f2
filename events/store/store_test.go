package store

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"channelsync/events/kv"
	"channelsync/test/harness"
	"channelsync/test/harness/files"
	"channelsync/test/harness/servers"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
)

// signedStore is the data directory of a store that was at work and signed.
func signedStore(t testing.TB, key string) string {
	t.Helper()
	dir := t.TempDir()
	b, err := Open(t.Context(), Config{DataDir: dir, Log: zap.NewNop()})
	harness.OK(t, err)
	put(t, b)
	harness.OK(t, b.WriteManifest(t.Context(), "v1.2.3", []byte(key)))
	shut(t, b)
	return dir
}

func TestManifestIsWrittenOnceAndReadBeforeTheStoreIsOpened(t *testing.T) {
	t.Parallel()
	dir := signedStore(t, "sealed")
	manifest, err := Inspect(dir)
	if err != nil || manifest.Format != formatWithoutKey || manifest.Version != "v1.2.3" || string(manifest.Key) != "sealed" || manifest.Store == "" {
		t.Fatalf("got %+v, %v", manifest, err)
	}
	var asked []Manifest
	b := open(t, func(c *Config) {
		c.DataDir = dir
		c.Validate = func(s Manifest) error { asked = append(asked, s); return nil }
	})
	if len(asked) == 0 || !cmp.Equal(asked[0], manifest) || !cmp.Equal(b.Manifest(), manifest) {
		t.Fatalf("asked about %+v, has %+v, want %+v", asked, b.Manifest(), manifest)
	}
	before := files.Tree(t, dir)[filepath.Join(dir, manifestFile)]
	harness.OK(t, b.WriteManifest(t.Context(), "v1.2.3", []byte("sealed")))
	if after := files.Tree(t, dir)[filepath.Join(dir, manifestFile)]; after != before {
		t.Error("a manifest that is right was written again")
	}
	harness.OK(t, b.WriteManifest(t.Context(), "v1.3.0", []byte("other")))
	if again, err := Inspect(dir); err != nil || again.Version != "v1.3.0" || again.Store != manifest.Store {
		t.Fatalf("got %+v, %v", again, err)
	}
}

func TestStoreFromBeforeManifestsOpens(t *testing.T) {
	t.Parallel()
	dir := signedStore(t, "sealed")
	harness.OK(t, os.Remove(filepath.Join(dir, manifestFile)))
	b := open(t, func(c *Config) { c.DataDir = dir })
	if b.Manifest().Format != 0 {
		t.Fatalf("got %+v", b.Manifest())
	}
	if !holds(t, b) {
		t.Fatal("what it held is gone")
	}
}

func TestRefusedStartTouchesNothing(t *testing.T) {
	t.Parallel()
	wrongKey := errors.New("--master-key: not that one")
	for name, one := range map[string]struct {
		spoil    func(t *testing.T, dir string)
		validate func(Manifest) error
		says     []string
	}{
		"a newer format": {
			spoil: func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, manifestFile), `{"format":7,"version":"v9.0.0","key":{"another":"shape"}}`)
			},
			says: []string{"format 7", `"v9.0.0"`, "formats up to 3", "nothing was changed"},
		},
		"a manifest that cannot be read": {
			spoil: func(t *testing.T, dir string) { write(t, filepath.Join(dir, manifestFile), "{") },
			says:  []string{manifestFile, "restore it from a backup"},
		},
		"the wrong key": {validate: func(Manifest) error { return wrongKey }, says: []string{"--master-key"}},
		"a store that was moved": {
			spoil: func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, movedFile), `{"to":"nats://cluster:4222","at":"2026-11-23T12:00:00Z"}`)
			},
			says: []string{"moved to nats://cluster:4222", "2026-11-23", "--nats-url", movedFile},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := signedStore(t, "sealed")
			if one.spoil != nil {
				one.spoil(t, dir)
			}
			before := files.Tree(t, dir)
			_, err := Open(t.Context(), Config{DataDir: dir, Validate: one.validate})
			harness.Refused(t, err, one.says...)
			if diff := cmp.Diff(before, files.Tree(t, dir)); diff != "" {
				t.Errorf("the refused start changed\n%s", diff)
			}
		})
	}
}

func write(t testing.TB, path, body string) {
	t.Helper()
	harness.OK(t, os.WriteFile(path, []byte(body), 0o600))
}

// smallDisk mounts a file system of its own; tests that need one are left out
// where nobody may mount.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		harness.NotTested(t, "mounting a small disk wants root: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	return dir
}

func TestFullDiskIsRefusedAndFineOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "size=32m")
	dir := filepath.Join(disk, "data")
	cfg := Config{DataDir: dir}
	b, err := Open(t.Context(), cfg)
	harness.OK(t, err)
	put(t, b)
	shut(t, b)
	filler := filepath.Join(disk, "filler")
	harness.OK(t, os.WriteFile(filler, make([]byte, 20<<20), 0o600))
	before := files.Tree(t, dir)
	_, err = Open(t.Context(), cfg)
	harness.Refused(t, err, dir, "is full", "make room", "nothing was changed")
	if diff := cmp.Diff(before, files.Tree(t, dir)); diff != "" {
		t.Errorf("the refused start changed\n%s", diff)
	}
	harness.OK(t, os.Remove(filler))
	again := open(t, func(c *Config) { c.DataDir = dir })
	if !holds(t, again) {
		t.Fatal("what it held is gone")
	}
}

func TestReadOnlyDiskIsRefused(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "size=32m")
	dir := filepath.Join(disk, "data")
	b, err := Open(t.Context(), Config{DataDir: dir})
	harness.OK(t, err)
	shut(t, b)
	remount(t, disk, "ro")
	before := files.Tree(t, dir)
	_, err = Open(t.Context(), Config{DataDir: dir})
	harness.Refused(t, err, dir, "cannot be written", "read-only", "nothing was changed")
	if diff := cmp.Diff(before, files.Tree(t, dir)); diff != "" {
		t.Errorf("the refused start changed\n%s", diff)
	}
	_, err = Inspect(filepath.Join(disk, "new", "data"))
	harness.Refused(t, err, disk, "cannot be written")
	remount(t, disk, "rw")
	open(t, func(c *Config) { c.DataDir = dir })
}

func remount(t *testing.T, dir, how string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "remount,"+how, dir).CombinedOutput(); err != nil {
		t.Fatalf("remount: %v: %s", err, out)
	}
}

func TestDataDirectoryThatIsAFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "x")
	_, err := Inspect(path)
	harness.Refused(t, err, path, "is a file")
}

func TestClusterIsAskedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	at := func(c *Config) { c.DataDir, c.URL, c.Replicas = "", srv.ClientURL(), 1 }
	b := open(t, at)
	keys, err := kv.Open(t.Context(), b.Link, kv.Config{Name: KeysTable, Secure: true})
	harness.OK(t, err)
	if _, err := keys.Put(t.Context(), SentinelKey, []byte("sentinel")); err != nil {
		t.Fatal(err)
	}
	harness.OK(t, b.WriteManifest(t.Context(), "v1.2.3", []byte("older")))
	names := servers.Streams(t, b.JS)
	cfg := Config{}
	at(&cfg)
	var asked []string
	cfg.Validate = func(s Manifest) error {
		asked = append(asked, s.Version+" "+string(s.Key))
		return errors.New("--master-key: not that one")
	}
	_, err = Open(t.Context(), cfg)
	harness.Refused(t, err, "--master-key")
	// Somebody else may have written over either of the two: the key is right if one of them says so.
	if diff := cmp.Diff([]string{"v1.2.3 sentinel", "v1.2.3 older"}, asked); diff != "" {
		t.Fatalf("asked about others\n%s", diff)
	}
	cfg.Validate = func(s Manifest) error {
		if string(s.Key) != "older" {
			return errors.New("--master-key: not that one")
		}
		return nil
	}
	taken, err := Open(t.Context(), cfg)
	harness.OK(t, err)
	shut(t, taken)
	if diff := cmp.Diff(names, servers.Streams(t, b.JS)); diff != "" {
		t.Fatalf("the refused start changed\n%s", diff)
	}
	if _, err := keys.Put(t.Context(), manifestKey, []byte(`{"format":4,"version":"v8"}`)); err != nil {
		t.Fatal(err)
	}
	cfg.Validate = nil
	_, err = Open(t.Context(), cfg)
	harness.Refused(t, err, "format 4", "v8", "nothing was changed")
	if !errors.Is(err, ErrNewerStore) {
		t.Errorf("got %v", err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"store":"01","version":"v1","key":"a2V5"}`))
	f.Add([]byte(`{"format":2,"version":3}`))
	f.Add([]byte(`{"format":-1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := parseManifest(body)
		if err == nil && (s.Format < 1 || s.Format > Format) {
			t.Fatalf("took %+v", s)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("more than one line: %q", err)
		}
	})
}
