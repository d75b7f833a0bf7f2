package disk

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/windows"
)

// SpaceOf measures the disk of a directory, a quota of this user's included.
func SpaceOf(dir string) (Space, error) {
	path, err := windows.UTF16PtrFromString(dir)
	var free, size uint64
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(path, &free, &size, nil)
	}
	if err != nil {
		return Space{}, fmt.Errorf("measure the disk of %s: %w", dir, err)
	}
	return Space{Free: int64(free), Size: int64(size)}, nil //nolint:gosec // no disk has that many bytes
}

// CheckWritable asks whether files can be made in a directory, and makes none: it opens the
// directory for just that.
func CheckWritable(dir string) error {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	const addFile, addDirectory = windows.FILE_WRITE_DATA, windows.FILE_APPEND_DATA // what these rights are of a directory
	handle, err := windows.CreateFile(path, addFile|addDirectory, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return windows.CloseHandle(handle)
}

// Replace gives a file that is on disk its name, in place of any that had it: after a
// crash the name is the old file's or the new one's.
func Replace(from, to string) error {
	return move(from, to, windows.MOVEFILE_REPLACE_EXISTING)
}

// Name gives a file that is on disk its name, durably, unless another one has it: fs.ErrExist.
func Name(from, to string) error { return move(from, to, 0) }

// Open opens a file to read it, and waits for one that is being renamed at the moment.
func Open(path string) (f *os.File, err error) {
	err = patiently(func() error {
		f, err = os.Open(path)
		return err
	}, windows.ERROR_SHARING_VIOLATION)
	return f, err
}

// move renames durably: a directory cannot be synced here, but a rename can be written through.
func move(from, to string, flags uint32) error {
	old, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	name, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	err = patiently(func() error {
		return windows.MoveFileEx(old, name, flags|windows.MOVEFILE_WRITE_THROUGH)
	}, windows.ERROR_SHARING_VIOLATION, windows.ERROR_ACCESS_DENIED)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// patience is how long somebody else may have a file open that is to be renamed, or rename one that is to be opened.
const patience = 2 * time.Second

// patiently does something again while it fails with an error that says that somebody has the file at the moment.
func patiently(do func() error, held ...error) error {
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := do()
		isHeld := slices.ContainsFunc(held, func(of error) bool { return errors.Is(err, of) })
		if !isHeld || time.Now().After(until) {
			return err
		}
	}
}

// Lock takes the file for this process, or fails with ErrInUse. The system lets go of it
// when the process ends, however it ends. Locks are mandatory here: one byte far beyond
// the contents is taken, so that others can read who has it.
func Lock(f *os.File) (unlock func(), err error) {
	beyond := windows.Overlapped{Offset: 1 << 30, OffsetHigh: 1 << 30}
	file := windows.Handle(f.Fd())
	err = windows.LockFileEx(file, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &beyond)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return func() { _ = windows.UnlockFileEx(file, 0, 1, 0, &beyond) }, nil
}
