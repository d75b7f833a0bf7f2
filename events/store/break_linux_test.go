package store

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"channelsync/test/harness"
)

// breakWrites puts a descriptor that cannot be written in the place of each that
// the process has open below dir.
func breakWrites(t *testing.T, dir string) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	harness.OK(t, err)
	defer func() { _ = null.Close() }()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		harness.NotTested(t, "no list of open files here: %v", err)
	}
	broken := 0
	for _, fd := range fds {
		path, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err != nil || filepath.Dir(path) != dir {
			continue
		}
		var n int
		for _, c := range fd.Name() {
			n = n*10 + int(c-'0')
		}
		harness.OK(t, syscall.Dup3(int(null.Fd()), n, syscall.O_CLOEXEC))
		broken++
	}
	if broken == 0 {
		t.Fatal("the stream has no file open")
	}
}
