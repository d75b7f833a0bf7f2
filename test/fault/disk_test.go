//go:build linux

package fault

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// storeSize is the size of the disks that the disk faults make.
const storeSize = 64 << 20

// vendorTimeout is how long Autotask waits for an answer; simulated, it is scaled unless it is said.
const vendorTimeout = 10 * time.Second

// diskFaults strike at the disk of the embedded store. They mount disks of their own, which needs root.
func diskFaults() []fault {
	disk := "" // the file with the disk that gets spoilt
	return []fault{
		{
			name: "disk full", own: true, repeats: true, strike: fillDisk,
			options: func(t *testing.T, o *service.Options) {
				o.Autotask.CalloutTimeout = vendorTimeout
				o.DataDir = mounted(t, "-t", "tmpfs", "-o", fmt.Sprintf("size=%d,mode=700", storeSize), "tmpfs")
			},
		},
		{
			name: "disk read-only", own: true, repeats: true, strike: func(tr *trial) string { return spoilDisk(tr, disk) },
			options: func(t *testing.T, o *service.Options) {
				o.Autotask.CalloutTimeout = vendorTimeout
				disk = ext4(t)
				o.DataDir = mounted(t, "-o", "loop", disk)
			},
		},
	}
}

// mounted mounts a disk for the test and returns where.
func mounted(t *testing.T, args ...string) string {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("no disk can be mounted here: %v: %s", err, out))
	}
	t.Cleanup(func() { run(t, "umount", dir) })
	return dir
}

// needRoot is called by what only root may do.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "only root may do this")
	}
}

// missing skips a test that the machine cannot run, loudly, but in CI, which must be able to, fails it.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip("SKIPPED, NOT SHOWN: " + why)
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// ext4 makes a file system in a file.
func ext4(t *testing.T) string {
	t.Helper()
	needRoot(t)
	image := filepath.Join(t.TempDir(), "disk")
	harness.OK(t, os.WriteFile(image, nil, 0o600))
	harness.OK(t, os.Truncate(image, storeSize))
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		missing(t, "mkfs.ext4 is not installed (e2fsprogs)")
	}
	run(t, "mkfs.ext4", "-q", "-F", image)
	return image
}

// fillDisk leaves no byte for the store, then gives all of it back.
func fillDisk(tr *trial) string {
	path := filepath.Join(tr.DataDir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		tr.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			tr.Fatal(err)
		}
	}
	tr.refused()
	tr.hold(during(3*time.Second, 30*time.Second))
	if err := errors.Join(f.Close(), os.Remove(path)); err != nil {
		tr.Fatal(err)
	}
	tr.over()
	// The store is frozen by now. The service notices that the disk is well again and ends, for its supervisor to start it.
	if state := tr.Ends(soon); state.ExitCode() != 1 {
		tr.Errorf("the service ended with %s", state)
	}
	tr.Start()
	return tr.refusedSoon() + "; ended by itself for its supervisor once there was room"
}

// refused waits until a try is answered 503.
func (tr *trial) refused() {
	tr.Helper()
	tr.Eventually("a refusal", soon, func() error {
		if tr.sender.refusals(http.StatusServiceUnavailable) == 0 {
			return errors.New("none yet")
		}
		return nil
	})
}

// spoilDisk makes the disk refuse every write, as a kernel does after an error of
// the hardware. The machine's owner mends it and starts the service again: while
// the disk takes no writes, it must not start.
//
// The service stands still at that moment, with no system call of it under way, and what
// it wrote is on the disk: ext4 answers an fsync that falls into the abort of its journal
// with success, although what it vouches for is gone (a program that only writes and
// flushes, four files side by side, lost a record in 15 of 60 tries on Linux 6.18, and in
// none of 100 when it stood still). No program can tell, so it is not what this is about.
func spoilDisk(tr *trial, disk string) string {
	tr.standing(func() {
		run(tr.T, "sync", "--file-system", tr.DataDir)
		run(tr.T, "mount", "-o", "remount,abort", tr.DataDir)
	})
	tr.refused()
	tr.hold(during(2*time.Second, 30*time.Second))
	note := tr.refusedSoon()
	tr.Stop()
	tr.Launch()
	if state := tr.Ends(soon); state.ExitCode() != 1 {
		tr.Errorf("started on a disk that takes no writes: %s", state)
	}
	run(tr.T, "umount", tr.DataDir)
	run(tr.T, "mount", "-o", "loop", disk, tr.DataDir)
	tr.over()
	tr.Start()
	return note + "; no start before the disk was repaired"
}
