//go:build !windows

package app

import "syscall"

// openFiles is how many files the process may have open, connections included.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // what a process may have where nobody said otherwise
	}
	return uint64(limit.Cur) //nolint:unconvert // the type differs between platforms
}
