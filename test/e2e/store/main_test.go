// Package store holds the end-to-end tests of the store as a thing to look after:
// it is backed up at work and restored, moved into a cluster, and not touched by a
// start that must not happen. It drives a whole service between two simulated
// vendors (test/harness/service) from the outside.
package store

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/offline"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

func TestMain(m *testing.M) { harness.Main(m) }

// soon is how long anything may take that a user would call immediate; generous,
// since tests share their machine.
const soon = 60 * time.Second

// backUp asks the running service for a backup and keeps it in a file.
func backUp(w *service.Harness) string {
	w.T.Helper()
	var file bytes.Buffer
	harness.OK(w.T, w.Admin.Backup(w.T.Context(), &file, nil))
	path := filepath.Join(w.T.TempDir(), "backup.tar")
	harness.OK(w.T, os.WriteFile(path, file.Bytes(), 0o600))
	return path
}

// restoring is a restore of a file, with the keys of one data directory, into another.
func restoring(t testing.TB, file, keysOf, into string) offline.Restore {
	t.Helper()
	cfg := config.Config{DataDir: keysOf}
	harness.OK(t, config.ReadKeys(&cfg))
	cfg.DataDir = into
	return offline.Restore{File: file, Config: cfg, Version: "test", Log: zap.NewNop()}
}

// keyOf copies the master key of one data directory into another.
func keyOf(t testing.TB, from, to string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(from, "master-key"))
	if err == nil {
		err = os.MkdirAll(to, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "master-key"), key, 0o600)
	}
	harness.OK(t, err)
}

// bounded is a context for what a test starts beside its own.
func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}
