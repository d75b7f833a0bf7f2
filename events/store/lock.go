package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrLocked: another process has the embedded store open.
var ErrLocked = errors.New("the data directory is in use by another process")

// LockDir takes a data directory for this process, as opening the store in it
// does: for whoever puts a store there. It makes the directory when it is missing.
func LockDir(dataDir string) (unlock func(), err error) { return lockDir(dataDir) }

// lockDir takes DataDir/lock for this process; the kernel lets go of it when the
// process ends, however it ends. The file holds the owner's process id.
func lockDir(dataDir string) (unlock func(), err error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dataDir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the data directory's lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner := make([]byte, 32)
		n, _ := f.Read(owner)
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s is held by process %s; stop it or use another data directory",
				ErrLocked, dataDir, strings.TrimSpace(string(owner[:n])))
		}
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid()) // only for the message above
	}
	return func() {
		// Closing alone would leave the lock to a child that was forked and has not begun its own program yet.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close()
	}, nil
}
