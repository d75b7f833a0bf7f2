//go:build !windows

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ReadAdminToken reads the admin token that an embedded service made in its data
// directory. Root may have it from the user of the service, whose directory it is.
func ReadAdminToken(dir string) (string, error) {
	user := os.Geteuid()
	if info, err := os.Stat(dir); err == nil && user == 0 {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			user = int(stat.Uid)
		}
	}
	return readSecretOf(filepath.Join(dir, "admin-token"), user)
}

func openSecret(path string, user int) (*os.File, error) {
	flags := os.O_RDONLY | syscall.O_NONBLOCK // of a pipe that nobody writes to: it is refused, not waited for
	if !inVolume(path) {
		flags |= syscall.O_NOFOLLOW
	}
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, linked(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		err = factsOf(path, info).judge(path, user)
	}
	if err != nil {
		_ = f.Close()
		return nil, err //nolint:wrapcheck // it names the file
	}
	return f, nil
}

// keyFile takes the path of a file with a private key or credentials of others' making.
// Links are followed, since tools that renew certificates put them there, and its group
// may have it; everybody may not.
func keyFile(to *string, s string) error {
	f, err := os.OpenFile(s, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return want("a file that can be read (" + reason(err) + ")")
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return want("a regular file")
	}
	found := factsOf(s, info)
	found.shared = true
	switch user := os.Geteuid(); {
	case found.judge(s, user) == nil:
		*to = s
		return nil
	case found.owner != user && found.owner != 0:
		return want(fmt.Sprintf("a file of user %d, who runs this, or of root: run chown %d %s", user, user, s))
	}
	return want("a file that not everybody can read or write: run chmod 600 " + s)
}

// mayHoldSecret says why a file, which is open, may hold no secret.
func mayHoldSecret(path string, info fs.FileInfo) error {
	return factsOf(path, info).judge(path, os.Geteuid())
}

// facts are what decides whether a file may hold a secret.
type facts struct {
	mode    fs.FileMode
	owner   int
	mounted bool // by a container or systemd
	volume  bool // a link of a volume that Kubernetes fills
	shared  bool // its directory is shared with its group, which this process is in
}

func factsOf(path string, info fs.FileInfo) facts {
	found := facts{mode: info.Mode(), owner: os.Geteuid(), volume: inVolume(path), mounted: isMounted(path), shared: isShared(path, info)}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		found.owner = int(stat.Uid)
	}
	return found
}

const (
	groupAndOthers fs.FileMode = 0o077
	others         fs.FileMode = 0o007
	othersWriting  fs.FileMode = 0o022
)

func (f facts) judge(path string, user int) error {
	refused := groupAndOthers
	if err := checkRegular(path, f.mode); err != nil {
		return err
	}
	switch {
	case f.mounted:
		return nil
	case f.volume && f.owner == 0:
		refused = othersWriting
	case f.shared:
		refused = others
	}
	switch mode := f.mode.Perm(); {
	case f.owner != user && f.owner != 0:
		return fmt.Errorf("got %s of user %d, want a file of user %d, who runs this, or of root: run chown %d %s", path, f.owner, user, user, path)
	case mode&refused != 0:
		return fmt.Errorf("got %s with mode %04o, want 0600: run chmod 600 %s", path, mode, path)
	}
	return nil
}

// isMounted says whether a container's runtime or systemd put the file there.
func isMounted(path string) bool {
	full, err := filepath.Abs(path)
	return err == nil && slices.ContainsFunc([]string{"/run/secrets/", "/var/run/secrets/", "/run/credentials/"}, func(dir string) bool {
		return strings.HasPrefix(full, dir)
	})
}

// inVolume says whether path is a file of a volume that Kubernetes fills: a link into
// ..data, which itself is a link to the present contents, beside it.
func inVolume(path string) bool {
	name, err := os.Readlink(path)
	if err != nil || name != filepath.Join("..data", filepath.Base(path)) {
		return false
	}
	present, err := os.Readlink(filepath.Join(filepath.Dir(path), "..data"))
	return err == nil && strings.HasPrefix(present, "..") && len(present) > len("..") && !strings.Contains(present, "/")
}

// isShared says whether the file's directory hands its group on, by the setgid bit, and
// the file has that group, which this process is in.
func isShared(path string, info fs.FileInfo) bool {
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil || dir.Mode()&fs.ModeSetgid == 0 {
		return false
	}
	of, ok := dir.Sys().(*syscall.Stat_t)
	file, also := info.Sys().(*syscall.Stat_t)
	if !ok || !also || of.Gid != file.Gid {
		return false
	}
	groups, err := os.Getgroups()
	return os.Getegid() == int(of.Gid) || err == nil && slices.Contains(groups, int(of.Gid))
}
