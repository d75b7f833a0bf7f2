package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"channelsync/test/harness"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	harness.OK(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestANameIsGivenOnce(t *testing.T) {
	dir := t.TempDir()
	first, second, name := filepath.Join(dir, "first"), filepath.Join(dir, "second"), filepath.Join(dir, "name")
	put(t, first, "first")
	put(t, second, "second")
	harness.OK(t, Name(first, name))
	if err := Name(second, name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the second file under one name: got %v, want it refused", err)
	}
	if got, err := os.ReadFile(name); string(got) != "first" || err != nil {
		t.Errorf("got %q, %v, want the first file", got, err)
	}
	if _, err := os.Lstat(first); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the former name is still there: %v", err)
	}
	harness.OK(t, Replace(second, name))
	if got, err := os.ReadFile(name); string(got) != "second" || err != nil {
		t.Errorf("got %q, %v, want the file that replaced it", got, err)
	}
	if err := Replace(second, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone: got %v", err)
	}
}

func TestALockIsHeldUntilItIsLetGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	put(t, path, "42\n")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR, 0o600)
		harness.OK(t, err)
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	unlock, err := Lock(open())
	harness.OK(t, err)
	second := open()
	if _, err := Lock(second); !errors.Is(err, ErrInUse) {
		t.Errorf("locked twice: %v", err)
	}
	owner := make([]byte, 8)
	if n, err := second.Read(owner); string(owner[:n]) != "42\n" || err != nil {
		t.Errorf("who has the lock cannot be read: %q, %v", owner[:n], err)
	}
	unlock()
	unlock, err = Lock(second)
	if err != nil {
		t.Fatalf("after it was let go: %v", err)
	}
	unlock()
}

func TestSpaceIsWhatADiskHas(t *testing.T) {
	got, err := SpaceOf(t.TempDir())
	if err != nil || got.Free <= 0 || got.Free > got.Size {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := SpaceOf(filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Errorf("of a directory that is not there: %+v", got)
	}
}

func TestAPrivateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "above", "data")
	for range 2 { // one that is there stays
		harness.OK(t, MakePrivate(dir))
	}
	if err := CheckPrivate(dir); err != nil {
		t.Errorf("made, and refused: %v", err)
	}
	if err := CheckWritable(dir); err != nil {
		t.Errorf("made, and not writable: %v", err)
	}
	if entries, err := os.ReadDir(dir); len(entries) > 0 || err != nil {
		t.Errorf("something was left in it: %v, %v", entries, err)
	}
	if err := CheckWritable(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: got %v", err)
	}
	if err := CheckPrivate(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: got %v", err)
	}
	file := filepath.Join(dir, "file")
	put(t, file, "")
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if err := MakePrivate(path); err == nil {
			t.Errorf("made %s in the place of a file, or below one", path)
		}
	}
}
