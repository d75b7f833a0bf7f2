package lifecycle

import (
	"testing"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/config"
	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/sync/installation"
	"channelsync/sync/seal"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// tableOf opens a table of the store as the service does.
func tableOf(t *testing.T, bus *events.Bus, name string) *kv.Table {
	t.Helper()
	table, err := bus.Table(t.Context(), kv.Config{Name: name, History: 1, Secure: name == "keys" || name == "installations"})
	harness.OK(t, err)
	return table
}

// keysOf lists the keys of a table of the store.
func keysOf(t *testing.T, bus *events.Bus, name string) []string {
	t.Helper()
	var keys []string
	err := tableOf(t, bus, name).Each(t.Context(), "", func(e kv.Entry) error { keys = append(keys, e.Key); return nil })
	harness.OK(t, err)
	return keys
}

// storeOf opens the installations of a stopped service with its keys, to leave them as a crash would.
func storeOf(t *testing.T, w *service.Harness, bus *events.Bus) (*installation.Store, *seal.Vault) {
	t.Helper()
	cfg := config.Config{DataDir: w.DataDir}
	harness.OK(t, config.ReadKeys(&cfg))
	auth, err := app.Authenticate(t.Context(), cfg, bus, kv.AuthenticatorConfig{Log: zap.NewNop()})
	harness.OK(t, err)
	tables, err := app.OpenTables(t.Context(), bus, auth)
	harness.OK(t, err)
	master, err := app.MasterRing(cfg)
	harness.OK(t, err)
	vault, err := seal.OpenVault(t.Context(), master, tables["keys"])
	harness.OK(t, err)
	store, err := installation.Open(t.Context(), tables["installations"], vault)
	harness.OK(t, err)
	return store, vault
}

// TestADecidedPassIsNotForgotten: the service dies between a decision and the job
// that follows from it; the next start makes the job.
func TestADecidedPassIsNotForgotten(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	w.Companies(10)
	in := w.Install(v1.SyncActiveCustomers)
	w.Drain(in.ID)
	w.Stop()
	harness.OK(t, w.Target.Empty(service.Connection))
	w.Store(func(bus *events.Bus) {
		store, _ := storeOf(t, w, bus)
		_, err := store.Change(t.Context(), in.ID, func(in *installation.Installation) error {
			in.PendingJobs = []installation.PendingJob{{Type: "resync", Kinds: []v1.Kind{v1.KindCompany}, Force: true}}
			return nil
		})
		harness.OK(t, err)
	})
	for range 2 { // once only, however often it is started
		w.Start()
		w.Agree(soon, v1.SyncActiveCustomers)
		w.Until(in.ID, "has done it", soon, func(in v1.Installation) bool { return len(in.Jobs) == 0 && in.Backlog == 0 })
		if n := len(w.Target.Pushes(service.Connection)); n != 20 {
			t.Errorf("%d pushes, want 10 of the backfill and 10 of what was owed", n)
		}
		w.Stop()
	}
}
