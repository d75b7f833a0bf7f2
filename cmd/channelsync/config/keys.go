package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"channelsync/internal/disk"
)

const (
	masterKeyFile  = "master-key"
	adminTokenFile = "admin-token"
)

// EnsureKeys gives the Config the master key and the admin token it was started
// without: from <data-dir>/master-key and <data-dir>/admin-token, which are made
// on the first start. It answers the files that it made in this call. Files of
// anyone else's reach are refused, existing ones are never overwritten. With an
// external NATS nothing is made; Parse has refused a Config without keys.
func EnsureKeys(c *Config) (made []string, err error) {
	if !c.NATS.Embedded() {
		return nil, nil
	}
	if err := ensureDir(c.DataDir); err != nil {
		return nil, fmt.Errorf("prepare data directory: %w", err)
	}
	if len(c.MasterKeys) == 0 {
		if err := c.guardStore(); err != nil {
			return nil, err
		}
		if made, err = c.ensure(made, "master-key", masterKeyFile, base64.StdEncoding); err != nil {
			return made, err
		}
	}
	if c.AdminToken == "" {
		made, err = c.ensure(made, "admin-token", adminTokenFile, base64.RawURLEncoding)
	}
	return made, err
}

// ReadKeys gives the Config the keys of the data directory that are there, and
// makes none: what must be known of a start before anything is touched. It refuses
// a missing master key beside a store that an older one sealed.
func ReadKeys(c *Config) error {
	if !c.NATS.Embedded() {
		return nil
	}
	for _, k := range []struct {
		name, file string
		given      bool
	}{
		{"master-key", masterKeyFile, len(c.MasterKeys) > 0},
		{"admin-token", adminTokenFile, c.AdminToken != ""},
	} {
		if k.given {
			continue
		}
		path := filepath.Join(c.DataDir, k.file)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := c.read(k.name, path); err != nil {
			return err
		}
	}
	if len(c.MasterKeys) > 0 {
		return nil
	}
	return c.guardStore()
}

// guardStore refuses to make a new master key beside a store that an older one sealed.
func (c *Config) guardStore() error {
	path := filepath.Join(c.DataDir, masterKeyFile)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(c.DataDir, "nats"))
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("--master-key: got nothing and %s is gone, want the key that sealed the data in %s: "+
			"restore it, or start with an empty --data-dir", path, c.DataDir)
	}
	return nil
}

// ensure reads the file of a setting, making it when it is missing, and applies what it says.
func (c *Config) ensure(made []string, name, file string, enc *base64.Encoding) ([]string, error) {
	path := filepath.Join(c.DataDir, file)
	created, err := createOnce(path, enc.EncodeToString(randomBytes())+"\n")
	if err != nil {
		return made, fmt.Errorf("make %s: %w", name, err)
	}
	if created {
		made = append(made, path)
	}
	return made, c.read(name, path)
}

// read applies what the file of a setting says.
func (c *Config) read(name, path string) error {
	value, err := ReadSecretFile(path)
	if err != nil {
		return fmt.Errorf("--%s: %w", name, err)
	}
	all := definitions()
	i := slices.IndexFunc(all, func(d definition) bool { return d.name == name })
	return given{definition: all[i], value: value, source: path}.applyTo(c)
}

func randomBytes() []byte {
	b := make([]byte, keyBytes)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}

// ensureDir makes the directory for its owner alone, and refuses one that anybody may write into.
func ensureDir(dir string) error {
	if err := disk.MakePrivate(dir); err != nil {
		return err
	}
	return disk.CheckPrivate(dir)
}

// createOnce writes content to path with mode 0600, unless path is there. The
// content is on disk before the name is, so that a crash leaves all or nothing;
// naming it fails when another process was faster, and then its file counts.
func createOnce(path, content string) (created bool, err error) {
	if _, err := os.Lstat(path); err == nil {
		return false, nil
	}
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return false, fmt.Errorf("create file: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(content)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return false, fmt.Errorf("write file: %w", err)
	}
	if err := disk.Name(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("name file: %w", err)
	}
	return true, nil
}
