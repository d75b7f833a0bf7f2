//go:build linux

package fault

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// nobody is a user without rights.
const nobody = 65534

// TestNoCoreDump: a service that is made to crash leaves no core, even where the
// machine allows one, so that no credential gets onto a disk that way. Where the
// machine dumps no core of anything, that the service's limit is 0 is all that can
// be shown here; that it is undumpable shows in that nobody may read its memory.
func TestNoCoreDump(t *testing.T) {
	t.Parallel()
	other := crashing(t, "sleep 100")
	awaitNamed(t, other, "sleep")
	dumps := aborted(t, other)
	addr := service.FreeAddr(t)
	service := crashing(t, fmt.Sprintf("%s serve --data-dir=%s --callback-listen=127.0.0.1:0 --admin-listen=%s",
		service.Build(t), filepath.Join(t.TempDir(), "data"), addr))
	awaitServing(t, addr)
	if soft, hard := coreLimits(t, service); soft != "0" || hard != "0" {
		t.Errorf("the service's core may have %s bytes, at most %s; want none", soft, hard)
	}
	if aborted(t, service) {
		t.Error("the service left a core dump")
	}
	if !dumps {
		t.Log("this machine dumps no core of any process: only the limit was shown")
	}
}

// TestCommandsLeaveNoCore: whatever has a token or a key in its memory may leave no core.
// Each command waits for something that never comes, which tells that it has begun.
func TestCommandsLeaveNoCore(t *testing.T) {
	t.Parallel()
	binary, dir := service.Build(t), t.TempDir()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	harness.OK(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	pipe, key := filepath.Join(dir, "pipe"), filepath.Join(dir, "key")
	harness.OK(t, syscall.Mkfifo(pipe, 0o600))
	harness.OK(t, os.WriteFile(key, []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), 0o600))
	accepted := func() (io.Closer, error) { return silent.Accept() }
	opened := func() (io.Closer, error) { return os.OpenFile(pipe, os.O_WRONLY, 0) }
	for _, tc := range []struct {
		command string
		begun   func() (io.Closer, error)
	}{
		{"status --api-url=http://" + silent.Addr().String(), accepted},
		{"backup b.tar --api-url=http://" + silent.Addr().String(), accepted},
		{"restore " + pipe + " --data-dir=" + filepath.Join(dir, "data") + " --master-key-file=" + key, opened},
	} {
		cmd := crashing(t, binary+" "+tc.command)
		held, err := tc.begun()
		harness.OK(t, err)
		if soft, hard := coreLimits(t, cmd); soft != "0" || hard != "0" {
			t.Errorf("%s: its core may have %s bytes, at most %s; want none", tc.command, soft, hard)
		}
		if aborted(t, cmd) {
			t.Errorf("%s left a core dump", tc.command)
		}
		_ = held.Close()
	}
}

// crashing starts a command that may leave a core as large as the machine allows, in
// a directory of its own. The command's own name is the process's once that is so.
func crashing(t *testing.T, command string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", "ulimit -S -c $(ulimit -H -c); exec "+command)
	cmd.Dir, cmd.Env = t.TempDir(), []string{"GOTRACEBACK=crash", "PATH=" + os.Getenv("PATH")}
	harness.OK(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// awaitNamed waits until a command has become the program of that name.
func awaitNamed(t *testing.T, cmd *exec.Cmd, name string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(soon); strings.TrimSpace(procFile(t, cmd, "comm")) != name; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s does not become %s", cmd, name)
		}
	}
}

// coreLimits reads how large a command's core may be, and how large it could allow itself.
func coreLimits(t *testing.T, cmd *exec.Cmd) (soft, hard string) {
	t.Helper()
	for line := range strings.Lines(procFile(t, cmd, "limits")) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			fields := strings.Fields(rest) // and the unit
			return fields[0], fields[1]
		}
	}
	t.Fatal("the kernel tells no limit of cores")
	return "", ""
}

func procFile(t *testing.T, cmd *exec.Cmd, name string) string {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, name))
	harness.OK(t, err)
	return string(content)
}

// aborted aborts a command and says whether the kernel dumped its core.
func aborted(t *testing.T, cmd *exec.Cmd) bool {
	t.Helper()
	harness.OK(t, cmd.Process.Signal(syscall.SIGABRT))
	_ = cmd.Wait() // it ends by a signal, which its state tells
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGABRT {
		t.Fatalf("ended with %s, want SIGABRT", cmd.ProcessState)
	}
	return status.CoreDump()
}

// TestSecretsOfTheEnvironmentAreTheProcesssOwn: another process of the same user
// reads neither the environment, which may hold secrets, nor the memory.
func TestSecretsOfTheEnvironmentAreTheProcesssOwn(t *testing.T) {
	t.Parallel()
	needRoot(t)
	binary, dir := service.Build(t), t.TempDir()
	for _, d := range []string{filepath.Dir(binary), filepath.Dir(filepath.Dir(binary)), dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o777); err != nil { //nolint:gosec // of this test only
			t.Fatal(err)
		}
	}
	as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	addr := service.FreeAddr(t)
	service := exec.Command(binary, "serve", "--data-dir="+filepath.Join(dir, "data"), "--callback-listen=127.0.0.1:0", "--admin-listen="+addr)
	service.Env, service.SysProcAttr = []string{"CHANNELSYNC_ADMIN_TOKEN=a-token-in-the-environment"}, as
	harness.OK(t, service.Start())
	t.Cleanup(func() {
		_ = service.Process.Kill()
		_ = service.Wait() // it says "killed", which is what was asked for
	})
	awaitServing(t, addr)
	for _, file := range []string{"environ", "mem", "maps"} {
		path := fmt.Sprintf("/proc/%d/%s", service.Process.Pid, file)
		other := exec.Command("head", "-c", "1", path)
		other.SysProcAttr = as
		out, err := other.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "ermission denied") {
			t.Errorf("another process of the same user opens %s: %q, %v", path, out, err)
		}
	}
}

// awaitServing waits until the admin listener answers.
func awaitServing(t *testing.T, addr string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(soon); ; <-tick.C {
		resp, err := client.Get("http://" + addr + "/livez")
		if err == nil {
			_ = resp.Body.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the service does not answer: %v", err)
		}
	}
}
