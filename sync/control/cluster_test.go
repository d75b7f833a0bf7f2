package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/events/lease"
	"channelsync/sync/installation"
	"channelsync/test/harness"
)

// leases is the sharing-out as a test wants it: one shard, held or not.
type leases struct {
	mu     sync.Mutex
	worker lease.Worker
	ctx    context.Context // of the lease; nil while nothing is owned
	cancel context.CancelCauseFunc
	shard  int
	ended  chan struct{}
	late   bool // the lease was not renewed for half of its time, and is not lost yet
	other  bool // there is another instance to decline to
}

func (l *leases) Run(ctx context.Context, worker lease.Worker) {
	l.mu.Lock()
	l.worker = worker
	l.mu.Unlock()
	<-ctx.Done()
	l.end(context.Canceled)
}

func (l *leases) Owns(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx != nil && l.ctx.Err() == nil && !l.late && lease.ShardOf(id) == l.shard
}

func (l *leases) Decline(shard int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.other || l.ctx == nil || l.ctx.Err() != nil || shard != l.shard {
		return false
	}
	l.cancel(context.Canceled)
	return true
}

func (l *leases) Under(ctx context.Context, id string) (context.Context, context.CancelFunc, error) {
	if !l.Owns(id) {
		return ctx, func() {}, lease.ErrNotOwned
	}
	return ctx, func() {}, nil
}

// begin takes the shard of an installation.
func (l *leases) begin(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	l.shard, l.ended = lease.ShardOf(id), make(chan struct{})
	ctx, shard, ended := l.ctx, l.shard, l.ended
	go func() {
		defer close(ended)
		l.worker.Work(ctx, shard)
	}()
}

// end gives it back, or loses it, and waits until nothing works for it any more.
func (l *leases) end(cause error) {
	l.mu.Lock()
	cancel, ended := l.cancel, l.ended
	l.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel(cause)
	<-ended
}

// nobody are the other instances: they work for what the test lets them.
type nobody struct {
	installations []v1.Installation
	issues        []v1.InstallationStatus
}

func (n *nobody) Installations(context.Context) []v1.Installation    { return n.installations }
func (n *nobody) OpenIssues(context.Context) []v1.InstallationStatus { return n.issues }

// newShared is a desk that shares with others.
func newShared(t *testing.T, change ...func(*desk)) (*desk, *leases, *nobody) {
	d := newDesk(t, setup{})
	for _, c := range change {
		c(d)
	}
	l, others := &leases{}, &nobody{}
	audit := &kv.Table{}
	var err error
	if audit, err = d.Bus.Table(t.Context(), kv.Config{Name: "audit", History: 1}); err != nil {
		t.Fatal(err)
	}
	guard, err := d.Bus.Table(t.Context(), kv.Config{Name: "guard", Memory: true})
	harness.OK(t, err)
	d.Cluster = &Cluster{Shards: l, Peers: others, Admits: func() bool { return true }, Installations: d.installations, Audit: audit, Guard: guard}
	d.run()
	d.eventually("the leases run", func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.worker == nil {
			return errors.New("not yet")
		}
		return nil
	})
	return d, l, others
}

func status(err error) int {
	var p *v1.Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// TestWhatIsNotHeldDoesNotRun: an installation runs while its shard is held, and not
// before or after; meanwhile the store says what it can, and nothing is changed.
func TestWhatIsNotHeldDoesNotRun(t *testing.T) {
	d, l, others := newShared(t)
	in := d.create(v1.SyncActiveCustomers)
	if in.State != v1.StateInstalling || d.runtime(in.ID) != nil || len(d.kept(in.ID).PendingJobs) != 1 {
		t.Fatalf("made for another instance it is %s, pending jobs %v", in.State, d.kept(in.ID).PendingJobs)
	}
	shown, err := d.Get(t.Context(), in.ID)
	harness.OK(t, err)
	if shown.State != v1.StateDegraded || len(shown.Issues) != 1 || shown.Issues[0].Code != "no_instance" {
		t.Errorf("nobody's: %s, %+v", shown.State, shown.Issues)
	}
	for what, err := range map[string]error{
		"stop":  d.Do(t.Context(), in.ID, "", "stop"),
		"erase": d.Do(t.Context(), in.ID, "", "erase"), "rotate": d.RotateSecrets(t.Context(), in.ID), "held": d.DecideMassChange(t.Context(), in.ID, true),
	} {
		if status(err) != http.StatusServiceUnavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := d.Explain(t.Context(), in.ID, v1.KindCompany, 1); status(err) != http.StatusServiceUnavailable {
		t.Errorf("explain: %v", err)
	}
	// The notifier must not take "nothing is known" for "nothing is wrong".
	issues, err := d.OpenIssues(t.Context())
	harness.OK(t, err)
	if len(issues) != 1 || issues[0].State != v1.StateInstalling || len(issues[0].Issues) != 0 {
		t.Errorf("issues of nobody's: %+v", issues)
	}
	others.installations = []v1.Installation{{ID: in.ID, Name: "As another says", State: v1.StateLive}}
	others.issues = []v1.InstallationStatus{{ID: in.ID, Name: "As another says", State: v1.StateLive}}
	if list, err := d.List(t.Context()); err != nil || len(list) != 1 || list[0].Name != "As another says" {
		t.Errorf("another's: %+v, %v", list, err)
	}
	if issues, err = d.OpenIssues(t.Context()); err != nil || issues[0].State != v1.StateLive {
		t.Errorf("another's issues: %+v, %v", issues, err)
	}
	if totals, err := d.Totals(t.Context()); err != nil || len(totals.Installations) != 0 {
		t.Errorf("what another works for is counted: %+v, %v", totals, err)
	}

	client := d.customer("Northwind")
	l.begin(in.ID)
	d.live(in.ID)
	d.eventually("it arrives", func() error {
		if _, there := d.cp.Client(connection, fmt.Sprint(client)); !there {
			return errors.New("not there")
		}
		return nil
	})
	if len(d.kept(in.ID).PendingJobs) != 0 {
		t.Error("the pending job was not started where it runs")
	}
	if list, err := d.List(t.Context()); err != nil || len(list) != 1 || list[0].Name != in.Name {
		t.Errorf("its own: %+v, %v", list, err)
	}
	l.end(context.Canceled)
	if d.runtime(in.ID) != nil || len(d.Jobs.Running(in.ID)) != 0 {
		t.Error("it runs although it was given back")
	}
	l.begin(in.ID)
	d.live(in.ID)
	rt := d.runtime(in.ID)
	l.end(lease.ErrNotOwned)
	if d.runtime(in.ID) != nil || !rt.lost.Load() {
		t.Error("it runs although it was lost")
	}
}

// TestALateLeaseStopsNothingForGood: what is aligned while the lease is late is stopped; it was
// never started again when the lease was renewed before it was lost.
func TestALateLeaseStopsNothingForGood(t *testing.T) {
	d, l, _ := newShared(t)
	in := d.create(v1.SyncActiveCustomers)
	l.begin(in.ID)
	d.live(in.ID)
	late := func(is bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.late = is
	}
	late(true)
	d.align(t.Context(), in.ID)
	if d.runtime(in.ID) != nil {
		t.Fatal("it runs although the lease is late")
	}
	late(false)
	d.eventually("it runs again", func() error {
		if d.runtime(in.ID) == nil {
			return errors.New("it does not")
		}
		return nil
	})
	l.end(context.Canceled)
}

// TestWhatAnotherInstanceChanges reaches what runs here.
func TestWhatAnotherInstanceChanges(t *testing.T) {
	d, l, _ := newShared(t)
	in := d.create(v1.SyncActiveCustomers)
	l.begin(in.ID)
	d.live(in.ID)
	elsewhere, err := installation.Open(t.Context(), d.installations, d.Vault)
	harness.OK(t, err)
	change := func(edit func(*installation.Installation)) {
		t.Helper()
		harness.OK(t, elsewhere.Refresh(t.Context()))
		_, err := elsewhere.Change(t.Context(), in.ID, func(in *installation.Installation) error { edit(in); return nil })
		harness.OK(t, err)
	}
	before := d.runtime(in.ID)
	change(func(in *installation.Installation) { in.ConnectionID, in.Secrets.Token = "other", cpToken+"-other" })
	d.eventually("the new connection", func() error {
		rt := d.runtime(in.ID)
		if now := d.kept(in.ID); rt == nil || rt == before || now.ConnectionID != "other" || rt.connection != connectionOf(now) {
			return errors.New("the old one runs")
		}
		return nil
	})
	before = d.runtime(in.ID)
	change(func(in *installation.Installation) { in.Name = "A new name" })
	d.eventually("the new name", func() error {
		if got := d.kept(in.ID).Name; got != "A new name" {
			return errors.New(got)
		}
		return nil
	})
	if d.runtime(in.ID) != before {
		t.Error("a name restarted it")
	}
	change(func(in *installation.Installation) { in.Uninstalled = true })
	d.eventually("it is stopped", func() error {
		if d.runtime(in.ID) != nil {
			return errors.New("it runs")
		}
		return nil
	})
	change(func(in *installation.Installation) { in.Uninstalled = false })
	d.eventually("it runs again", func() error {
		if d.runtime(in.ID) == nil {
			return errors.New("it does not run")
		}
		return nil
	})

	// What another instance adds to the audit is listed here.
	harness.OK(t, d.Audit.Add(t.Context(), v1.AuditEntry{Action: "here", At: d.Now()}))
	table, err := d.Bus.Table(t.Context(), kv.Config{Name: "audit", History: 1})
	harness.OK(t, err)
	other := openAudit(t, table)
	harness.OK(t, other.Add(t.Context(), v1.AuditEntry{Action: "there", At: d.Now()}))
	d.eventually("both are listed", func() error {
		page, err := d.Audit.List(v1.AuditQuery{Limit: 10})
		items := page.Items
		if err != nil || len(items) != 2 || items[0].Action != "there" || items[1].Action != "here" {
			return fmt.Errorf("%+v", items)
		}
		return nil
	})

	d.Cluster.Admits = func() bool { return false }
	second := d.kept(in.ID)
	second.ID, second.Secrets.TrackingIdentifier = idOf(7), "ANOTHER"
	if err := d.Manager.keep(t.Context(), second); status(err) != http.StatusServiceUnavailable {
		t.Errorf("made by one that may not: %v", err)
	}
}
