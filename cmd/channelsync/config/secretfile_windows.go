package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"channelsync/internal/disk"
)

// ReadAdminToken reads the admin token that an embedded service made in its data
// directory. Administrators may have it, whoever runs the service.
func ReadAdminToken(dir string) (string, error) {
	return ReadSecretFile(filepath.Join(dir, "admin-token"))
}

func openSecret(path string, _ int) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil, linked(path)
	}
	if err := checkRegular(path, info.Mode()); err != nil {
		return nil, err
	}
	f, err := disk.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	if err := disk.CheckPrivateFile(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// keyFile takes the path of a file with a private key or credentials of others' making.
// Links are followed, since tools that renew certificates put them there.
func keyFile(to *string, s string) error {
	if err := readableFile(to, s); err != nil {
		return err
	}
	if info, err := os.Stat(s); err != nil || !info.Mode().IsRegular() {
		return want("a regular file")
	}
	if err := disk.CheckPrivateFile(s); err != nil {
		return want("a file that not everybody can open: " + err.Error())
	}
	return nil
}

// mayHoldSecret says why a file may hold no secret.
func mayHoldSecret(path string, _ fs.FileInfo) error { return disk.CheckPrivateFile(path) }
