//go:build linux

package wine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"channelsync/test/harness"

	"go.uber.org/goleak"
)

// Where Debian's packages put them: wine64 and gcc-mingw-w64-x86-64.
const (
	wine64     = "/usr/lib/wine/wine64"
	wineserver = "/usr/lib/wine/wineserver64"
	compiler   = "x86_64-w64-mingw32-gcc"
)

// windows is a Windows of these tests' own.
var windows struct {
	dir  string // all of it
	once sync.Once
	err  error

	session *exec.Cmd // somebody logged in: without any program of a user Wine ends all services
	leave   io.Closer
}

// atMost is how long a command may take: seconds, but for a build from nothing on a busy machine.
const atMost = 10 * time.Minute

func TestMain(m *testing.M) {
	syscall.Umask(0o077) // Wine makes access lists of modes, and inherits none
	dir, err := os.MkdirTemp("", "channelsync-wine-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	windows.dir = dir
	harness.Main(m, goleak.Cleanup(func(code int) {
		if windows.session != nil {
			_ = windows.leave.Close() // which ends it
			_ = windows.session.Wait()
			_, _ = output(wine(wineserver, "-k")) // of this prefix alone
		}
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// wine is a command in that Windows.
func wine(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "WINEPREFIX="+drive(".."), "WINEDEBUG=-all", "LC_ALL=C.UTF-8")
	return cmd
}

// output runs a command. What it says goes to a file: Wine's servers, which the first command
// starts, would keep a pipe open.
func output(cmd *exec.Cmd) (string, error) {
	f, err := os.CreateTemp(windows.dir, "output-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		return "", err
	}
	late := time.AfterFunc(atMost, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	err = cmd.Wait()
	said, reading := os.ReadFile(f.Name())
	return string(said), errors.Join(err, reading)
}

// drive is a path on its drive C.
func drive(path ...string) string {
	return filepath.Join(append([]string{windows.dir, "prefix", "drive_c"}, path...)...)
}

// need sets up Windows with the program in it, once, and skips the test where that cannot
// be, which fails in CI.
func need(t *testing.T) {
	t.Helper()
	for _, tool := range []string{wine64, wineserver, compiler} {
		if _, err := exec.LookPath(tool); err != nil {
			why := "install wine64 and gcc-mingw-w64-x86-64: " + err.Error()
			if os.Getenv("CI") == "true" {
				t.Fatal("CI must have this: " + why)
			}
			t.Skip("NOT TESTED: " + why)
		}
	}
	windows.once.Do(func() { windows.err = setUp() })
	if windows.err != nil {
		t.Fatal(windows.err)
	}
}

func setUp() error {
	if err := os.MkdirAll(drive(".."), 0o700); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-o", program(), "channelsync/cmd/channelsync")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	library := drive("windows", "system32", "bcryptprimitives.dll")
	for _, cmd := range []*exec.Cmd{
		build,
		wine(wine64, "wineboot", "--init"),
		wine(wineserver, "-w"), // until it is done
		exec.Command(compiler, "-shared", "-o", library, "testdata/prng.c", "-ladvapi32"),
	} {
		if out, err := output(cmd); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
		}
	}
	session := wine(wine64, "cmd.exe")
	leave, err := session.StdinPipe()
	if err == nil {
		err = session.Start()
	}
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	windows.session, windows.leave = session, leave
	script := fmt.Sprintf("#!/bin/sh\nexport WINEPREFIX='%s' WINEDEBUG=-all\nexec %s ", drive(".."), wine64)
	for name, what := range map[string]string{"channelsync": "'" + program() + "'", "run": ""} {
		if err := os.WriteFile(filepath.Join(windows.dir, name), []byte(script+what+` "$@"`+"\n"), 0o700); err != nil { //nolint:gosec // a program
			return err
		}
	}
	return nil
}

func program() string { return filepath.Join(windows.dir, "channelsync.exe") }

// shim is a program of this machine that runs the one for Windows.
func shim() string { return filepath.Join(windows.dir, "channelsync") }
