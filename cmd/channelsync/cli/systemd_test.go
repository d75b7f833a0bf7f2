package cli

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheServiceManagerIsNotified: ready once callbacks are taken, alive from then on, and
// stopping before what is under way ends.
func TestTheServiceManagerIsNotified(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	received := func() string {
		t.Helper()
		if err := manager.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		n, err := manager.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, Invocation{
			Args: []string{
				"serve", "--data-dir", filepath.Join(t.TempDir(), "data"), "--callback-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-level=error",
			},
			LookupEnv: func(string) (string, bool) { return "", false }, Stdout: io.Discard, Stderr: io.Discard,
		})
	}()
	alive := "WATCHDOG=1"
	got := received()
	for got == alive { // it looks after the store before all is ready
		got = received()
	}
	if !strings.HasPrefix(got, "READY=1\nSTATUS=callbacks on 127.0.0.1:") {
		t.Errorf("received %q first", got)
	}
	if got := received(); got != alive {
		t.Errorf("received %q then", got)
	}
	cancel()
	got = received()
	for got == alive {
		got = received()
	}
	if got != "STOPPING=1" {
		t.Errorf("received %q at the end", got)
	}
	if c := <-code; c != exitOK {
		t.Errorf("exit code %d", c)
	}
}
