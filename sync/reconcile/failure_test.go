package reconcile

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"channelsync/sync/upstream"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

func spoil(record int64, field, value string) atsim.Fault {
	return atsim.Fault{Kind: "badvalue", Entity: "Companies", Record: record, Field: field, Value: []byte(value)}
}

func TestBadRecordFailsAlone(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	good, unreadable, rejected := b.customer("Good"), b.customer("Unreadable"), b.customer("Rejected")
	b.at.SetFault(spoil(unreadable, "isActive", `"maybe"`))
	b.fault(cpsim.Fault{Kind: cpsim.FaultRejectItems, ExternalIDs: []string{ledgerID(rejected)}, Pointer: "/phones/0/value", Detail: "is no phone number"})
	b.batch(v1.KindCompany, good, unreadable, rejected)
	b.outcome(v1.KindCompany, good, v1.OutcomePushed)
	e := b.outcome(v1.KindCompany, unreadable, v1.OutcomeRetrying, "row_unreadable")
	for _, says := range []string{fmt.Sprintf("(company %d)", unreadable), fmt.Sprintf("Correct isActive of Companies %d in Autotask", unreadable)} {
		if !strings.Contains(e.Detail, says) {
			t.Errorf("its failure does not say %q: %s", says, e.Detail)
		}
	}
	if !strings.Contains(e.Detail, "isActive") || e.Attempts != 1 || b.waiting() != 1 {
		t.Errorf("unreadable: %q, %d attempts, %d scheduled", e.Detail, e.Attempts, b.waiting())
	}
	if _, ok := b.dead(v1.KindCompany, unreadable); ok {
		t.Error("a dead letter after one attempt")
	}
	e = b.outcome(v1.KindCompany, rejected, v1.OutcomeDead, "rejected")
	d, ok := b.dead(v1.KindCompany, rejected)
	if !ok || d.Code != "rejected" || d.Attempts != 1 || !strings.Contains(d.Detail, "phones") || !strings.Contains(e.Detail, "is no phone number") {
		t.Errorf("rejected: %q, %+v, %v", e.Detail, d, ok)
	}
	b.at.ClearFaults(0)
	b.cp.ClearFaults()
	b.batch(v1.KindCompany, unreadable, rejected)
	for _, id := range []int64{unreadable, rejected} {
		e := b.outcome(v1.KindCompany, id, v1.OutcomePushed)
		if _, ok := b.dead(v1.KindCompany, id); ok || e.Attempts != 0 || !e.NextAttempt.IsZero() {
			t.Errorf("%d is right again, but: dead letter %v, %+v", id, ok, e)
		}
	}
	if b.waiting() != 0 {
		t.Error("a retry is still scheduled")
	}
}

// TestRetryThatAnEditReplacedIsScheduledAgain: the entry of a retry that came due may be
// replaced by that of an edit, and its schedule is gone then.
func TestRetryThatAnEditReplacedIsScheduledAgain(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, change: func(c *Config) { c.Scheduler = hasty{c.Scheduler} }})
	id := b.customer("Unreadable")
	b.at.SetFault(spoil(id, "isActive", `"maybe"`))
	b.batch(v1.KindCompany, id)
	b.until("due", func() bool { return len(b.dueIDs(v1.KindCompany)) > 0 })
	b.clock.Add(retryAfter[0])
	b.batch(v1.KindCompany, id) // the edit's mark is not the retry's
	e := b.outcome(v1.KindCompany, id, v1.OutcomeRetrying, "row_unreadable")
	if e.Attempts != 1 || b.waiting() != 1 || e.NextAttempt.Before(b.clock.Now().Add(-time.Minute)) {
		t.Errorf("%d attempts, %d scheduled, the next at %s", e.Attempts, b.waiting(), e.NextAttempt)
	}
}

// TestEighthFailureIsDead walks the schedule: each attempt when it is due.
func TestEighthFailureIsDead(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	id := b.customer("Unreadable")
	b.at.SetFault(spoil(id, "isActive", `"maybe"`))
	began := b.clock.Now()
	for attempt := 1; attempt < maxAttempts; attempt++ {
		b.retry(v1.KindCompany, id)
		e := b.outcome(v1.KindCompany, id, v1.OutcomeRetrying, "row_unreadable")
		if e.Attempts != attempt {
			t.Fatalf("attempt %d is counted as %d", attempt, e.Attempts)
		}
		if want := e.ReconciledAt.Add(retryAfter[attempt-1]); !e.NextAttempt.Equal(want) {
			t.Errorf("attempt %d: the next is at %s, want %s", attempt, e.NextAttempt, want)
		}
		b.clock.Add(retryAfter[attempt-1])
	}
	b.retry(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomeDead, "row_unreadable")
	d, ok := b.dead(v1.KindCompany, id)
	if !ok || d.Attempts != maxAttempts || d.FirstAt.Sub(began) > time.Minute || d.LastAt.Sub(d.FirstAt) >= 12*time.Hour {
		t.Fatalf("dead letter: %+v, %v", d, ok)
	}
	b.batch(v1.KindCompany, id) // a change of it
	if e := b.outcome(v1.KindCompany, id, v1.OutcomeRetrying, "row_unreadable"); e.Attempts != 1 {
		t.Errorf("revived, but %d attempts are counted", e.Attempts)
	}
	if _, ok := b.dead(v1.KindCompany, id); ok {
		t.Error("it is tried again, but is still a dead letter")
	}
}

func TestBurstOfEditsDoesNotUseUpTheAttempts(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	id := b.customer("Unreadable")
	b.at.SetFault(spoil(id, "isActive", `"maybe"`))
	b.batch(v1.KindCompany, id)
	due := b.entry(v1.KindCompany, id).NextAttempt
	for range maxAttempts {
		b.batch(v1.KindCompany, id)
	}
	e := b.outcome(v1.KindCompany, id, v1.OutcomeRetrying, "row_unreadable")
	if e.Attempts != 1 || !e.NextAttempt.Equal(due) || b.waiting() != 1 {
		t.Errorf("%d attempts, the next at %s instead of %s, %d scheduled", e.Attempts, e.NextAttempt, due, b.waiting())
	}
	manual := b.due(v1.KindCompany, id)
	manual[0].Trigger = v1.TriggerManual
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, manual))
	if e := b.entry(v1.KindCompany, id); e.Attempts != 2 {
		t.Errorf("an operator's attempt is counted as %d", e.Attempts)
	}
}

// hasty schedules everything for the next second.
type hasty struct{ Scheduler }

func (h hasty) Schedule(ctx context.Context, due []events.DueEntry, _ func(events.DueEntry) time.Duration) error {
	return h.Scheduler.Schedule(ctx, due, func(events.DueEntry) time.Duration { return time.Second })
}

func TestScheduledRetryComesByItself(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, change: func(c *Config) { c.Scheduler = hasty{c.Scheduler} }})
	id := b.customer("Unreadable")
	b.at.SetFault(spoil(id, "isActive", `"maybe"`))
	due := b.due(v1.KindCompany, id)
	due[0].Lane, due[0].Job = events.LaneBulk, "job"
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, due))
	b.until("due", func() bool { return len(b.dueIDs(v1.KindCompany)) > 0 })
	taken, err := b.bus.Worklist().Peek(t.Context(), inst, v1.KindCompany, events.LaneLive, 1)
	if err != nil || taken[0].Job != "" || !taken[0].StoredAt.IsZero() {
		t.Errorf("the retry still counts for the job, or as fresh: %+v, %v", taken, err)
	}
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, taken))
	if e := b.entry(v1.KindCompany, id); e.Attempts != 2 {
		t.Errorf("%d attempts are counted", e.Attempts)
	}
}

func TestFailureOfAnUpstreamCostsNoAttempt(t *testing.T) {
	away := func(f atsim.Fault) func(*bench) { return func(b *bench) { b.at.SetFault(f) } }
	target := func(f cpsim.Fault) func(*bench) { return func(b *bench) { b.fault(f) } }
	for name, one := range map[string]struct {
		fault func(*bench)
		code  string
	}{
		"Autotask away":               {away(atsim.Fault{Kind: "away"}), "autotask_unavailable"},
		"Autotask cuts the line":      {away(atsim.Fault{Kind: "away", Status: -1}), "autotask_unavailable"},
		"Autotask throttles":          {away(atsim.Fault{Kind: "throttle"}), "throttled"},
		"Autotask fails every query":  {away(atsim.Fault{Kind: "status", Verb: "query", Status: 500, Text: "Object reference not set"}), "autotask_unavailable"},
		"Autotask cuts every answer":  {away(atsim.Fault{Kind: "truncate", Verb: "query"}), "autotask_unavailable"},
		"a right is missing":          {func(b *bench) { b.at.SetModes(func(m *atsim.Modes) { m.Denied = []string{"Companies"} }) }, "permission_missing"},
		"target away":                 {target(cpsim.Fault{Kind: cpsim.FaultUnavailable}), "channel_program_unavailable"},
		"target cuts the line":        {target(cpsim.Fault{Kind: cpsim.FaultReset}), "channel_program_unavailable"},
		"target throttles":            {target(cpsim.Fault{Kind: cpsim.FaultRateLimited, RetryAfter: 7}), "channel_program_throttled"},
		"target refuses the token":    {target(cpsim.Fault{Kind: cpsim.FaultUnauthenticated}), "channel_program_refused"},
		"target asks to be paid":      {target(cpsim.Fault{Kind: cpsim.FaultSubscription}), "channel_program_subscription"},
		"the connection is paused":    {target(cpsim.Fault{Kind: cpsim.FaultPaused}), "channel_program_refused"},
		"the connection is no more":   {target(cpsim.Fault{Kind: cpsim.FaultUninstalled}), "channel_program_refused"},
		"the connection is forbidden": {target(cpsim.Fault{Kind: cpsim.FaultForbidden}), "channel_program_refused"},
	} {
		for _, n := range []int{1, 3} { // by PUT, and as a batch
			t.Run(name, func(t *testing.T) {
				b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
				var ids []int64
				for range n {
					ids = append(ids, b.customer("Northwind"))
				}
				one.fault(b)
				if failure := upstream.FailureOf(b.broken(v1.KindCompany, ids...), b.clock.Now()); failure.Code != one.code {
					t.Errorf("got %s (%v), want %s", failure.Code, failure.Err, one.code)
				}
				b.at.ClearFaults(0)
				b.at.SetModes(func(m *atsim.Modes) { m.Denied = nil })
				b.cp.ClearFaults()
				for _, id := range ids {
					e := b.entry(v1.KindCompany, id)
					if _, dead := b.dead(v1.KindCompany, id); dead || e.Attempts != 0 || e.Outcome != "" {
						t.Errorf("%d: dead letter %v, %+v", id, dead, e)
					}
				}
				b.batch(v1.KindCompany, ids...)
				for _, id := range ids {
					b.outcome(v1.KindCompany, id, v1.OutcomePushed)
				}
				if b.waiting() != 0 {
					t.Error("a retry was scheduled")
				}
			})
		}
	}
}

func TestWhatWasAnsweredBeforeTheUpstreamFailedIsRemembered(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	var ids []int64
	for range 150 { // more than one batch of the target's
		ids = append(ids, b.customer("Northwind"))
	}
	last := ids[len(ids)-1]
	b.fault(cpsim.Fault{Kind: cpsim.FaultUnavailable, ExternalIDs: []string{ledgerID(last)}})
	b.fault(cpsim.Fault{Kind: cpsim.FaultUnavailable, Operation: "getConnection"})
	b.broken(v1.KindCompany, ids...)
	b.outcome(v1.KindCompany, ids[0], v1.OutcomePushed)
	if e := b.entry(v1.KindCompany, last); e.Outcome != "" {
		t.Errorf("the last was not answered, but is %s", e.Outcome)
	}
	b.cp.ClearFaults()
	b.batch(v1.KindCompany, ids...)
	if n := b.pushes(ids[0]); n != 1 {
		t.Errorf("the first was pushed %d times", n)
	}
	b.outcome(v1.KindCompany, last, v1.OutcomePushed)
}

func TestFailedItemsAreRetriedAlone(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	good, failing := b.customer("Good"), b.customer("Failing")
	b.fault(cpsim.Fault{Kind: cpsim.FaultFailItems, ExternalIDs: []string{ledgerID(failing)}, Detail: "try later"})
	b.batch(v1.KindCompany, good, failing)
	b.outcome(v1.KindCompany, good, v1.OutcomePushed)
	b.alone(v1.KindCompany)
	if e := b.outcome(v1.KindCompany, failing, v1.OutcomeRetrying, "target_failed"); !strings.Contains(e.Detail, "try later") || e.Attempts != 1 {
		t.Errorf("%d attempts, detail %q", e.Attempts, e.Detail)
	}
}

func TestStaleRecordIsSentOnceMore(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	id := b.customer("Northwind")
	ahead := b.clock.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	_, err := b.rec.Target.PutClient(t.Context(), ledgerID(id), channelprogram.ClientInput{
		Name: "From a clock that was an hour ahead", Source: channelprogram.Source{System: channelprogram.SystemAutotask, ObservedAt: ahead},
	})
	harness.OK(t, err)
	b.batch(v1.KindCompany, id)
	if c := b.client(id); c.Data.Name == "Northwind" {
		t.Fatal("the guard of the simulator did not hold")
	}
	if due := b.dueIDs(v1.KindCompany); len(due) != 1 || due[0] != id {
		t.Fatalf("marked again: %v", due)
	}
	if e := b.entry(v1.KindCompany, id); e.Fingerprint != "" {
		t.Error("a fingerprint of what the target does not hold is kept")
	}
	b.batch(v1.KindCompany, id)
	e := b.outcome(v1.KindCompany, id, v1.OutcomePushed)
	if c := b.client(id); c.Data.Name != "Northwind" || !e.ObservedAt.Equal(ahead.Add(time.Millisecond)) {
		t.Errorf("at the target: %q, observed at %s", c.Data.Name, e.ObservedAt)
	}
}

func TestClockThatStepsBackMakesNothingStale(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	id := b.customer("Northwind")
	b.batch(v1.KindCompany, id)
	first := b.entry(v1.KindCompany, id).ObservedAt
	for i, name := range []string{"Two", "Three"} {
		b.clock.Add(-24 * time.Hour)
		b.edit("Companies", id, atsim.Row{"companyName": name})
		b.batch(v1.KindCompany, id)
		if c := b.client(id); c.Data.Name != name {
			t.Errorf("step %d: %q", i, c.Data.Name)
		}
	}
	if last := b.entry(v1.KindCompany, id).ObservedAt; !last.Equal(first.Add(2 * time.Millisecond)) {
		t.Errorf("observed at %s, then %s", first, last)
	}
}

func TestCredentialsAreNotTriedAgainOnceRefused(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	id := b.customer("Northwind")
	b.at.SetSecret("another-secret-012345")
	for range 5 {
		if err := b.broken(v1.KindCompany, id); autotask.KindOf(err) != autotask.KindRefused {
			t.Fatalf("got %v", err)
		}
	}
	if n := b.at.Stats().LoginFailures; n != 1 {
		t.Errorf("%d log-ins were tried", n)
	}
}
