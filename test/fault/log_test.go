//go:build linux

package fault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// TestServiceOutlivesItsLog: whoever reads the log goes away after a line, never reads, or
// is a disk without room. The service answers on, counts what is missing, and stops when
// it is asked to.
func TestServiceOutlivesItsLog(t *testing.T) {
	t.Parallel()
	binary := service.Build(t)
	for name, reader := range map[string]struct {
		log   func(t *testing.T) (to *os.File, begun func())
		drops bool
	}{
		"gone after a line": {func(t *testing.T) (*os.File, func()) {
			r, w := pipe(t)
			return w, func() {
				if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
					t.Error(err)
				}
				_ = r.Close()
			}
		}, true},
		"never reads": {func(t *testing.T) (*os.File, func()) {
			_, w := pipe(t)
			return w, func() {}
		}, false},
		"a full disk": {func(t *testing.T) (*os.File, func()) {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			harness.OK(t, err)
			t.Cleanup(func() { _ = full.Close() })
			return full, func() {}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, begun := reader.log(t)
			callbacks, admin := service.FreeAddr(t), service.FreeAddr(t)
			cmd := exec.Command(binary, "serve", "--data-dir", t.TempDir(), "--callback-listen", callbacks, "--admin-listen", admin,
				"--admin-token", service.AdminToken, "--log-level", "debug", "--log-format", "json")
			cmd.Env, cmd.Stdout, cmd.Stderr = []string{}, to, to
			harness.OK(t, cmd.Start())
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			_ = to.Close() // the child alone writes to it
			begun()
			status := func(path string) int {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+callbacks+path, strings.NewReader("{}"))
				harness.OK(t, err)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					return 0
				}
				defer func() { _ = resp.Body.Close() }()
				_, _ = io.Copy(io.Discard, resp.Body)
				return resp.StatusCode
			}
			awaitStatus(t, ended, func() bool { return status("/callbacks/autotask/"+lone) == http.StatusNotFound })
			for i := range 2_000 { // a line of the log each, far more than a pipe holds
				if got := status("/callbacks/autotask/" + lone); got != http.StatusNotFound {
					t.Fatalf("callback %d is answered %d", i, got)
				}
			}
			if text := metricsOf(t, admin); reader.drops && strings.Contains(text, "\nchannelsync_log_lines_dropped_total 0\n") {
				t.Error("no line of the log is counted as dropped")
			}
			harness.OK(t, cmd.Process.Signal(syscall.SIGTERM))
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(soon):
				t.Error("it does not stop")
			}
			http.DefaultClient.CloseIdleConnections()
		})
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	harness.OK(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r, w
}

// awaitStatus waits until the service answers; it must not end meanwhile.
func awaitStatus(t *testing.T, ended <-chan error, answers func() bool) {
	t.Helper()
	end := time.After(soon)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !answers() {
		select {
		case err := <-ended:
			t.Fatalf("the service ended: %v", errors.Join(err, errors.New("its reader went away, or does not read")))
		case <-end:
			t.Fatal("the service does not answer")
		case <-tick.C:
		}
	}
}

func metricsOf(t *testing.T, admin string) string {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("http://%s/metrics", admin))
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	harness.OK(t, err)
	return string(text)
}
