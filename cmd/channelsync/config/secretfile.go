package config

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"

	v1 "channelsync/api/v1"
)

// maxSecretFile is how large a secret may be: a larger file is surely not one.
const maxSecretFile = 64 << 10

// ReadSecretFile reads a file with one secret and trims it. The file itself is wanted,
// not a link to it, of this user or root, and out of the reach of all others. Two
// kinds of file are taken as they come, since whoever put them there keeps others out:
// those below /run/secrets, of a container, and /run/credentials, of systemd; and those
// of a volume that Kubernetes fills. In a directory with the setgid bit its group may have the file
// too: so fsGroup leaves a volume.
//
// Everything is asked of the open file, so that nobody can put another one in its
// place in between. On Windows what counts is its access list, not its owner: a group that
// many are in must not be in it.
func ReadSecretFile(path string) (string, error) { return readSecretOf(path, os.Geteuid()) }

func readSecretOf(path string, user int) (string, error) {
	f, err := openSecret(path, user)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read secret: %w", err)
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("got %s with more than 64 KiB, want a file with one secret", path)
	}
	v := v1.Trim(string(b))
	if v == "" || !utf8.ValidString(v) {
		return "", fmt.Errorf("got %s without text, want a file with one secret", path)
	}
	return v, nil
}

func linked(path string) error {
	return fmt.Errorf("got %s, which is a link, want the file itself: links are not followed to secrets", path)
}

func checkRegular(path string, mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return fmt.Errorf("got %s, which is a directory, want a file with one secret", path)
	case !mode.IsRegular():
		return fmt.Errorf("got %s, which is not a regular file, want a file with one secret", path)
	}
	return nil
}
