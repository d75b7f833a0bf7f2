package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/deadletter"
	"channelsync/sync/ledger"
	"channelsync/sync/reconcile"
	"channelsync/test/harness"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// What was dropped for lack of room is one issue, until its dead letter is dismissed.
func TestDroppedDeadLettersAreOneIssue(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	issue := func() *v1.Issue {
		t.Helper()
		in, err := d.Get(t.Context(), id)
		harness.OK(t, err)
		i := slices.IndexFunc(in.Issues, func(i v1.Issue) bool { return i.Code == deadletter.CodeDropped })
		if i < 0 {
			return nil
		}
		return &in.Issues[i]
	}
	if i := issue(); i != nil {
		t.Fatalf("before: %+v", i)
	}
	body := strings.Repeat("x", 16<<10)
	for i := range 620 { // of which somewhat fewer have room
		harness.OK(t, d.DeadLetters.Keep(t.Context(), id, fmt.Appendf(nil, "%04d%s", i, body), errors.New("not JSON")))
	}
	i := issue()
	if i == nil || i.Severity != v1.SeverityAct || !strings.Contains(i.Detail, " dead letters were dropped") || i.FirstAt.IsZero() || i.Fix == "" {
		t.Fatalf("got %+v", i)
	}
	all, err := d.requested(t.Context(), id, v1.RequeueRequest{Code: deadletter.CodeDropped})
	harness.OK(t, err)
	if len(all) != 1 {
		t.Fatalf("%d dead letters say so", len(all))
	}
	harness.OK(t, d.Dismiss(t.Context(), id, v1.DismissRequest{IDs: []string{all[0].ID}}))
	if i := issue(); i != nil {
		t.Errorf("after it was dismissed: %+v", i)
	}
}

// A record of which the ledger takes no entry is an issue all the same, until it is
// reconciled or its dead letter is gone. One that both tell of counts once.
func TestADeadLetterWithoutAnEntryIsAnIssue(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	counts := func(want map[string]int) {
		t.Helper()
		in, err := d.Get(t.Context(), id)
		harness.OK(t, err)
		got := map[string]int{}
		for _, i := range in.Issues {
			if i.Code == reconcile.CodeNotKept || i.Code == "rejected" {
				got[i.Code] = i.Records
				if i.FirstAt.IsZero() || i.LastAt.Before(i.FirstAt) || i.Fix == "" {
					t.Errorf("got %+v", i)
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	counts(map[string]int{})
	began := time.Now()
	fail := func(kind v1.Kind, rec int64, code string, at time.Time) {
		t.Helper()
		harness.OK(t, d.DeadLetters.PutRecord(t.Context(), id, v1.DeadLetter{
			ID: deadletter.RecordID(kind, rec), Kind: string(kind), RecordID: fmt.Sprint(rec), Code: code, Attempts: 1, FirstAt: at, LastAt: at,
		}))
	}
	write := func(rec int64, outcome v1.Outcome, at time.Time, reasons ...string) {
		t.Helper()
		harness.OK(t, d.Ledger.Write(t.Context(), id, []*ledger.Entry{
			{Kind: v1.KindCompany, ID: rec, Outcome: outcome, Reasons: reasons, ReconciledAt: at, FirstFailed: began},
		}))
	}
	for rec := range int64(3) {
		fail(v1.KindCompany, rec+1, reconcile.CodeNotKept, began.Add(time.Second))
	}
	fail(v1.KindContact, 1, reconcile.CodeNotKept, began.Add(time.Second))
	fail(v1.KindCompany, 4, "rejected", began)
	write(2, v1.OutcomePushed, began)
	write(3, v1.OutcomeDead, began, "rejected")
	write(4, v1.OutcomeDead, began.Add(time.Millisecond), "rejected")
	counts(map[string]int{reconcile.CodeNotKept: 4, "rejected": 1})
	write(1, v1.OutcomePushed, began.Add(2*time.Second))
	write(3, v1.OutcomeUnchanged, began.Add(2*time.Second))
	counts(map[string]int{reconcile.CodeNotKept: 2, "rejected": 1})
	harness.OK(t, d.Dismiss(t.Context(), id, v1.DismissRequest{Code: reconcile.CodeNotKept}))
	counts(map[string]int{"rejected": 1})
}

// The oldest dead letters go beyond the quota, and a person dismisses others. What is
// said of such a record is true without its dead letter, and does what it says.
func TestARecordWhoseDeadLetterIsGoneSaysWhatToDo(t *testing.T) {
	d := newDesk(t, setup{})
	asked, edited := d.customer("Northwind"), d.customer("Contoso")
	_, err := d.cp.SetFault(cpsim.Fault{Kind: cpsim.FaultRejectItems, Code: "invalid", Pointer: "/name", Detail: "nobody may have it"})
	harness.OK(t, err)
	d.run()
	id := d.create(v1.SyncActiveCustomers).ID
	becomes := func(rec int64, want v1.Outcome) (found v1.RecordDetail) {
		t.Helper()
		d.eventually(string(want), func() (err error) {
			if found, err = d.Record(t.Context(), id, v1.KindCompany, rec); err == nil && found.Outcome != want {
				err = fmt.Errorf("it is %s", found.Outcome)
			}
			return err
		})
		return found
	}
	for _, rec := range []int64{asked, edited} {
		becomes(rec, v1.OutcomeDead)
		harness.OK(t, d.DeadLetters.Drop(t.Context(), id, deadletter.RecordID(v1.KindCompany, rec)))
		shown := becomes(rec, v1.OutcomeDead)
		explained, err := d.Explain(t.Context(), id, v1.KindCompany, rec)
		harness.OK(t, err)
		for what, said := range map[string]string{"its page": shown.Fix, "its explanation": explained.Next} {
			if !strings.Contains(said, `an edit in Autotask or "Sync now" tries it again`) ||
				strings.Contains(said, "dead letter") || strings.Contains(said, "requeue") {
				t.Errorf("%s says %q", what, said)
			}
		}
	}
	d.cp.ClearFaults()
	harness.OK(t, d.Reconcile(t.Context(), id, v1.KindCompany, asked))
	becomes(asked, v1.OutcomePushed)
	harness.OK(t, d.at.Edit("Companies", edited, atsim.Row{"companyName": "Contoso Ltd"}))
	notify(d.runtime(id).pollNow)
	becomes(edited, v1.OutcomePushed)
}

// TestAnExplanationDoesNotWaitForARecordThatAutotaskDoesNotTell but says so, and shows what was stored.
func TestAnExplanationDoesNotWaitForARecordThatAutotaskDoesNotTell(t *testing.T) {
	d := newDesk(t, setup{})
	rec := d.customer("Northwind")
	d.explains = 500 * time.Millisecond
	d.run()
	id := d.create(v1.SyncActiveCustomers).ID
	d.eventually("pushed", func() error {
		found, err := d.Record(t.Context(), id, v1.KindCompany, rec)
		if err == nil && found.Outcome != v1.OutcomePushed {
			err = fmt.Errorf("it is %s", found.Outcome)
		}
		return err
	})
	d.at.SetFault(atsim.Fault{Kind: fault.Poison, Entity: "Companies", Record: rec, As: fault.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // half of what a request may hang
	defer cancel()
	e, err := d.Explain(ctx, id, v1.KindCompany, rec)
	harness.OK(t, err)
	if !e.Met || e.Record == nil || e.Record.Outcome != v1.OutcomePushed || e.Name != "Northwind" || string(e.Target) == "null" || len(e.Differences) != 0 {
		t.Errorf("got %+v, want what was stored", e)
	}
	for _, says := range []string{fmt.Sprintf("Northwind (company %d)", rec), "Autotask did not answer for this record within 500ms", "what was stored", "Autotask's support"} {
		if !strings.Contains(e.Next, says) {
			t.Errorf("next does not say %q: %s", says, e.Next)
		}
	}
}

// TestARequeueSparesWhatFailedAgainSinceItWasSeen, whether it is named or of a cause.
func TestARequeueSparesWhatFailedAgainSinceItWasSeen(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	failing(t, d, id, "rejected", 1, 2)
	before := time.Now().Add(-time.Hour)
	for _, req := range []v1.RequeueRequest{{Code: "rejected", Until: &before}, {All: true, Until: &before}, {IDs: []string{"company-1"}, Until: &before}} {
		all := fmt.Sprint(listed(t, d, id))
		harness.OK(t, d.Requeue(t.Context(), id, req))
		if got := fmt.Sprint(listed(t, d, id)); got != all {
			t.Errorf("%+v: left are %s, want %s", req, got, all)
		}
	}
	now := time.Now()
	harness.OK(t, d.Requeue(t.Context(), id, v1.RequeueRequest{Code: "rejected", Until: &now}))
	if got := fmt.Sprint(listed(t, d, id)); strings.Contains(got, "company") {
		t.Errorf("what was seen is left: %s", got)
	}
}
