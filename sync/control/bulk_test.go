package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
	"channelsync/sync/reconcile"
	"channelsync/test/harness"
)

// failing puts n dead letters of records, failing in this moment, and a callback that nobody could read.
func failing(t *testing.T, d *desk, id, code string, ids ...int64) {
	t.Helper()
	for _, rec := range ids {
		harness.OK(t, d.DeadLetters.PutRecord(t.Context(), id, v1.DeadLetter{
			ID: fmt.Sprintf("company-%d", rec), Kind: "company", RecordID: fmt.Sprint(rec), Code: code, FirstAt: time.Now(), LastAt: time.Now(),
		}))
	}
	harness.OK(t, d.DeadLetters.Keep(t.Context(), id, []byte("not JSON"), errors.New("no")))
}

func listed(t *testing.T, d *desk, id string) (out []string) {
	t.Helper()
	page, err := d.DeadLetterList(t.Context(), id, "", 500)
	harness.OK(t, err)
	for _, l := range page.Items {
		out = append(out, strings.SplitN(l.ID, "-", 2)[0]+" "+l.RecordID)
	}
	slices.Sort(out)
	return out
}

// ended waits for a job's end.
func ended(t *testing.T, d *desk, id, jobID string) (j v1.Job) {
	t.Helper()
	d.eventually("the job ends", func() (err error) {
		if j, err = d.Job(t.Context(), id, jobID); err == nil && j.State == v1.JobRunning {
			err = fmt.Errorf("%+v", j)
		}
		return err
	})
	return j
}

func TestNamedDeadLetters(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	failing(t, d, id, "rejected", 1, 2, 3)
	callback := ""
	page, err := d.DeadLetterList(t.Context(), id, "", 500)
	harness.OK(t, err)
	for _, l := range page.Items {
		if l.Kind == "callback" {
			callback = l.ID
		}
	}
	for _, tc := range []struct {
		req  v1.BulkDeadLetters
		want string
		left string
	}{
		{v1.BulkDeadLetters{Action: v1.ActionRequeue, IDs: []string{"company-1", "company-9", callback}, DryRun: true}, "1 0 [{1 " + notThere + "} {1 " + nothingToRedo + "}]", "[callback  company 1 company 2 company 3]"},
		{v1.BulkDeadLetters{Action: v1.ActionRequeue, IDs: []string{"company-1", callback}}, "1 1 [{1 " + nothingToRedo + "}]", "[callback  company 2 company 3]"},
		{v1.BulkDeadLetters{Action: v1.ActionDismiss, IDs: []string{"company-2"}, AsOf: new(time.Now().Add(-time.Hour))}, "0 0 [{1 " + failedSince + "}]", "[callback  company 2 company 3]"},
		{v1.BulkDeadLetters{Action: v1.ActionDismiss, Filter: &v1.DeadLetterFilter{}, DryRun: true, AsOf: new(time.Now().Add(-time.Hour))}, "0 0 [{3 " + failedSince + "}]", "[callback  company 2 company 3]"},
		{v1.BulkDeadLetters{Action: v1.ActionDismiss, IDs: []string{"company-2", callback}}, "2 2 []", "[company 3]"},
	} {
		got, err := d.BulkDeadLetters(t.Context(), id, tc.req)
		harness.OK(t, err)
		if said := fmt.Sprint(got.Count, got.Done, got.NotPossible); said != tc.want || fmt.Sprint(listed(t, d, id)) != tc.left {
			t.Errorf("%+v: got %s, want %s; left are %v", tc.req, said, tc.want, listed(t, d, id))
		}
	}
}

// A dismissal of a cause spares other causes, and what failed after it was asked for.
func TestDeadLettersOfAFilterAreDismissedByAJob(t *testing.T) {
	d := newDesk(t, setup{})
	d.run()
	id := d.create().ID
	d.live(id)
	failing(t, d, id, "rejected", 1, 2)
	failing(t, d, id, "other", 3)
	expect := 2
	req := v1.BulkDeadLetters{Action: v1.ActionDismiss, Filter: &v1.DeadLetterFilter{Code: "rejected"}, Expect: &expect}
	asked, err := d.BulkDeadLetters(t.Context(), id, req)
	harness.OK(t, err)
	j := ended(t, d, id, asked.Job)
	if asked.Count != 2 || j.State != v1.JobDone || j.Total != 2 || j.Done != 2 || j.Bulk.Code != "rejected" {
		t.Errorf("asked %+v, job %+v", asked, j)
	}
	if got := fmt.Sprint(listed(t, d, id)); got != "[callback  company 3]" {
		t.Errorf("left are %s", got)
	}
	by := v1.BulkJob{Action: v1.ActionDismiss, Until: time.Now().Add(-time.Hour)}
	if fit, left, later := askedFor([]v1.DeadLetter{{ID: "company-3", RecordID: "3", LastAt: time.Now()}}, by); len(fit) != 0 || left != 0 || later != 1 {
		t.Errorf("one that failed later is meant: %v, %d, %d", fit, left, later)
	}
	asked, err = d.BulkDeadLetters(t.Context(), id, v1.BulkDeadLetters{Action: v1.ActionRequeue, Filter: &v1.DeadLetterFilter{}, Expect: new(1)})
	harness.OK(t, err)
	if j = ended(t, d, id, asked.Job); j.State != v1.JobDone || j.Skipped != 1 || !strings.Contains(j.Detail, "1 callback left") {
		t.Errorf("requeued all: %+v", j)
	}
	if got := fmt.Sprint(listed(t, d, id)); got != "[callback ]" {
		t.Errorf("left are %s", got)
	}
}

// A filter that finds something else than was confirmed does nothing: at once, or when its job begins.
func TestBulkJobsKeepToWhatWasConfirmed(t *testing.T) {
	d := newDesk(t, setup{})
	for i := range 30 {
		d.customer(fmt.Sprintf("Client %d", i))
	}
	d.run()
	id := d.create(v1.SyncActiveCustomers).ID
	d.live(id)
	for _, expect := range []*int{nil, new(3), new(300)} {
		_, err := d.ReconcileRecords(t.Context(), id, v1.BulkRecords{Filter: &v1.RecordFilter{Q: "client"}, Expect: expect})
		p, is := errors.AsType[*v1.Problem](err)
		if !is || p.Status != map[bool]int{true: 422, false: 409}[expect == nil] {
			t.Errorf("expecting %v: %v", expect, err)
		}
	}
	stale := v1.BulkJob{Action: v1.ActionReconcile, Expect: 3, Until: time.Now()}
	ref, err := d.startJob(t.Context(), job.Job{Job: v1.Job{Type: job.TypeBulk, Bulk: &stale}, Installation: id}, d.Jobs.Ask)
	harness.OK(t, err)
	if j := ended(t, d, id, ref.Job); j.State != v1.JobFailed || j.Total != 0 || !strings.Contains(j.Detail, "found 30, not 3: nothing was done") {
		t.Errorf("got %+v", j)
	}
	asked, err := d.ReconcileRecords(t.Context(), id, v1.BulkRecords{Filter: &v1.RecordFilter{Q: "client"}, Expect: new(28)})
	harness.OK(t, err)
	if j := ended(t, d, id, asked.Job); j.State != v1.JobDone || j.Total != 30 || j.Unchanged != 30 {
		t.Errorf("got %+v", j)
	}
}

// What a cancelled requeue has taken off the list is tried all the same: it would be lost.
func TestACancelledRequeueLosesNothing(t *testing.T) {
	s := job.New(nothingKept{}, time.Now)
	for _, action := range []string{v1.ActionRequeue, v1.ActionReconcile} {
		harness.OK(t, s.Start(t.Context(), job.Job{Job: v1.Job{ID: action, Type: job.TypeBulk, Bulk: &v1.BulkJob{Action: action}}, Installation: "i"}))
		harness.OK(t, s.Finish(t.Context(), action, v1.JobCancelled, ""))
		if s.Drops(action) != (action == v1.ActionReconcile) {
			t.Errorf("%s: dropped is %v", action, s.Drops(action))
		}
	}
}

func TestMoved(t *testing.T) {
	for _, tc := range []struct {
		found, expected   int
		harmless, exactly bool
	}{
		{10, 10, false, false},
		{11, 10, false, true},
		{9, 10, false, true},
		{12, 10, true, true},
		{2, 1, true, true},
		{1100, 1000, false, true},
		{1101, 1000, true, true},
		{899, 1000, true, true},
	} {
		for action, want := range map[string]bool{
			v1.ActionReconcile: tc.harmless, v1.ActionRequeue: tc.harmless, v1.ActionDismiss: tc.exactly, v1.ActionExclude: tc.exactly,
		} {
			if got := v1.Moved(action, tc.found, tc.expected); got != want {
				t.Errorf("%s of %d instead of %d: %v", action, tc.found, tc.expected, got)
			}
		}
	}
}

// A filter's dismissal or exclusion takes no more than was confirmed.
func TestNothingBeyondTheConfirmedCountIsTaken(t *testing.T) {
	d := newDesk(t, setup{})
	for i := range 11 {
		d.customer(fmt.Sprintf("Client %d", i))
	}
	d.run()
	in := d.create(v1.SyncActiveCustomers)
	d.live(in.ID)
	failing(t, d, in.ID, "rejected", 1, 2)
	for _, expect := range []int{1, 2, 4} {
		_, err := d.BulkDeadLetters(t.Context(), in.ID, v1.BulkDeadLetters{Action: v1.ActionDismiss, Filter: &v1.DeadLetterFilter{}, Expect: &expect})
		if p, is := errors.AsType[*v1.Problem](err); !is || p.Status != 409 {
			t.Errorf("dismissing 3 for %d: %v", expect, err)
		}
		_, err = d.ExcludeRecords(t.Context(), in.ID, v1.BulkRecords{Filter: &v1.RecordFilter{}, Expect: &expect})
		if p, is := errors.AsType[*v1.Problem](err); !is || p.Status != 409 {
			t.Errorf("excluding 11 for %d: %v", expect, err)
		}
	}
	if got := listed(t, d, in.ID); len(got) != 3 {
		t.Errorf("left are %v", got)
	}
	_, err := d.ReconcileRecords(t.Context(), in.ID, v1.BulkRecords{Filter: &v1.RecordFilter{Q: "nobody"}, Expect: new(500)})
	if p, is := errors.AsType[*v1.Problem](err); !is || p.Status != 409 {
		t.Errorf("reconciling 0 for 500: %v", err)
	}
	_, err = d.ExcludeRecords(t.Context(), in.ID, v1.BulkRecords{Records: []v1.RecordRef{{Kind: v1.KindCompany, ID: "999999"}}})
	if p, is := errors.AsType[*v1.Problem](err); !is || p.Status != 422 || !strings.Contains(p.Errors[0].Detail, "no such record: company 999999") {
		t.Errorf("excluding what nobody knows: %v", err)
	}
	found, err := d.ExcludeRecords(t.Context(), in.ID, v1.BulkRecords{Filter: &v1.RecordFilter{}, DryRun: true})
	harness.OK(t, err)
	if found.Count != 11 || found.InScope != 11 || found.Preview.Leave != 11 {
		t.Errorf("a dry run: %+v, %+v", found, found.Preview)
	}
}

// What Channel Program rejects does not come in by excluding others.
func TestRejectedRecordsDoNotComeIn(t *testing.T) {
	for outcome, want := range map[v1.Outcome]string{v1.OutcomeDead: "", v1.OutcomeRetrying: "", v1.OutcomeNotMet: "enter"} {
		l := reconcile.Preview{Before: ledger.Entry{Outcome: outcome}}
		l.Decision.Met = true
		if got := effectOf(l); got != want {
			t.Errorf("%s: %q", outcome, got)
		}
	}
}

// nothingKept is a table that forgets.
type nothingKept struct{ job.Table }

func (nothingKept) Put(context.Context, string, []byte) (uint64, error) { return 1, nil }

// A confirmation that is sent twice is answered with the job that runs.
func TestAFormThatIsSentTwiceIsOneJob(t *testing.T) {
	asked := v1.BulkJob{Action: v1.ActionReconcile, Search: true, Expect: 3, Until: time.Now()}
	running := asked
	running.Until = asked.Until.Add(-time.Second)
	jobs := []job.Job{
		{Job: v1.Job{ID: "ended", State: v1.JobDone, Bulk: &running}, Search: []byte("acme")},
		{Job: v1.Job{ID: "resync", State: v1.JobRunning}},
		{Job: v1.Job{ID: "twin", State: v1.JobRunning, Bulk: &running}, Search: []byte("acme")},
	}
	for _, tc := range []struct {
		text   string
		expect int
		want   string
	}{{"acme", 3, "twin"}, {"other", 3, ""}, {"acme", 4, ""}} {
		asked.Expect = tc.expect
		if got := runningTwin(jobs, asked, func(sealed []byte) bool { return string(sealed) == tc.text }); got != tc.want {
			t.Errorf("%+v: got %q", tc, got)
		}
	}
}
