package cluster

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// moveWithin is how soon everything of an instance that died must be worked for by another.
const moveWithin = 20 * time.Second

// TestAKilledInstanceIsTakenOver: two instances, many installations, callbacks to
// either while one is killed. Its installations move within 20 s, nothing is lost, and
// no record is written by two at once.
func TestAKilledInstanceIsTakenOver(t *testing.T) {
	t.Parallel()
	tenants := 40
	if n, err := strconv.Atoi(os.Getenv("CHANNELSYNC_CLUSTER")); err == nil {
		tenants = n // the long form: 200
	}
	f := newField(t, tenants, 4)
	binary := service.Build(t)
	a := f.join(service.Options{Binary: binary})
	b := f.join(service.Options{Binary: binary})
	f.install(a, b)
	f.rename(0, "Before")
	f.renamed(0, "Before", moveWithin)
	f.front.shared(t)

	stop := f.trickle()
	killed := time.Now()
	b.Kill()
	f.unattended(a)
	f.rename(0, "After")
	f.renamed(0, "After", moveWithin)
	t.Logf("everything moved %s after the kill", time.Since(killed).Round(100*time.Millisecond))
	t.Logf("%d edits meanwhile", stop())
	for _, one := range f.tenants {
		if err := one.WaitCallouts(t.Context()); err != nil {
			t.Error(err)
		}
	}
	f.agree(60 * time.Second)
	f.live(a, 30*time.Second, 0)
}

// unattended wants what the dead instance worked for still to be shown, as such, and
// what would change it to be refused for now.
func (f *field) unattended(w *service.Harness) {
	f.t.Helper()
	list, err := w.Admin.Installations(f.t.Context())
	if err != nil || len(list) != len(f.tenants) {
		f.t.Fatalf("%d installations are shown: %v", len(list), err)
	}
	orphans := 0
	for _, in := range list {
		if len(in.Issues) == 0 || in.Issues[0].Code != "no_instance" {
			continue
		}
		if orphans++; orphans > 5 {
			break
		}
		one, err := w.Admin.Installation(f.t.Context(), in.ID)
		if err != nil || one.Name != in.Name || one.State != v1.StateDegraded {
			f.t.Errorf("%s is shown as %+v, %v", in.ID, one, err)
		}
		page, err := w.Admin.Records(f.t.Context(), in.ID, v1.RecordQuery{Limit: 10})
		if err != nil || len(page.Items) == 0 {
			f.t.Errorf("records of %s: %d, %v", in.ID, len(page.Items), err)
		}
		if orphans == 1 {
			refused(f.t, w.Admin.Act(f.t.Context(), in.ID, "", "stop"), http.StatusServiceUnavailable)
		}
	}
	if orphans == 0 {
		f.t.Error("the dead instance worked for nothing")
	}
}

// TestAnInstanceThatStopsHandsOver: a rolling restart moves everything at once.
func TestAnInstanceThatStopsHandsOver(t *testing.T) {
	f := newField(t, 12, 2)
	a := f.join(service.Options{Version: "1"})
	b := f.join(service.Options{Version: "2"})
	f.install(a, b)
	stop := f.trickle()
	began := time.Now()
	b.Stop()
	stopped := time.Since(began)
	f.rename(0, "After")
	f.renamed(0, "After", 5*time.Second)
	t.Logf("stopped in %s, everything arrived %s after it began", stopped, time.Since(began))
	if stopped > 10*time.Second {
		t.Errorf("it took %s to stop", stopped)
	}
	b.Start()
	f.live(b, 30*time.Second, 1000)
	f.rename(0, "Back")
	f.renamed(0, "Back", 5*time.Second)
	stop()
	f.agree(30 * time.Second)
}

// TestNATSRestarts: while the server is away longer than a lease lasts nobody writes;
// afterwards everything goes on, and still no record is written by two.
func TestNATSRestarts(t *testing.T) {
	t.Parallel()
	f := newField(t, 8, 3)
	a := f.join(service.Options{Log: zap.NewNop()}) // errors are what this test is about
	b := f.join(service.Options{Log: zap.NewNop()})
	owned(t, []*service.Harness{a, b})
	f.install(a, b)
	stop := f.trickle()
	f.nats.stop()
	a.Eventually("the leases are lost", 15*time.Second, func() error {
		for _, w := range []*service.Harness{a, b} {
			if n := shardsOf(t, w); n > 0 {
				return fmt.Errorf("%d shards are held", n)
			}
		}
		return nil
	})
	f.nats.start()
	f.live(a, 60*time.Second, 1000)
	owned(t, []*service.Harness{a, b})
	t.Logf("%d edits", stop())
	f.rename(0, "After")
	f.agree(60 * time.Second)
	http.DefaultClient.CloseIdleConnections()
}

// trickle edits companies but the first of each tenant until the returned function
// is called, which tells how many edits it made.
func (f *field) trickle() (stop func() int) {
	return harness.Every(f.t, 10*time.Millisecond, func(n int) {
		one := f.tenants[rand.IntN(len(f.tenants))]
		id := one.companies[1+rand.IntN(len(one.companies)-1)]
		if err := one.Edit("Companies", id, atsim.Row{"companyName": fmt.Sprintf("Edit %d", n)}); err != nil {
			f.t.Error(err)
		}
	})
}
