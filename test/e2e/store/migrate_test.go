package store

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/offline"
	"channelsync/test/harness"
	"channelsync/test/harness/servers"
	"channelsync/test/harness/service"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

func v1ID(id int64) string { return strconv.FormatInt(id, 10) }

// TestMoveToACluster: the embedded store moves, the service goes on there, and
// what the journal held before can be replayed after.
func TestMoveToACluster(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir(), SyncAlways: true})
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(40)
	in := w.Install()
	w.Agree(soon)
	began := time.Now()
	for _, id := range ids[:10] {
		w.Rename(id, "Renamed "+v1ID(id))
	}
	w.DeliverAll(soon)
	w.Agree(soon)
	w.Idle(in.ID, soon)
	w.Stop()
	stopped := time.Now()
	w.Rename(ids[20], "Renamed while it moves")

	cfg := config.Config{DataDir: w.DataDir, NATS: config.NATS{URL: v1.Secret(srv.ClientURL()), Replicas: 1}}
	copied, err := offline.Migrate{Config: cfg, Log: zap.NewNop()}.Run(bounded(t))
	if err != nil || len(copied) < 7 {
		t.Fatalf("got %+v, %v", copied, err)
	}
	refused(t, w, "was moved to", "--nats-url", filepath.Join(w.DataDir, "moved.json"))

	w.Set("nats-url", srv.ClientURL())
	w.Set("nats-replicas", "1")
	w.Set("master-key-file", filepath.Join(w.DataDir, "master-key"))
	w.Start()
	w.Agree(2 * soon)
	w.ClientBecomes(ids[20], "is renamed", soon, func(c cpsim.ClientInput) bool { return c.Name == "Renamed while it moves" })
	again := w.Until(in.ID, "is live", soon, func(in v1.Installation) bool { return in.State == v1.StateLive && in.Backlog == 0 })
	if again.Name != in.Name || len(again.Webhooks) != len(in.Webhooks) || again.Webhooks[0].GUID != in.Webhooks[0].GUID {
		t.Errorf("got %+v, want %+v", again, in)
	}
	ref, err := w.Admin.Replay(t.Context(), in.ID, v1.ReplayRequest{From: &began, To: &stopped})
	harness.OK(t, err)
	var job v1.Job
	w.Until(in.ID, "has replayed", soon, func(v1.Installation) bool {
		job, err = w.Admin.Job(t.Context(), in.ID, ref.Job)
		return err == nil && job.State == v1.JobDone
	})
	if job.Total != 10 {
		t.Errorf("replayed %d records, want the 10 that changed then: %+v", job.Total, job)
	}
	w.Agree(soon)
}
