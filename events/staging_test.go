package events

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
)

// inMemory skips where there is no memory to stage in.
func inMemory(t *testing.T) {
	t.Helper()
	s := openStaging(stagingBase, t.TempDir(), nil, zap.NewNop())
	if s.dir == "" {
		t.Skip("no memory file system to stage batches in")
	}
	s.close()
}

func changes(n int) []Change {
	list := make([]Change, n)
	for i := range list {
		list[i] = change(int64(i + 1))
	}
	return list
}

// TestBatchesAreStagedInMemory: the link stands while a batch is under way, leads to
// memory that is this process's own, and nothing of it stays.
func TestBatchesAreStagedInMemory(t *testing.T) {
	inMemory(t)
	dir := t.TempDir()
	b := open(t, func(c *Config) { c.DataDir = dir })
	j := b.Journal()
	leave := j.stage.enter()
	target, err := os.Readlink(batchesOf(streamsDir(dir), journalStream))
	if err != nil || filepath.Dir(filepath.Dir(target)) != stagingBase {
		t.Fatalf("batches are staged at %q, %v", target, err)
	}
	if info, err := os.Stat(filepath.Dir(target)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may look into it: %v, %v", info.Mode(), err)
	}
	if err := j.PublishAll(t.Context(), changes(100)); err != nil {
		t.Fatal(err)
	}
	leave()
	eventually(t, 10*time.Second, "the link is gone", func() bool { return len(stagingLinks(streamsDir(dir))) == 0 })
	shut(t, b)
	if _, err := os.Stat(filepath.Dir(target)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// TestLinkToNowhere: after a crash and a restart of the machine the link leads to
// memory that is gone. Batches are stored all the same.
func TestLinkToNowhere(t *testing.T) {
	inMemory(t)
	dir := t.TempDir()
	b := open(t, func(c *Config) { c.DataDir = dir })
	if err := b.Journal().PublishAll(t.Context(), changes(30)); err != nil {
		t.Fatal(err)
	}
	shut(t, b)
	gone := filepath.Join(stagingBase, stagingName+"gone", journalStream)
	if err := os.Symlink(gone, batchesOf(streamsDir(dir), journalStream)); err != nil {
		t.Fatal(err)
	}
	b = open(t, func(c *Config) { c.DataDir = dir })
	if err := b.Journal().PublishAll(t.Context(), changes(30)); err != nil {
		t.Fatal(err)
	}
	info, err := b.Journal().handle.Info(t.Context())
	if err != nil || info.State.Msgs != 60 {
		t.Errorf("%d changes are stored, %v; want 60", info.State.Msgs, err)
	}
}

// TestALinkOutlivesWhoeverStoodItBefore: what a closed store would have tidied up
// later is no longer its own, but of whoever opened the directory since.
func TestALinkOutlivesWhoeverStoodItBefore(t *testing.T) {
	inMemory(t)
	dir := t.TempDir()
	b := open(t, func(c *Config) { c.DataDir = dir })
	if err := b.Journal().PublishAll(t.Context(), changes(30)); err != nil {
		t.Fatal(err)
	}
	was := b.Journal().stage
	shut(t, b)
	link := batchesOf(streamsDir(dir), journalStream)
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	was.fall() // as its timer does
	if _, err := os.Lstat(link); err != nil {
		t.Errorf("the link of another was taken away: %v", err)
	}
}

// TestLeftoversAreRemoved: what a process that died left in memory goes with the next
// start, and nothing else that a link may lead to.
func TestLeftoversAreRemoved(t *testing.T) {
	inMemory(t)
	dir, foreign := t.TempDir(), t.TempDir()
	b := open(t, func(c *Config) { c.DataDir = dir })
	shut(t, b)
	left, err := os.MkdirTemp(stagingBase, stagingName)
	if err != nil {
		t.Fatal(err)
	}
	for stream, target := range map[string]string{journalStream: filepath.Join(left, journalStream), worklistStream: foreign} {
		if err := os.Symlink(target, batchesOf(streamsDir(dir), stream)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, func(c *Config) { c.DataDir = dir })
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover is still there: %v", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("what is not ours was removed: %v", err)
	}
}

// TestNoMemory: where there is no memory to stage in, batches are staged on disk.
func TestNoMemory(t *testing.T) {
	for name, base := range map[string]string{"a disk": t.TempDir(), "nowhere": filepath.Join(t.TempDir(), "none")} {
		s := openStaging(base, t.TempDir(), nil, zap.NewNop())
		if s.dir != "" || s.of((Config{}).journalConfig()) != nil {
			t.Errorf("%s: staged in %q", name, s.dir)
		}
		var none *stage
		none.enter()()
		s.close()
	}
}
