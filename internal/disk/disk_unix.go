//go:build !windows

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// SpaceOf measures the disk of a directory, as df does.
func SpaceOf(dir string) (Space, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return Space{}, fmt.Errorf("measure the disk of %s: %w", dir, err)
	}
	block := int64(disk.Bsize)                                                 //nolint:unconvert // the types differ between platforms
	free, all := int64(disk.Bavail)*block, int64(disk.Blocks-disk.Bfree)*block //nolint:unconvert // as above
	return Space{Free: free, Size: all + free}, nil
}

// MakePrivate makes a directory that its owner alone reads, with those above it.
func MakePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	return nil
}

// CheckPrivate refuses a directory that others may write into. What they may read is
// said by each file's own mode.
func CheckPrivate(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at directory: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("%s can be written by everybody: run chmod 700 %s", dir, dir)
	}
	return nil
}

// CheckWritable asks whether files can be made in a directory, and makes none.
func CheckWritable(dir string) error {
	const writable, enterable = 2, 1 // access(2): W_OK, X_OK
	return syscall.Access(dir, writable|enterable)
}

// Replace gives a file that is on disk its name, in place of any that had it: after a
// crash the name is the old file's or the new one's.
func Replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err //nolint:wrapcheck // it names both
	}
	return syncDir(filepath.Dir(to))
}

// Name gives a file that is on disk its name, durably, unless another one has it: fs.ErrExist.
func Name(from, to string) error {
	err := os.Link(from, to)
	switch {
	case err == nil:
		err = os.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return err //nolint:wrapcheck // it names both
	default: // some filesystems have no second names
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("name %s: %w", to, fs.ErrExist)
		}
		err = os.Rename(from, to)
	}
	if err != nil {
		return err //nolint:wrapcheck // it names both
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	// Some filesystems cannot sync a directory and say EINVAL; they keep names in order themselves.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		_ = d.Close()
		return fmt.Errorf("sync directory: %w", err)
	}
	return d.Close() //nolint:wrapcheck // nothing was written through it
}

// Lock takes the file for this process, or fails with ErrInUse. The kernel lets go of it
// when the process ends, however it ends.
func Lock(f *os.File) (unlock func(), err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a descriptor is small
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	// Closing alone would leave the lock to a child that was forked and has not begun its own program yet.
	return func() { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }, nil //nolint:gosec // as above
}
