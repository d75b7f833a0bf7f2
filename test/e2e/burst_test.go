package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// many puts companies and installs; it returns their ids in order.
func many(t *testing.T, n int) (*service.Harness, v1.Installation, []int64) {
	t.Helper()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(n)
	in := w.Install(v1.SyncActiveCustomers)
	return w, in, ids
}

// allRenamed says which client does not have its new name yet.
func allRenamed(w *service.Harness, ids []int64) error {
	have := map[string]string{}
	for _, c := range w.Target.Clients(service.Connection) {
		have[c.ExternalID] = c.Data.Name
	}
	missing := 0
	for i, id := range ids {
		if have[strconv.FormatInt(id, 10)] != newName(i) {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d clients still have the old name", missing, len(ids))
	}
	return nil
}

func newName(i int) string { return fmt.Sprintf("Renamed %04d", i) }

// TestBurstCostsFewRequests: two thousand companies edited at once are a few
// dozen requests, not thousands.
func TestBurstCostsFewRequests(t *testing.T) {
	w, in, ids := many(t, 2000)
	w.Autotask.ResetStats()
	began := time.Now()
	for i, id := range ids {
		w.Edit("Companies", id, atsim.Row{"companyName": newName(i)})
	}
	w.Eventually("every new name at the target", 60*time.Second, func() error { return allRenamed(w, ids) })
	took := time.Since(began)
	w.Drain(in.ID)
	n := w.AutotaskRequests()
	most := 40 + 4*max(0, int(took.Seconds())-10) // a machine that takes so long to deliver it makes no burst of it
	t.Logf("burst: %d Autotask requests for %d edits within %.1f s", n, len(ids), took.Seconds())
	if n > most {
		t.Errorf("%d Autotask requests, want at most %d: %+v", n, most, w.Autotask.Stats().Requests)
	}
	if o := w.Target.Overlaps(); len(o) > 0 {
		t.Errorf("overlapping writes: %+v", o)
	}
}

// TestSlowBurstCostsFewRequests: the same when the callouts trickle in.
func TestSlowBurstCostsFewRequests(t *testing.T) {
	const perSecond, each = 150, 0.02
	w, in, ids := many(t, 900)
	w.Autotask.ResetStats()
	began := time.Now()
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for i, id := range ids {
		<-tick.C
		w.Edit("Companies", id, atsim.Row{"companyName": newName(i)})
	}
	w.Eventually("every new name at the target", 60*time.Second, func() error { return allRenamed(w, ids) })
	w.Drain(in.ID)
	n := w.AutotaskRequests()
	t.Logf("slow burst: %d Autotask requests for %d edits: %.4f each", n, len(ids), float64(n)/float64(len(ids)))
	late := max(0, time.Since(began)-7*time.Second) // a machine that delivers more slowly makes more and smaller batches
	if most := int(each*float64(len(ids))) + int(4*late.Seconds()); n > most {
		t.Errorf("want at most %d: %+v", most, w.Autotask.Stats().Requests)
	}
}

// TestManyEditsOfOneCompanyAreFewPushes: what matters is how it ends.
func TestManyEditsOfOneCompanyAreFewPushes(t *testing.T) {
	const edits, within, window = 500, 2 * time.Second, 500 * time.Millisecond
	w, in, ids := many(t, 1)
	before := len(w.Target.PushesOf(service.Connection, strconv.FormatInt(ids[0], 10)))
	began := time.Now()
	tick := time.NewTicker(within / edits)
	defer tick.Stop()
	for i := range edits {
		<-tick.C
		w.Edit("Companies", ids[0], atsim.Row{"companyName": newName(i)})
	}
	w.DeliverAll(soon)
	took := time.Since(began)
	w.ClientBecomes(ids[0], "the last name", soon, service.Named(newName(edits-1)))
	w.Drain(in.ID)
	pushes := len(w.Target.PushesOf(service.Connection, strconv.FormatInt(ids[0], 10))) - before
	most := 5 + int(max(0, took-within)/window) // a slow machine spreads the edits over more windows
	t.Logf("%d edits within %s: %d pushes", edits, took, pushes)
	if pushes > most {
		t.Errorf("%d pushes, want at most %d", pushes, most)
	}
	if c := w.Client(ids[0]); c.Data.Name != newName(edits-1) {
		t.Errorf("got %q in the end", c.Data.Name)
	}
}
