package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"channelsync/internal/disk"
)

// ErrLocked: another process has the embedded store open.
var ErrLocked = errors.New("the data directory is in use by another process")

// LockDir takes a data directory for this process, as opening the store in it
// does: for whoever puts a store there. It makes the directory when it is missing.
func LockDir(dataDir string) (unlock func(), err error) { return lockDir(dataDir) }

// lockDir takes DataDir/lock for this process; the kernel lets go of it when the
// process ends, however it ends. The file holds the owner's process id.
func lockDir(dataDir string) (unlock func(), err error) {
	if err := disk.MakePrivate(dataDir); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dataDir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the data directory's lock: %w", err)
	}
	unlockFile, err := disk.Lock(f)
	if err != nil {
		owner := make([]byte, 32)
		n, _ := f.Read(owner)
		_ = f.Close()
		if errors.Is(err, disk.ErrInUse) {
			return nil, fmt.Errorf("%w: %s is held by process %s; stop it or use another data directory",
				ErrLocked, dataDir, strings.TrimSpace(string(owner[:n])))
		}
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid()) // only for the message above
	}
	return func() {
		unlockFile()
		_ = f.Close()
	}, nil
}
