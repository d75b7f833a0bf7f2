// Package operate holds the end-to-end tests of what operators do with a live
// installation (bridges, dead letters, replay, resync, explain, options, the feed)
// and of contracts, which no webhook tells of. It drives a whole service between
// two simulated vendors (test/harness/service) from the outside.
package operate

import (
	"fmt"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestMain lets many tests wait at once: most of what they do is waiting.
func TestMain(m *testing.M) {
	harness.Parallel(8)
	harness.Main(m)
}

// soon is how long anything may take that a user would call immediate; generous,
// since tests share their machine.
const soon = 60 * time.Second

const (
	customers = v1.SyncActiveCustomers
	contracts = v1.SyncActiveCustomerContracts
)

// start starts a harness in which bursts are gathered for a moment only.
func start(t *testing.T, opts service.Options) *service.Harness {
	t.Helper()
	opts.Autotask.Modes.CalloutsPerHour, opts.Autotask.Modes.HourlyThreshold = -1, -1
	settings := map[string]string{"coalesce-window": "20ms"}
	for k, v := range opts.Settings {
		settings[k] = v
	}
	opts.Settings = settings
	return service.New(t, opts)
}

// seeded starts a harness with a believable tenant.
func seeded(t *testing.T, companies int, opts service.Options) *service.Harness {
	t.Helper()
	w := start(t, opts)
	w.Autotask.Seed(atsim.SeedSpec{Companies: companies, Seed: 7, UnitPeriods: 3})
	return w
}

// pushed is what Channel Program was sent since the last reset.
func pushed(w *service.Harness) []cpsim.Push { return w.Target.Pushes(service.Connection) }

// nothingPushed says so when something was.
func nothingPushed(t *testing.T, w *service.Harness, why string) {
	t.Helper()
	if p := pushed(w); len(p) > 0 {
		t.Errorf("%s: %d pushes, the first one %s %s: %s", why, len(p), p[0].Entity, p[0].ExternalID, p[0].Body)
	}
}

// ended waits until a job has ended.
func ended(t *testing.T, w *service.Harness, id string, ref v1.JobRef, err error) v1.Job {
	t.Helper()
	harness.OK(t, err)
	var j v1.Job
	w.Eventually("job "+ref.Job+" ends", 40*time.Second, func() error {
		var err error
		if j, err = w.Admin.Job(t.Context(), id, ref.Job); err == nil && j.State == v1.JobRunning {
			err = fmt.Errorf("it runs: %+v", j)
		}
		return err
	})
	return j
}

// had wants a record's outcome.
func had(o v1.Outcome) func(v1.RecordDetail) bool {
	return func(r v1.RecordDetail) bool { return r.Outcome == o }
}

// reconcile syncs a record now and waits for it to come out as wanted.
func reconcile(w *service.Harness, id string, kind v1.Kind, record int64, want v1.Outcome) v1.RecordDetail {
	w.T.Helper()
	before := time.Now()
	harness.OK(w.T, w.Admin.ReconcileRecord(w.T.Context(), id, kind, service.Text(record)))
	return w.RecordBecomes(id, kind, record, soon, func(r v1.RecordDetail) bool {
		return r.Outcome == want && r.ReconciledAt != nil && r.ReconciledAt.After(before)
	})
}
