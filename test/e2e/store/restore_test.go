package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events/backup/archive"
	"channelsync/test/harness"
	"channelsync/test/harness/files"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestBackupAtWorkRestoresToTheSameEnd: a backup is made while changes come in, the
// store is destroyed, the backup is restored elsewhere, and in the end the target
// holds what it must, whatever happened since the backup.
func TestBackupAtWorkRestoresToTheSameEnd(t *testing.T) {
	t.Parallel()
	tenant := service.Unlimited()
	tenant.Scale = 0.001 // Autotask gives up within a fraction of a second on what nobody takes while the service is away
	w := service.New(t, service.Options{Autotask: tenant})
	ids := w.Companies(120)
	in := w.Install()
	w.Agree(soon)

	editing := make(chan struct{})
	go func() {
		defer close(editing)
		for i, id := range ids[10:] {
			_ = w.Autotask.Edit("Companies", id, atsim.Row{"phone": "518-555-0" + string(rune('1'+i%9)) + "00"})
		}
	}()
	file := backUp(w)
	<-editing
	// What nobody who reads the backup alone could know of: an edit that was pushed and
	// is undone while the service is away, new secrets, new clients.
	w.Rename(ids[0], "Renamed after the backup")
	w.Agree(soon)
	harness.OK(t, w.Admin.RotateWebhookSecret(t.Context(), in.ID))
	added := w.Companies(3)
	w.DeliverAll(soon)
	w.Agree(soon)
	w.Stop()
	w.Rename(ids[0], "Client 0000")
	w.Rename(ids[1], "Renamed while it was away")

	fresh := filepath.Join(t.TempDir(), "restored")
	keyOf(t, w.DataDir, fresh)
	report, err := restoring(t, file, fresh, fresh).Run(bounded(t))
	harness.OK(t, err)
	if report.Installations != 1 || len(report.Streams) < 7 {
		t.Errorf("got %+v", report)
	}
	harness.OK(t, os.RemoveAll(filepath.Join(w.DataDir, "nats")))
	w.DataDir = fresh
	w.Start()
	w.Agree(2 * soon)
	w.ClientBecomes(ids[0], "is as it was", soon, func(c cpsim.ClientInput) bool { return c.Name == "Client 0000" })
	w.ClientBecomes(added[2], "is there", soon, func(c cpsim.ClientInput) bool { return c.Name != "" })
	back := w.Until(in.ID, "is live", soon, func(in v1.Installation) bool { return in.State == v1.StateLive && in.Backlog == 0 })
	if back.Name != in.Name {
		t.Errorf("got %+v", back)
	}
	// The webhooks are given the secret that the backup knows: callbacks are authentic again.
	w.Until(in.ID, "has mended its webhooks", soon, func(in v1.Installation) bool {
		return len(in.Webhooks) == 2 && in.Webhooks[0].ID != 0 && in.Webhooks[1].ID != 0
	})
	repaired := time.Now()
	w.Rename(ids[2], "Told by a callback")
	w.RecordBecomes(in.ID, v1.KindCompany, ids[2], soon, func(rec v1.RecordDetail) bool {
		return slices.ContainsFunc(rec.Timeline, func(s v1.TimelineStep) bool {
			return s.Trigger == v1.TriggerCallback && s.At.After(repaired)
		})
	})
	w.Agree(soon)
}

// TestBackupIsCheckedAndRehearsed: a file that is not content, the wrong key, a
// directory that is in use are refused, and leave nothing behind.
func TestBackupIsCheckedAndRehearsed(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	w.Companies(5)
	w.Install()
	w.Agree(soon)
	file := backUp(w)
	report, err := restoring(t, file, w.DataDir, "").Rehearse(bounded(t))
	if err != nil || report.Installations != 1 || report.Version != "test" {
		t.Fatalf("got %+v, %v", report, err)
	}
	content, err := os.ReadFile(file)
	harness.OK(t, err)
	for name, secret := range map[string]string{"an Autotask secret": service.Secret, "a token": service.Token, "a client's name": "Client 0001"} {
		if strings.Contains(string(content), secret) {
			t.Errorf("%s stands in the backup", name)
		}
	}
	into := func() string { return filepath.Join(t.TempDir(), "into") }

	cut := filepath.Join(t.TempDir(), "cut.tar")
	harness.OK(t, os.WriteFile(cut, content[:len(content)/2], 0o600))
	dir := into()
	if _, err := restoring(t, cut, w.DataDir, dir).Run(bounded(t)); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("cut off: got %v", err)
	}
	left(t, dir)

	wrong := restoring(t, file, w.DataDir, into())
	wrong.Config.MasterKeys = []v1.Secret{v1.Secret(strings.Repeat("x", 32))}
	if _, err := wrong.Run(bounded(t)); err == nil || !strings.HasPrefix(err.Error(), "--master-key: ") {
		t.Errorf("wrong key: got %v", err)
	}
	left(t, wrong.Config.DataDir)

	w.Stop()
	before := files.Tree(t, w.DataDir)
	if _, err := restoring(t, file, w.DataDir, w.DataDir).Run(bounded(t)); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("into a store: got %v", err)
	}
	if diff := cmp.Diff(before, files.Tree(t, w.DataDir)); diff != "" {
		t.Errorf("the refused restore changed\n%s", diff)
	}
	// What a restore that was killed left behind is in nobody's way.
	dir = into()
	keyOf(t, w.DataDir, dir)
	harness.OK(t, os.MkdirAll(filepath.Join(dir, ".restore-dead", "nats"), 0o700))
	if _, err := restoring(t, file, w.DataDir, dir).Run(bounded(t)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	harness.OK(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"lock", "master-key", "nats", "store.json"}, names); diff != "" {
		t.Error(diff)
	}
}

// left wants that nothing was made.
func left(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Lstat(dir); err == nil {
		t.Errorf("%s was made", dir)
	}
}
