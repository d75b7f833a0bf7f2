//go:build linux

package wine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/harness/receipts"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestNothingAnsweredIsLostWhenTheProgramForWindowsIsKilled: it is installed by its own
// command, killed twice in the middle of callbacks and started again; every callback that
// it answered is in its journal, which Linux reads too, and in the end both sides agree.
// While it runs nobody else gets its data directory.
func TestNothingAnsweredIsLostWhenTheProgramForWindowsIsKilled(t *testing.T) {
	need(t)
	carried := &receipts.Carrier{}
	tenant := service.Unlimited()
	tenant.Transport = carried
	w := service.New(t, service.Options{Autotask: tenant, Binary: shim()})
	ids := w.Companies(40)
	run(t, w, "installation", "create", "--name=Example MSP", "--username="+service.Username,
		"--secret-file="+file(t, service.Secret), "--tracking-identifier-file="+file(t, service.TrackingID),
		"--connection-id="+service.Connection, "--connection-token-file="+file(t, service.Token),
		"--sync="+string(v1.SyncActiveCustomers), "--wait")
	all, err := w.Admin.Installations(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("got %v, %v, want one installation", all, err)
	}
	if out := refused(t, "serve", "--data-dir="+w.DataDir, "--callback-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"); !strings.Contains(out,
		"the data directory is in use by another process") {
		t.Errorf("a second process in the data directory: %s", out)
	}

	for round := range 2 {
		before := carried.Count()
		for i, id := range ids {
			w.Edit("Companies", id, atsim.Row{"companyName": fmt.Sprintf("Client %d, edit %d", i, round)})
		}
		w.Eventually("callbacks are answered", time.Minute, func() error {
			if n := carried.Count() - before; n < len(ids)/3 {
				return fmt.Errorf("%d of %d", n, len(ids))
			}
			return nil
		})
		w.Kill()
		w.Start()
	}
	w.DeliverAll(time.Minute)
	w.Agree(time.Minute, v1.SyncActiveCustomers)
	if out := run(t, w, "status"); !strings.Contains(out, "Example MSP") {
		t.Errorf("status says %s", out)
	}
	w.Stop() // by an interrupt
	if log, err := os.ReadFile(w.LogFile); err != nil || !strings.Contains(string(log), `"msg":"stopped"`) {
		t.Errorf("the interrupt did not stop it in order: %v\n%s", err, log)
	}
	w.Store(func(bus *events.Bus) { carried.AllIn(t, bus, all[0].ID) })
}

// run runs a command of the program against the service.
func run(t *testing.T, w *service.Harness, args ...string) string {
	t.Helper()
	cmd := wine(shim(), append([]string{args[0]}, append(args[1:], "--api-url="+w.AdminURL)...)...)
	cmd.Env = append(cmd.Env, "CHANNELSYNC_ADMIN_TOKEN="+service.AdminToken)
	out, err := output(cmd)
	if err != nil {
		t.Fatalf("channelsync %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// refused is what a command says that must fail.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	out, err := output(wine(shim(), args...))
	if err == nil {
		t.Fatalf("channelsync %s: done, want it refused\n%s", strings.Join(args, " "), out)
	}
	return out
}

// file is a file with a secret.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	harness.OK(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
