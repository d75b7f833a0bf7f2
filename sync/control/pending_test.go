package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/sync/installation"
	"channelsync/sync/job"
	"channelsync/test/harness"
)

// jobTable is the table of jobs; before is called before each write, and may fail it.
type jobTable struct {
	job.Table

	mu     sync.Mutex
	before func() error
}

func (j *jobTable) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	j.mu.Lock()
	before := j.before
	j.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return 0, err
		}
	}
	return j.Table.Put(ctx, key, value)
}

func (j *jobTable) set(before func() error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.before = before
}

// withJobs gives a desk jobs whose writes a test has in hand.
func withJobs(t *testing.T) (*desk, *jobTable) {
	t.Helper()
	d := newDesk(t, setup{})
	table, err := d.Bus.Table(t.Context(), kv.Config{Name: "jobs", History: 1})
	harness.OK(t, err)
	jobs := &jobTable{Table: table}
	d.Jobs, err = job.Open(t.Context(), jobs, time.Now)
	harness.OK(t, err)
	return d, jobs
}

func (d *desk) pendingJobs(id string) []string {
	d.t.Helper()
	var out []string
	for _, o := range d.kept(id).PendingJobs {
		out = append(out, o.Type)
	}
	return out
}

func (d *desk) jobTypes(id string) []string {
	var out []string
	for _, j := range d.Jobs.Running(id) {
		out = append(out, j.Type)
	}
	slices.Sort(out)
	return out
}

// TestAJobThatBecomesPendingMeanwhileIsNotLost: what else changes while pending jobs are
// started, and in whatever order, is started too, and nothing twice.
func TestAJobThatBecomesPendingMeanwhileIsNotLost(t *testing.T) {
	d, jobs := withJobs(t)
	resync := installation.PendingJob{Type: job.TypeResync, Kinds: []v1.Kind{v1.KindCompany}}
	in := d.keep(1, func(in *installation.Installation) { in.PendingJobs = []installation.PendingJob{resync} })
	meanwhile := sync.OnceFunc(func() {
		_, err := d.Store.Change(t.Context(), in.ID, func(in *installation.Installation) error {
			in.PendingJobs = slices.Insert(in.PendingJobs, 0, installation.PendingJob{Type: job.TypeBackfill, Kinds: []v1.Kind{v1.KindCompany}})
			return nil
		})
		harness.OK(t, err)
	})
	jobs.set(func() error { meanwhile(); return nil })
	harness.OK(t, d.startPending(t.Context(), in.ID))
	harness.OK(t, d.startPending(t.Context(), in.ID))
	if got := d.jobTypes(in.ID); !slices.Equal(got, []string{job.TypeBackfill, job.TypeResync}) || len(d.pendingJobs(in.ID)) > 0 {
		t.Errorf("running %v, still pending %v", got, d.pendingJobs(in.ID))
	}
}

// TestAPendingJobIsStartedOnce although the one after it could not be.
func TestAPendingJobIsStartedOnce(t *testing.T) {
	d, jobs := withJobs(t)
	in := d.keep(1, func(in *installation.Installation) {
		in.PendingJobs = []installation.PendingJob{{Type: job.TypeResync, Kinds: []v1.Kind{v1.KindCompany}}, {Type: job.TypeBackfill, Kinds: []v1.Kind{v1.KindCompany}}}
	})
	writes := 0
	jobs.set(func() error {
		if writes++; writes == 2 {
			return errors.New("the store does not answer")
		}
		return nil
	})
	if err := d.startPending(t.Context(), in.ID); err == nil {
		t.Fatal("the second could not be started, and there is no error")
	}
	harness.OK(t, d.startPending(t.Context(), in.ID))
	if got := d.jobTypes(in.ID); !slices.Equal(got, []string{job.TypeBackfill, job.TypeResync}) || len(d.pendingJobs(in.ID)) > 0 {
		t.Errorf("running %v, still pending %v", got, d.pendingJobs(in.ID))
	}
}

// TestWhatWasDoneIsNotReportedAsFailed: an installation that was made, or changed, is so
// although its backfill cannot be started now; it is, later.
func TestWhatWasDoneIsNotReportedAsFailed(t *testing.T) {
	d, jobs := withJobs(t)
	d.run()
	jobs.set(func() error { return errors.New("the store does not answer") })
	in, err := d.Create(t.Context(), request())
	if err != nil {
		t.Fatalf("made, and reported as failed: %v", err)
	}
	if in.ID == "" || in.State == "" {
		t.Errorf("answered %+v", in)
	}
	name := "Another name"
	if in, err = d.Update(t.Context(), in.ID, v1.UpdateInstallation{Name: &name, Options: &v1.Options{MassChangePercent: 40}}); err != nil || in.Name != name {
		t.Errorf("changed, and reported as failed: %v", err)
	}
	if _, err := d.SetChannelProgram(t.Context(), in.ID, v1.ChannelProgramTarget{ConnectionID: "other", Token: cpToken + "-other"}); err != nil {
		t.Errorf("changed its connection, and reported as failed: %v", err)
	}
	jobs.set(nil)
	d.live(in.ID)
	d.eventually("nothing is pending", func() error {
		if pending := d.pendingJobs(in.ID); len(pending) > 0 {
			return fmt.Errorf("still %v", pending)
		}
		return nil
	})
}

// TestTotalsOfACallerThatLeftAreNobodyElses: what failed since its caller went away is not
// everybody's answer.
func TestTotalsOfACallerThatLeftAreNobodyElses(t *testing.T) {
	d := newDesk(t, setup{})
	d.keep(1, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Totals(gone); err == nil {
		t.Error("a caller that is gone gets totals")
	}
	if totals, err := d.Totals(t.Context()); err != nil || totals.StoredBytes == 0 {
		t.Errorf("another one: %+v, %v", totals, err)
	}
}

// TestPendingJobsOfOneInstallationWaitForNoOther.
func TestPendingJobsOfOneInstallationWaitForNoOther(t *testing.T) {
	d, jobs := withJobs(t)
	pending := func(in *installation.Installation) {
		in.PendingJobs = []installation.PendingJob{{Type: job.TypeResync, Kinds: []v1.Kind{v1.KindCompany}}}
	}
	slow, other := d.keep(1, pending), d.keep(2, pending)
	began, let := make(chan struct{}), make(chan struct{})
	hang := sync.OnceFunc(func() { close(began); <-let })
	jobs.set(func() error { hang(); return nil })
	done := make(chan error, 1)
	go func() { done <- d.startPending(t.Context(), slow.ID) }()
	<-began
	jobs.set(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	paid := make(chan error, 1)
	go func() { paid <- d.startPending(ctx, other.ID) }()
	select {
	case err := <-paid:
		harness.OK(t, err)
	case <-ctx.Done():
		t.Error("it waits for the store's answer to another")
	}
	close(let)
	harness.OK(t, <-done)
}
