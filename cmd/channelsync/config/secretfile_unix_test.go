//go:build !windows

package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"channelsync/test/harness"
)

func TestSecretFilesOfAnybodyElsesReachAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		facts
		user int
		want string
	}{
		{"its owner's alone", facts{mode: 0o600, owner: 7}, 7, ""},
		{"its owner's, to read", facts{mode: 0o400, owner: 7}, 7, ""},
		{"of root", facts{mode: 0o600}, 7, ""},
		{"of somebody else", facts{mode: 0o600, owner: 8}, 7, "of user 8, want a file of user 7, who runs this, or of root: run chown 7 f"},
		{"of somebody else, for root", facts{mode: 0o600, owner: 8}, 0, "of user 8, want a file of user 0"},
		{"its group reads", facts{mode: 0o640, owner: 7}, 7, "mode 0640, want 0600: run chmod 600 f"},
		{"everybody reads", facts{mode: 0o604, owner: 7}, 7, "mode 0604, want 0600"},
		{"everybody writes", facts{mode: 0o602, owner: 7}, 7, "mode 0602, want 0600"},
		{"root's, its group reads", facts{mode: 0o440}, 7, "mode 0440, want 0600"},

		{"mounted by a container's runtime", facts{mode: 0o444, owner: 8, mounted: true}, 7, ""},
		{"in a volume", facts{mode: 0o644, volume: true}, 7, ""},
		{"in a volume, with fsGroup", facts{mode: 0o440, volume: true}, 7, ""},
		{"in a volume that others write into", facts{mode: 0o664, volume: true}, 7, "mode 0664"},
		{"what somebody built like a volume", facts{mode: 0o644, owner: 8, volume: true}, 7, "of user 8"},
		{"what we ourselves built like a volume", facts{mode: 0o644, owner: 7, volume: true}, 7, "mode 0644"},
		{"in a directory of a group of ours", facts{mode: 0o660, owner: 7, shared: true}, 7, ""},
		{"there, and everybody reads", facts{mode: 0o664, owner: 7, shared: true}, 7, "mode 0664"},
		{"there, of somebody else", facts{mode: 0o660, owner: 8, shared: true}, 7, "of user 8"},

		{"a directory", facts{mode: os.ModeDir | 0o700, owner: 7, mounted: true}, 7, "which is a directory"},
		{"a pipe", facts{mode: os.ModeNamedPipe | 0o600, owner: 7, mounted: true}, 7, "which is not a regular file"},
		{"a device", facts{mode: os.ModeDevice | os.ModeCharDevice | 0o600}, 7, "which is not a regular file"},
	} {
		err := tc.judge("f", tc.user)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestSecretFilesAreTakenAsTheyLie(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	put(t, secret, " \ufeffhush\u00a0\r\n", 0o600)
	link := func(to, name string) string {
		path := filepath.Join(dir, name)
		harness.OK(t, os.MkdirAll(filepath.Dir(path), 0o700))
		harness.OK(t, os.Symlink(to, path))
		return path
	}
	file := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		harness.OK(t, os.MkdirAll(filepath.Dir(path), 0o700))
		put(t, path, "hush", mode)
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	harness.OK(t, syscall.Mkfifo(pipe, 0o600))

	// as kubelet fills it: the file is a link into ..data, which is a link to the present contents
	file("volume/..2026_11_30/key", 0o600)
	link("..2026_11_30", "volume/..data")
	volume := link("..data/key", "volume/key")
	otherName := link("..data/key", "volume/other")
	link("../volume/..2026_11_30", "built/..data")

	file("shared/key", 0o660)
	harness.OK(t, os.Chmod(filepath.Join(dir, "shared"), 0o770|os.ModeSetgid))

	for _, tc := range []struct{ name, path, want string }{
		{"a file", secret, ""},
		{"a link", link("secret", "link"), "which is a link"},
		{"a file that others may read", file("open", 0o644), "mode 0644, want 0600"},
		{"a pipe that nobody writes to", pipe, "which is not a regular file"},
		{"a directory", dir, "which is a directory"},
		{"nothing", filepath.Join(dir, "nowhere"), "no such file"},
		{"a volume's", volume, ""},
		{"a link in a volume by another name", otherName, "which is a link"},
		{"a link that leads out of its volume", link("..data/key", "built/key"), "which is a link"},
		{"a directory that is shared with our group", filepath.Join(dir, "shared", "key"), ""},
	} {
		got, err := ReadSecretFile(tc.path)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) || err == nil && got != "hush" {
			t.Errorf("%s: got %q, %v, want %q", tc.name, got, err, tc.want)
		}
	}
	for path, want := range map[string]bool{
		"/run/secrets/key": true, "/var/run/secrets/a/b": true, "/run/secrets/../key": false, "/run/secretsx": false, secret: false,
		"/run/credentials/channelsync.service/key": true, "/run/credentials": false,
	} {
		if isMounted(path) != want {
			t.Errorf("%s: taken for a container's secret: %v", path, !want)
		}
	}
}

// TestRootReadsTheTokenOfTheService, whose user has the data directory, and nobody else's.
func TestRootReadsTheTokenOfTheService(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "admin-token")
	put(t, path, "hush", 0o600)
	service, another := os.Geteuid(), false
	if service == 0 {
		service, another = 65532, true
	}
	for _, of := range []string{dir, path} {
		harness.OK(t, os.Chown(of, service, -1))
	}
	if got, err := ReadAdminToken(dir); got != "hush" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if !another {
		return // only root can give files away
	}
	harness.OK(t, os.Chown(path, 65531, -1))
	if got, err := ReadAdminToken(dir); got != "" || err == nil || !strings.Contains(err.Error(), "of user 65531") {
		t.Errorf("that of another user: got %q, %v", got, err)
	}
}

func TestPrivateKeysThatEverybodyReadsAreRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key.pem")
	put(t, path, "a key", 0o600)
	link := filepath.Join(dir, "live.pem")
	harness.OK(t, os.Symlink("key.pem", link))
	for _, name := range []string{"admin-tls-key", "callback-tls-key", "nats-creds", "nats-key"} {
		for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: false, 0o644: true, 0o602: true} {
			harness.OK(t, os.Chmod(path, mode))
			for _, given := range []string{path, link} {
				_, err := Parse([]string{"--" + name + "=" + given}, env())
				text := "a file that not everybody can read or write: run chmod 600 " + given
				if err == nil || strings.Contains(err.Error(), text) != refused { // without its other settings it is refused in any case
					t.Errorf("--%s=%s of mode %04o: got %v, want it refused for its mode: %v", name, given, mode, err, refused)
				}
			}
		}
	}
	if _, err := Parse([]string{"--admin-tls-key=" + dir}, env()); err == nil || !strings.Contains(err.Error(), "a regular file") {
		t.Errorf("a directory: got %v", err)
	}
}
