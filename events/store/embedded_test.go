package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/kv"
	"channelsync/test/harness"
)

// TestLinksOfFormat1AreRemoved: a process of format 1 that was killed left its unfinished
// batches in memory, and links to them. Batches are stored all the same, and nothing of it stays.
func TestLinksOfFormat1AreRemoved(t *testing.T) {
	dir, foreign := t.TempDir(), t.TempDir()
	b := open(t, func(c *Config) { c.DataDir = dir })
	for _, name := range []string{"first", "second"} {
		if _, err := kv.Open(t.Context(), b.Link, kv.Config{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, b)
	left, err := os.MkdirTemp("/dev/shm", "channelsync-")
	if err != nil {
		left = filepath.Join(t.TempDir(), "gone") // there is no such place here: the link leads nowhere
	}
	link := func(stream string) string { return filepath.Join(streamsDir(dir), stream, "batches") }
	for stream, target := range map[string]string{"KV_first": filepath.Join(left, "KV_first"), "KV_second": foreign} {
		harness.OK(t, os.RemoveAll(link(stream)))
		harness.OK(t, os.Symlink(target, link(stream)))
	}
	b = open(t, func(c *Config) { c.DataDir = dir })
	table, err := kv.Open(t.Context(), b.Link, kv.Config{Name: "second"})
	harness.OK(t, err)
	var batch []kv.KeyValue
	for i := range js.BatchFrom + 1 {
		batch = append(batch, kv.KeyValue{Key: fmt.Sprint(i), Value: []byte("value")})
	}
	harness.OK(t, table.PutMany(t.Context(), batch))
	if info, err := os.Lstat(link("KV_second")); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		t.Error("a link still stands")
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what it led to is still there: %v", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("what is not ours was removed: %v", err)
	}
}
