package operate

import (
	"fmt"
	"net/http"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestBulkActionsSurviveAKill tries 5,000 dead letters again, reconciles as many records and excludes some, and is killed
// in the middle of both jobs: nothing is lost, and nothing is sent twice.
func TestBulkActionsSurviveAKill(t *testing.T) {
	t.Parallel()
	const all = 5000
	w := start(t, service.Options{Autotask: service.Unlimited(), Binary: service.Build(t)})
	names := make([]string, all)
	for i := range names {
		names[i] = service.Text(w.Company(fmt.Sprintf("Client %04d", i)))
	}
	w.Refuse(cpsim.Fault{Kind: cpsim.FaultRejectItems, ExternalIDs: names, Code: "invalid", Pointer: "/name", Detail: "is on a list"})
	in := w.Install(v1.SyncActiveCustomers)
	code := ""
	w.Eventually("all are dead letters", 4*soon, func() error {
		counts, err := w.Admin.RecordCounts(t.Context(), in.ID, v1.RecordQuery{Outcome: v1.OutcomeDead})
		if err == nil && counts.Total != all {
			err = fmt.Errorf("%d", counts.Total)
		}
		for reason := range counts.Reasons {
			code = reason
		}
		return err
	})
	w.Target.ClearFaults()
	slow := func() {
		t.Helper()
		_, err := w.Target.SetFault(cpsim.Fault{Kind: cpsim.FaultSlow, Operation: "writes", DelayMillis: 250})
		harness.OK(t, err)
	}
	killedInTheMiddle := func(job string) v1.Job {
		t.Helper()
		var j v1.Job
		becomes := func(what string, want func() bool) {
			t.Helper()
			w.Eventually(what, 4*soon, func() (err error) {
				if j, err = w.Admin.Job(t.Context(), in.ID, job); err == nil && !want() {
					err = fmt.Errorf("%+v", j)
				}
				return err
			})
		}
		becomes("the job is halfway", func() bool { return j.Done > 0 && j.Done < all || j.State == v1.JobDone })
		w.Kill()
		w.Start()
		becomes("the job ends", func() bool { return j.State != v1.JobRunning })
		if j.State != v1.JobDone || j.Failed != 0 {
			t.Errorf("job %+v", j)
		}
		return j
	}

	expect := all / 2
	retry := v1.BulkDeadLetters{Action: v1.ActionRequeue, Filter: &v1.DeadLetterFilter{Code: code}, Expect: &expect}
	_, err := w.Admin.BulkDeadLetters(t.Context(), in.ID, retry)
	problemIs(t, err, http.StatusConflict, v1.CodeConflict)
	expect = all
	slow()
	asked, err := w.Admin.BulkDeadLetters(t.Context(), in.ID, retry)
	harness.OK(t, err)
	if asked.Count != all || asked.Job == "" || asked.Done != 0 || len(asked.Sample) != 20 {
		t.Fatalf("asked: %+v", asked)
	}
	killedInTheMiddle(asked.Job)
	w.Target.ClearFaults()
	w.Agree(4*soon, v1.SyncActiveCustomers)
	w.Idle(in.ID, 4*soon)
	if left := deadLetters(t, w, in.ID); len(left) != 0 {
		t.Errorf("%d dead letters are left", len(left))
	}

	from := len(w.Target.Pushes(service.Connection))
	sync := v1.BulkRecords{Filter: &v1.RecordFilter{Kind: v1.KindCompany, Q: "client"}, Expect: &expect}
	asked, err = w.Admin.ReconcileRecords(t.Context(), in.ID, sync)
	harness.OK(t, err)
	if j := killedInTheMiddle(asked.Job); j.Bulk == nil || !j.Bulk.Search || j.Bulk.Filter.Q != "" {
		t.Errorf("the job shows what was searched for: %+v", j.Bulk)
	}
	w.Idle(in.ID, 4*soon)
	if n := len(w.Target.Pushes(service.Connection)) - from; n != 0 {
		t.Errorf("%d pushes of what had not changed", n)
	}

	few := v1.BulkRecords{Filter: &v1.RecordFilter{Q: "client 000"}, DryRun: true}
	would, err := w.Admin.ExcludeRecords(t.Context(), in.ID, few)
	harness.OK(t, err)
	if would.Count != 14 || would.Preview == nil || would.Preview.Leave != 14 {
		t.Fatalf("would exclude %+v", would)
	}
	few.DryRun, few.Expect = false, &would.Count
	if did, err := w.Admin.ExcludeRecords(t.Context(), in.ID, few); err != nil || did.Done != 14 {
		t.Fatalf("%+v, %v", did, err)
	}
	w.Eventually("they are excluded", 4*soon, func() error {
		counts, err := w.Admin.RecordCounts(t.Context(), in.ID, v1.RecordQuery{Reason: v1.ReasonExcluded})
		if err == nil && counts.Total != 14 {
			err = fmt.Errorf("%d", counts.Total)
		}
		return err
	})
	again := v1.BulkRecords{Records: []v1.RecordRef{{Kind: v1.KindCompany, ID: names[0]}, {Kind: v1.KindContract, ID: "7"}}}
	if did, err := w.Admin.ExcludeRecords(t.Context(), in.ID, again); err != nil || did.Done != 0 || len(did.NotPossible) != 2 {
		t.Errorf("again: %+v, %v", did, err)
	}
}
