package control

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/job"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
	"channelsync/test/harness/vaults"
)

func idOf(n int) string { return fmt.Sprintf("01hzx3q8r9k2m4n6p8s0t%05d", n) }

// keep stores an installation that nothing runs of; edit may change it first.
func (d *desk) keep(n int, edit func(*installation.Installation)) *installation.Installation {
	d.t.Helper()
	in := &installation.Installation{
		ID: idOf(n), Name: fmt.Sprintf("MSP %d", n), ConnectionID: connection,
		Syncs:   map[v1.Sync]*installation.SyncSettings{v1.SyncActiveCustomers: {}},
		Secrets: installation.Secrets{Token: cpToken},
	}
	if edit != nil {
		edit(in)
	}
	harness.OK(d.t, d.Store.Create(d.t.Context(), in))
	return in
}

// work makes an installation look as if it ran, with these issues.
func (d *desk) work(in *installation.Installation, issues ...issue.Issue) {
	rt := d.newRuntime(in)
	rt.tried.Store(true)
	for _, i := range issues {
		rt.issues.Raise(i)
	}
	d.t.Cleanup(rt.close)
	d.Manager.mu.Lock()
	defer d.Manager.mu.Unlock()
	d.runtimes[in.ID] = rt
}

func dueEntries(in *installation.Installation, lane events.Lane, n int) []events.DueEntry {
	var out []events.DueEntry
	for id := range int64(n) {
		out = append(out, events.DueEntry{Installation: in.ID, Kind: v1.KindCompany, ID: id + 1, Lane: lane, Trigger: v1.TriggerManual})
	}
	return out
}

func TestTotals(t *testing.T) {
	d := newDesk(t, setup{publicURL: "https://sync.example"})
	now := time.Now()
	d.Now = func() time.Time { return now }
	w, ctx := d.Bus.Worklist(), t.Context()

	live := d.keep(1, func(in *installation.Installation) {
		in.Registrations = []installation.Registration{
			{Entity: "Companies", ID: 1, Active: true, Ready: true},
			{Entity: "Contacts", ID: 2, Active: true},
			{Entity: "bridge x", Bridge: true},
		}
	})
	d.work(live, issue.Issue{Code: "cost_unknown", Source: "one"}, issue.Issue{Code: "cost_unknown", Source: "other"})
	slow := d.keep(2, nil)
	d.work(slow, issue.Issue{Code: "throttled"})
	refused := d.keep(3, func(in *installation.Installation) { in.Refused = true })
	stopped := d.keep(4, func(in *installation.Installation) { in.Stopped = true })
	d.work(stopped, issue.Issue{Code: "throttled"})
	d.keep(5, func(in *installation.Installation) { in.Uninstalled = true })

	harness.OK(t, w.Enqueue(ctx, dueEntries(live, events.LaneLive, 2)))
	harness.OK(t, w.Enqueue(ctx, dueEntries(slow, events.LaneLive, 1)))
	harness.OK(t, w.Enqueue(ctx, dueEntries(refused, events.LaneBulk, 3)))
	harness.OK(t, w.Enqueue(ctx, dueEntries(stopped, events.LaneLive, 9))) // waits because somebody said so
	harness.OK(t, w.Schedule(ctx, dueEntries(slow, events.LaneLive, 4), func(events.DueEntry) time.Duration { return time.Hour }))
	for _, in := range []*installation.Installation{live, stopped} {
		_, err := d.Bus.DeadLetters().Put(ctx, events.DeadLetter{ID: "company-1", Installation: in.ID, Kind: "company"})
		harness.OK(t, err)
	}

	got, err := d.Totals(ctx)
	harness.OK(t, err)
	for state, waiting := range got.Worklist {
		if age := time.Since(waiting.Oldest); age > time.Minute {
			t.Errorf("the oldest of %s is of %s", state, waiting.Oldest)
		}
		got.Worklist[state] = Waiting{Records: waiting.Records}
	}
	if got.StoredBytes == 0 {
		t.Error("nothing is stored")
	}
	want := Totals{
		Installations: map[v1.State]int{
			v1.StateLive: 1, v1.StateDegraded: 1, v1.StateNeedsCredentials: 1, v1.StateStopped: 1, v1.StateUninstalled: 1,
		},
		Webhooks:   map[WebhookState]int{WebhookActive: 1, WebhookInactive: 1, WebhookMissing: 4},
		Issues:     map[IssueKey]int{{"cost_unknown", v1.SeverityAct}: 1, {"throttled", v1.SeverityRetrying}: 1},
		BudgetLeft: 1, DeadLetters: 2, StoredBytes: got.StoredBytes,
		Worklist: map[WaitState]Waiting{WaitLive: {Records: 3}, WaitBulk: {Records: 3}, WaitLater: {Records: 4}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	harness.OK(t, w.PurgeInstallation(ctx, refused.ID))
	now = now.Add(totalsFor - time.Second)
	if again, err := d.Totals(ctx); err != nil || again.Worklist[WaitBulk].Records != 3 {
		t.Errorf("gathered again after %s: %+v, %v", totalsFor-time.Second, again.Worklist, err)
	}
	now = now.Add(time.Second)
	if again, err := d.Totals(ctx); err != nil || again.Worklist[WaitBulk].Records != 0 || !again.Worklist[WaitBulk].Oldest.IsZero() {
		t.Errorf("not gathered again after %s: %+v, %v", totalsFor, again.Worklist, err)
	}
}

func TestTotalsWithoutPublicURLMissNoWebhook(t *testing.T) {
	d := newDesk(t, setup{})
	d.keep(1, nil)
	got, err := d.Totals(t.Context())
	harness.OK(t, err)
	if len(got.Webhooks) > 0 {
		t.Errorf("%v, though Autotask cannot call", got.Webhooks)
	}
}

// TestTotalsOfAStoreThatDoesNotAnswer: what is in memory is counted all the same.
func TestTotalsOfAStoreThatDoesNotAnswer(t *testing.T) {
	d := newDesk(t, setup{})
	d.work(d.keep(1, nil))
	harness.OK(t, d.Bus.Close(t.Context()))
	got, err := d.Totals(t.Context())
	if err == nil || got.Installations[v1.StateLive] != 1 || got.Worklist != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTotalsShowTheLeastBudget(t *testing.T) {
	d := newDesk(t, setup{})
	one := d.create(v1.SyncActiveCustomers)
	d.run()
	d.live(one.ID)
	got, err := d.Totals(t.Context())
	harness.OK(t, err)
	used, limit, _ := d.runtime(one.ID).autotask.Budget()
	if got.BudgetLeft >= 1 || got.BudgetLeft < float64(limit-used)/float64(limit) {
		t.Errorf("%g left, %d of %d used", got.BudgetLeft, used, limit)
	}
}

// BenchmarkTotals gathers those of 1,000 installations with work waiting.
func BenchmarkTotals(b *testing.B) {
	ctx := b.Context()
	bus := stores.Open(b)
	must := func(err error) {
		harness.OK(b, err)
	}
	vault := vaults.Open(b, stores.Table(b, bus, "keys"))
	store, err := installation.Open(ctx, stores.Table(b, bus, "installations"), vault)
	must(err)
	jobs, err := job.Open(ctx, stores.Table(b, bus, "jobs"), time.Now)
	must(err)
	now := time.Now()
	m := New(Config{Bus: bus, Store: store, Jobs: jobs, Now: func() time.Time { return now }})
	for n := range 1000 { // nothing waits of nine in ten, as in most hours
		in := &installation.Installation{ID: idOf(n), Syncs: map[v1.Sync]*installation.SyncSettings{v1.SyncActiveCustomers: {}}}
		must(store.Create(ctx, in))
		if n%10 == 0 {
			must(bus.Worklist().Enqueue(ctx, dueEntries(in, events.LaneLive, 5)))
		}
	}
	for b.Loop() {
		now = now.Add(totalsFor)
		if t, err := m.Totals(ctx); err != nil || t.Worklist[WaitLive].Records != 500 {
			b.Fatal(t, err)
		}
	}
}
