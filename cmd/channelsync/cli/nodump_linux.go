package cli

import (
	"errors"
	"fmt"
	"syscall"
)

// prSetDumpable is PR_SET_DUMPABLE of prctl(2).
const prSetDumpable = 4

// NoDump keeps the memory of this process, which holds credentials and keys, out of
// core files, and its memory and environment from other processes of the same
// user. A core limit of 0 alone would not do: the kernel ignores it when cores are
// piped to a program.
func NoDump() error {
	var errs []error
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("set the core limit to 0: %w", err))
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0); errno != 0 {
		errs = append(errs, fmt.Errorf("make the process undumpable: %w", errno))
	}
	return errors.Join(errs...)
}
