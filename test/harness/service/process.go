package service

import (
	"cmp"
	"context"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"

	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/config"
	"channelsync/test/harness"
)

// service is a running channelsync: in this process, or a child of it.
type service interface {
	Addr() (callback, admin string)
	Stop(ctx context.Context) error
}

// startHere runs the service in this process.
func (w *Harness) startHere() service {
	w.T.Helper()
	cfg, err := config.Parse(w.args(), func(string) (string, bool) { return "", false })
	harness.OK(w.T, err)
	log := w.opts.Log
	if log == nil {
		log = zaptest.NewLogger(w.T, zaptest.Level(zapcore.ErrorLevel))
	}
	a, err := app.New(w.T.Context(), app.Options{
		Config: cfg, Version: cmp.Or(w.opts.Version, "test"), Log: log, Now: w.opts.Now,
		NotifyEvery: w.opts.Quiet / 4, NotifyQuiet: w.opts.Quiet, Stall: w.opts.Stall,
	})
	harness.OK(w.T, err)
	harness.OK(w.T, a.Start(w.T.Context()))
	return a
}

// child is the real program as a process of its own.
type child struct {
	cmd             *exec.Cmd
	log             *os.File
	callback, admin string
}

// startChild runs the program at Options.Binary; its log goes to a file of the test's.
func (w *Harness) startChild() service {
	w.T.Helper()
	log, err := os.OpenFile(w.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	harness.OK(w.T, err)
	if w.admin == "127.0.0.1:0" {
		w.admin = FreeAddr(w.T)
	}
	args := append([]string{"serve"}, w.args()...)
	c := &child{cmd: exec.Command(w.opts.Binary, args...), log: log, callback: w.callback, admin: w.admin}
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = w.trusting(), log, log
	harness.OK(w.T, c.cmd.Start())
	return c
}

// trusting is the environment in which a program trusts the vendors of this harness.
func (w *Harness) trusting() []string {
	if !w.opts.TLS {
		return []string{}
	}
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // all of them have one certificate, of 127.0.0.1
	defer server.Close()
	file := filepath.Join(w.T.TempDir(), "trusted.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	harness.OK(w.T, os.WriteFile(file, text, 0o600))
	return []string{"SSL_CERT_FILE=" + file, "SSL_CERT_DIR=" + filepath.Dir(file)}
}

func (c *child) Addr() (callback, admin string) { return c.callback, c.admin }

// Stop ends the process as an operator would, and waits for it.
func (c *child) Stop(ctx context.Context) error {
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("interrupt the service: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.cmd.Wait() }()
	select {
	case err := <-ended:
		return c.closed(err)
	case <-ctx.Done():
		_ = c.cmd.Process.Kill()
		return c.closed(fmt.Errorf("the service did not stop in time: %w", <-ended))
	}
}

func (c *child) closed(err error) error {
	if closing := c.log.Close(); err == nil {
		err = closing
	}
	return err
}

// Kill ends the child process as a crash does: without any chance to tidy up.
func (w *Harness) Kill() {
	w.T.Helper()
	harness.OK(w.T, w.Process().Kill())
	c := w.service.(*child)
	_ = c.cmd.Wait() // it says "killed", which is what was asked for
	_ = c.log.Close()
	w.service = nil
	w.transport.CloseIdleConnections()
}

// Ends waits until the child process has ended by itself, and says how.
func (w *Harness) Ends(within time.Duration) *os.ProcessState {
	w.T.Helper()
	p := w.Process()
	ended := make(chan struct{})
	c := w.service.(*child)
	go func() {
		defer close(ended)
		_ = c.cmd.Wait() // how it ended is in its state
	}()
	select {
	case <-ended:
	case <-time.After(within):
		_ = p.Kill()
		<-ended
		w.T.Errorf("the service did not end by itself within %s", within)
	}
	_ = c.log.Close()
	w.service = nil
	w.transport.CloseIdleConnections()
	return c.cmd.ProcessState
}

// Process is the child process, for signals; it fails the test when there is none.
func (w *Harness) Process() *os.Process {
	w.T.Helper()
	c, ok := w.service.(*child)
	if !ok {
		w.T.Fatal("the service is no child process: set Options.Binary")
	}
	return c.cmd.Process
}

// NATSURL is where the service keeps its store; empty when it is embedded.
func (w *Harness) NATSURL() string { return w.opts.NATSURL }

// built is the environment variable that names the real program, when it is built already.
const built = "CHANNELSYNC_TEST_BINARY"

// Build makes the real program, unless make test has built it for all packages, and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	if path := os.Getenv(built); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "channelsync")
	out, err := exec.Command("go", "build", "-o", path, "channelsync/cmd/channelsync").CombinedOutput()
	if err != nil {
		t.Fatalf("build channelsync: %v\n%s", err, out)
	}
	return path
}

// NewLog is a logger at debug level that writes JSON lines to a file.
func NewLog(t testing.TB, path string) *zap.Logger {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	harness.OK(t, err)
	t.Cleanup(func() { _ = f.Close() })
	enc := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return zap.New(zapcore.NewCore(enc, zapcore.Lock(f), zapcore.DebugLevel))
}
