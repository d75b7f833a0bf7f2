package store

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/config"
	"channelsync/test/harness"
	"channelsync/test/harness/files"
	"channelsync/test/harness/servers"
	"channelsync/test/harness/service"
)

const (
	keyOne = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	keyTwo = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

// refused wants that a start on the harness's data is refused in one line, and that
// it has touched nothing.
func refused(t *testing.T, w *service.Harness, says ...string) {
	t.Helper()
	refusedWith(t, w.DataDir, nil, says...)
}

func refusedWith(t *testing.T, dir string, settings []string, says ...string) {
	t.Helper()
	before := files.Tree(t, dir)
	args := append([]string{"--data-dir=" + dir, "--callback-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}, settings...)
	cfg, err := config.Parse(args, func(string) (string, bool) { return "", false })
	harness.OK(t, err)
	a, err := app.New(bounded(t), app.Options{Config: cfg, Version: "test", Log: zap.NewNop()})
	if err == nil {
		_ = a.Stop(bounded(t))
		t.Fatal("it was not refused")
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q, want one line with %q", err, s)
		}
	}
	if diff := cmp.Diff(before, files.Tree(t, dir)); diff != "" {
		t.Errorf("the refused start changed\n%s", diff)
	}
}

// TestWrongStartsTouchNothing: after each of them the right start finds everything.
func TestWrongStartsTouchNothing(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Settings: map[string]string{"master-key": keyOne}})
	w.Companies(5)
	in := w.Install(v1.SyncActiveCustomers)
	w.Agree(soon, v1.SyncActiveCustomers)
	w.Stop()
	manifest := filepath.Join(w.DataDir, "store.json")
	good, err := os.ReadFile(manifest)
	harness.OK(t, err)
	again := func(key string) {
		t.Helper()
		w.Set("master-key", key)
		w.Start()
		w.Until(in.ID, "is there", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
		w.Stop()
	}

	refusedWith(t, w.DataDir, []string{"--master-key=" + keyTwo}, "--master-key: ", "another key", "nothing was changed")
	refusedWith(t, w.DataDir, nil, "--master-key: got nothing", w.DataDir)
	again(keyOne)

	newer := strings.Replace(string(good), `"format": 3`, `"format": 4`, 1)
	harness.OK(t, os.WriteFile(manifest, []byte(newer), 0o600))
	refusedWith(t, w.DataDir, []string{"--master-key=" + keyOne}, "--data-dir: ", "format 4", "formats up to 3", "nothing was changed")
	harness.OK(t, os.WriteFile(manifest, good, 0o600))
	again(keyTwo + "," + keyOne) // a rotation
	again(keyTwo)
	refusedWith(t, w.DataDir, []string{"--master-key=" + keyOne}, "another key")
	again(keyOne + "," + keyTwo)
}

// TestWrongKeyOnAClusterTouchesNothing: neither the key nor the format of a store in
// a cluster is found out by changing it.
func TestWrongKeyOnAClusterTouchesNothing(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir(), SyncAlways: true})
	w := service.New(t, service.Options{Autotask: service.Unlimited(), NATSURL: srv.ClientURL()})
	w.Companies(5)
	in := w.Install(v1.SyncActiveCustomers)
	w.Agree(soon, v1.SyncActiveCustomers)
	w.Stop()
	settings := []string{"--nats-url=" + srv.ClientURL(), "--nats-replicas=1", "--admin-token=" + service.AdminToken, "--master-key=" + keyTwo}
	before := streams(t, srv)
	refusedWith(t, t.TempDir(), settings, "--master-key: ", "another key")
	if diff := cmp.Diff(before, streams(t, srv)); diff != "" {
		t.Errorf("the refused start changed\n%s", diff)
	}
	w.Start()
	w.Until(in.ID, "is there", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
}

// streams is every stream of a server and how it stands; its files are the
// server's own, which tidies them whenever it likes.
func streams(t *testing.T, srv *server.Server) map[string]string {
	t.Helper()
	answer, err := srv.Jsz(&server.JSzOptions{Accounts: true, Streams: true, Config: true})
	harness.OK(t, err)
	all := map[string]string{}
	for _, account := range answer.AccountDetails {
		for _, s := range account.Streams {
			all[s.Name] = fmt.Sprintf("%+v %+v", s.Config, s.State)
		}
	}
	if len(all) == 0 {
		t.Fatal("the server has no streams")
	}
	return all
}

// TestFullAndReadOnlyDisk: a service that cannot keep anything does not start, not
// even on a directory of its own making, and says why.
func TestFullAndReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	mount := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "mount", args...).CombinedOutput(); err != nil {
			t.Skipf("NOT TESTED: mounting a small disk wants root: %v: %s", err, out)
		}
	}
	mount("-t", "tmpfs", "-o", "size=48m", "tmpfs", disk)
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	w := service.New(t, service.Options{Autotask: service.Unlimited(), DataDir: filepath.Join(disk, "data")})
	w.Companies(5)
	in := w.Install(v1.SyncActiveCustomers)
	w.Agree(soon, v1.SyncActiveCustomers)
	w.Stop()

	mount("-o", "remount,ro", disk)
	refusedWith(t, w.DataDir, nil, "--data-dir: ", w.DataDir, "cannot be written", "nothing was changed")
	refusedWith(t, disk, nil, "--data-dir: ", "cannot be written")
	mount("-o", "remount,rw", disk)

	filler := filepath.Join(disk, "filler")
	harness.OK(t, os.WriteFile(filler, make([]byte, 38<<20), 0o600))
	refusedWith(t, w.DataDir, nil, "--data-dir: ", w.DataDir, "is full", "make room", "nothing was changed")
	harness.OK(t, os.Remove(filler))
	w.Start()
	w.Until(in.ID, "is there", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
}
