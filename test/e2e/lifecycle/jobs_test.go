package lifecycle

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// jobOf waits until an installation shows a job of a type at work.
func jobOf(w *service.Harness, id, jobType string) v1.Job {
	w.T.Helper()
	var found v1.Job
	w.Until(id, "has a job "+jobType, soon, func(in v1.Installation) bool {
		for _, j := range in.Jobs {
			if j.Type == jobType {
				found = j
				return true
			}
		}
		return false
	})
	return found
}

// jobBecomes waits until a job is as wanted.
func jobBecomes(w *service.Harness, id, job, what string, want func(v1.Job) bool) v1.Job {
	w.T.Helper()
	var last v1.Job
	w.Eventually("job "+what, 2*soon, func() error {
		var err error
		if last, err = w.Admin.Job(w.T.Context(), id, job); err != nil {
			return err
		}
		if !want(last) {
			return fmt.Errorf("%+v", last)
		}
		return nil
	})
	return last
}

func done(j v1.Job) bool { return j.State == v1.JobDone }

// halfway is a job that has settled some records and not all.
func halfway(j v1.Job) bool { return j.State == v1.JobRunning && j.Done > 0 && j.Done < j.Total }

// slowly makes each batch of pushes take a while.
func slowly(t *testing.T, w *service.Harness) {
	t.Helper()
	if _, err := w.Target.SetFault(cpsim.Fault{Kind: cpsim.FaultSlow, Operation: "writes", DelayMillis: 250}); err != nil {
		t.Fatal(err)
	}
}

// progress reads a job until it has ended; its numbers may only grow.
func progress(t *testing.T, w *service.Harness, id, job string) (last v1.Job, steps int) {
	t.Helper()
	jobBecomes(w, id, job, "ends", func(j v1.Job) bool {
		if j.Done < last.Done || j.Total < last.Total || j.Pushed < last.Pushed || j.Done > j.Total && j.State == v1.JobDone {
			t.Errorf("from %+v to %+v", last, j)
		}
		if j.Done > last.Done {
			steps++
		}
		last = j
		return j.State != v1.JobRunning
	})
	return last, steps
}

// TestBackfillProgress: the backfill is a job whose numbers grow and are right in the end.
func TestBackfillProgress(t *testing.T) {
	t.Parallel()
	const all, inactive = 850, 50
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(all)
	for _, id := range ids[:inactive] {
		w.Edit("Companies", id, atsim.Row{"isActive": false})
	}
	slowly(t, w)
	in, err := w.Admin.CreateInstallation(t.Context(), service.Create(v1.SyncActiveCustomers))
	harness.OK(t, err)
	j := jobOf(w, in.ID, "backfill")
	is(w, in.ID, v1.StateBackfilling)
	last, steps := progress(t, w, in.ID, j.ID)
	if last.State != v1.JobDone || last.Total != all || last.Done != all || last.Pushed != all-inactive || last.NotMet != inactive ||
		last.Failed != 0 || last.Unchanged != 0 {
		t.Errorf("job %+v", last)
	}
	if steps < 2 || last.FinishedAt == nil || last.FinishedAt.Before(last.StartedAt) {
		t.Errorf("%d steps, job %+v", steps, last)
	}
	w.Target.ClearFaults()
	w.Agree(soon, v1.SyncActiveCustomers)
	is(w, in.ID, v1.StateLive)
}

// TestJobsSurviveAKill: a backfill, and a resync, goes on after the service was killed in its middle.
func TestJobsSurviveAKill(t *testing.T) {
	t.Parallel()
	const all = 800
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Binary: service.Build(t)})
	w.Companies(all)
	slowly(t, w)
	in, err := w.Admin.CreateInstallation(t.Context(), service.Create(v1.SyncActiveCustomers))
	harness.OK(t, err)
	killed := func(id string) {
		jobBecomes(w, in.ID, id, "is halfway", halfway)
		w.Kill()
		w.Start()
		last := jobBecomes(w, in.ID, id, "is done", done)
		if last.Total != all || last.Done != all || last.Failed != 0 {
			t.Errorf("after the kill: %+v", last)
		}
		is(w, in.ID, v1.StateLive)
	}
	killed(jobOf(w, in.ID, "backfill").ID)
	w.Agree(soon, v1.SyncActiveCustomers)
	harness.OK(t, w.Target.Empty(service.Connection))
	job, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
	harness.OK(t, err)
	killed(job.Job)
	w.Agree(soon, v1.SyncActiveCustomers)
	if o := w.Target.Overlaps(); len(o) > 0 {
		t.Errorf("overlapping writes: %+v", o)
	}
}

// lister stands between the service and Autotask and refuses pages of the list of companies.
type lister struct{ pages, most atomic.Int64 }

func (l *lister) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		// By id alone: neither certain records nor those changed recently.
		listing := strings.HasSuffix(r.URL.Path, "/Companies/query") &&
			!bytes.Contains(body, []byte(`"op":"in"`)) && !bytes.Contains(body, []byte(`"op":"or"`))
		if err == nil && listing && l.pages.Add(1) > l.most.Load() {
			l.pages.Add(-1)
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"errors":["This was refused on purpose."]}`)) // a client that has gone is none of our business
			return
		}
		next.ServeHTTP(w, r)
	})
}

// TestTheListingOfABackfillGoesOn where it ended when Autotask goes away in its middle, and the service too.
func TestTheListingOfABackfillGoesOn(t *testing.T) {
	t.Parallel()
	const all, page = 1200, 500
	var l lister
	l.most.Store(1)
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Wrap: l.wrap})
	w.Companies(all)
	in, err := w.Admin.CreateInstallation(t.Context(), service.Create(v1.SyncActiveCustomers))
	harness.OK(t, err)
	j := jobOf(w, in.ID, "backfill")
	w.HasIssue(in.ID, "autotask_unavailable")
	jobBecomes(w, in.ID, j.ID, "has done its first page", func(j v1.Job) bool { return j.Total == page && j.Done == page && j.State == v1.JobRunning })
	w.Stop()
	l.most.Store(1000)
	w.Start()
	last := jobBecomes(w, in.ID, j.ID, "is done", done)
	if last.Total != all || last.Done != all || last.Pushed != all {
		t.Errorf("job %+v", last)
	}
	if n := l.pages.Load(); n != 3 {
		t.Errorf("%d pages were listed, want 3", n)
	}
	w.Agree(soon, v1.SyncActiveCustomers)
	w.HasNoIssue(in.ID, "autotask_unavailable")
	is(w, in.ID, v1.StateLive)
}

// TestCancelStopsPushing: what a cancelled job has not pushed yet it never does,
// and changes go on arriving.
func TestCancelStopsPushing(t *testing.T) {
	t.Parallel()
	const all = 1000
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(all)
	in := w.Install(v1.SyncActiveCustomers)
	w.Drain(in.ID)
	w.Target.ResetStats()
	slowly(t, w)
	job, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
	harness.OK(t, err)
	jobBecomes(w, in.ID, job.Job, "is halfway", halfway)
	harness.OK(t, w.Admin.CancelJob(t.Context(), in.ID, job.Job))
	w.Target.ClearFaults()
	w.Idle(in.ID, soon)
	last := jobBecomes(w, in.ID, job.Job, "is cancelled", func(j v1.Job) bool { return j.State == v1.JobCancelled })
	pushed := len(w.Target.Pushes(service.Connection))
	if last.Done >= all || last.FinishedAt == nil || pushed >= all {
		t.Errorf("%d pushes of %d, job %+v", pushed, all, last)
	}
	if p := problemOf(t, w.Admin.CancelJob(t.Context(), in.ID, job.Job)); p.Code != v1.CodeConflict {
		t.Errorf("cancelled twice: %+v", p)
	}
	w.Rename(ids[all-1], "By callback")
	w.ClientBecomes(ids[all-1], "an edit after it", soon, service.Named("By callback"))
	w.Idle(in.ID, soon)
	if n := len(w.Target.Pushes(service.Connection)); n != pushed+1 {
		t.Errorf("%d pushes after the cancelled job, want 1", n-pushed)
	}
	is(w, in.ID, v1.StateLive)
}

// TestResync restores a target that was wiped, counts what was edited there as
// drift, and tells both beforehand.
func TestResync(t *testing.T) {
	t.Parallel()
	const all = 60
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	dollars(w)
	ids := w.Companies(all)
	for _, id := range ids {
		w.Agreement(id, "Project of "+service.Text(id))
	}
	in := w.Install()
	w.Drain(in.ID)
	resync := func(req v1.ResyncRequest) v1.Job {
		t.Helper()
		ref, err := w.Admin.Resync(t.Context(), in.ID, req)
		harness.OK(t, err)
		return jobBecomes(w, in.ID, ref.Job, "is done", done)
	}
	harness.OK(t, w.Target.Empty(service.Connection))
	w.Target.ResetStats()
	if j := resync(v1.ResyncRequest{DryRun: true}); j.Total != 2*all || j.Pushed != 2*all || !j.DryRun {
		t.Errorf("a dry run: %+v", j)
	}
	if n := len(w.Target.Pushes(service.Connection)); n != 0 {
		t.Errorf("a dry run pushed %d records", n)
	}
	if j := resync(v1.ResyncRequest{}); j.Total != 2*all || j.Done != 2*all || j.Pushed != 2*all || j.Drift != 0 || j.Failed != 0 {
		t.Errorf("after the target was wiped: %+v", j)
	}
	w.Agree(soon)
	if j := resync(v1.ResyncRequest{}); j.Pushed != 0 || j.Unchanged != 2*all || j.Drift != 0 {
		t.Errorf("nothing to do: %+v", j)
	}
	for i := range 3 {
		drift(t, w, cpsim.Edit{ExternalID: service.Text(ids[i]), Fields: map[string]any{"name": "Edited by hand"}})
	}
	contract := service.Text(w.Autotask.All("Contracts")[0]["id"].(int64))
	drift(t, w, cpsim.Edit{Entity: "contract", ExternalID: contract, Fields: map[string]any{"name": "Edited by hand"}})
	drift(t, w, cpsim.Edit{ExternalID: service.Text(ids[10]), Fields: map[string]any{"industry": "Dentists"}}) // the target's own
	if j := resync(v1.ResyncRequest{Kinds: []v1.Kind{v1.KindCompany}}); j.Total != all || j.Drift != 3 || j.Pushed != 3 || j.Unchanged != all-3 {
		t.Errorf("three clients drifted: %+v", j)
	} else if len(j.DriftFields) != 1 || j.DriftFields[0] != "name" {
		t.Errorf("drifted in %v, want the name", j.DriftFields)
	}
	rec, err := w.Admin.Record(t.Context(), in.ID, v1.KindCompany, service.Text(ids[0]))
	if err != nil || len(rec.Timeline) == 0 || rec.Timeline[len(rec.Timeline)-1].Detail != "edited at the target: name" {
		t.Errorf("the record says %+v, %v", rec.Timeline, err)
	}
	if j := resync(v1.ResyncRequest{Kinds: []v1.Kind{v1.KindContract}}); j.Total != all || j.Drift != 1 || j.Pushed != 1 {
		t.Errorf("one contract drifted: %+v", j)
	}
	w.Agree(soon)
	if c := w.Client(ids[10]); c.Industry != "Dentists" {
		t.Errorf("what is the target's own was touched: %+v", c)
	}
}

// TestTheSweepRepairsDrift by itself.
func TestTheSweepRepairsDrift(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Settings: map[string]string{"sweep-interval": "2s"}})
	id := w.Company("Northwind Dental")
	in := w.Install(v1.SyncActiveCustomers)
	w.Drain(in.ID)
	drift(t, w, cpsim.Edit{ExternalID: service.Text(id), Fields: map[string]any{"name": "Edited by hand"}})
	w.ClientBecomes(id, "put right by a sweep", jobIdle+soon, service.Named("Northwind Dental"))
	w.Agree(soon, v1.SyncActiveCustomers)
}

// jobIdle is how often the service looks whether a sweep is due.
const jobIdle = 30 * time.Second

func drift(t *testing.T, w *service.Harness, e cpsim.Edit) {
	t.Helper()
	e.Connection = service.Connection
	harness.OK(t, w.Target.Edit(e))
}
