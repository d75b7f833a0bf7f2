package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/sync/fetch"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// mixed is a batch in which everything happens: a client that comes into scope with
// a contract, one that fails, one that is rejected, one that was dead and is right
// again, and one that the target thinks is stale.
type mixed struct {
	*bench
	enters, fails, rejected, revived int64
	contract                         int64
	all                              []int64
}

func newMixed(t *testing.T) *mixed {
	m := &mixed{bench: newBench(t, setup{})}
	m.enters = m.at.Put("Companies", atsim.Row{"companyName": "Enters", "companyType": 1, "isActive": false})
	m.fails, m.rejected, m.revived = m.customer("Fails"), m.customer("Rejected"), m.customer("Revived")
	m.contract = m.contractOf(m.enters)
	m.all = []int64{m.enters, m.fails, m.rejected, m.revived}
	m.fault(cpsim.Fault{Kind: cpsim.FaultRejectItems, ExternalIDs: []string{ledgerID(m.revived)}, Next: 1})
	m.batch(v1.KindCompany, m.enters, m.revived)
	if _, dead := m.dead(v1.KindCompany, m.revived); !dead {
		t.Fatal("it is to begin with a dead letter")
	}
	m.edit("Companies", m.enters, atsim.Row{"isActive": true})
	m.at.SetFault(spoil(m.fails, "isActive", `"maybe"`))
	m.fault(cpsim.Fault{Kind: cpsim.FaultRejectItems, ExternalIDs: []string{ledgerID(m.rejected)}})
	harness.OK(t, m.bus.Worklist().Enqueue(t.Context(), m.due(v1.KindCompany, m.all...)))
	return m
}

func (m *mixed) contractOf(company int64) int64 { return m.bench.contract(company, "Backup") }

// pass is what the worker does: take, reconcile, clear.
func (m *mixed) pass() error {
	due, err := m.rec.Worklist.Peek(m.t.Context(), inst, v1.KindCompany, events.LaneLive, fetch.MaxBatch)
	if err != nil || len(due) == 0 {
		return err
	}
	if err := m.rec.Batch(m.t.Context(), v1.KindCompany, due); err != nil {
		return err
	}
	return m.rec.Worklist.AckThrough(m.t.Context(), inst, v1.KindCompany, events.LaneLive, due[len(due)-1].Sequence)
}

// check checks that nothing was lost.
func (m *mixed) check() {
	m.t.Helper()
	for _, id := range []int64{m.enters, m.revived} {
		if e := m.entry(v1.KindCompany, id); e.Outcome != v1.OutcomePushed && e.Outcome != v1.OutcomeUnchanged {
			m.t.Errorf("%d is %s", id, e.Outcome) // unchanged: it was sent once more
		}
	}
	m.outcome(v1.KindCompany, m.rejected, v1.OutcomeDead, "rejected")
	if e := m.outcome(v1.KindCompany, m.fails, v1.OutcomeRetrying, "row_unreadable"); e.Attempts != 1 {
		m.t.Errorf("%d attempts are counted", e.Attempts)
	}
	if _, dead := m.dead(v1.KindCompany, m.revived); dead {
		m.t.Error("a record that is right again is still a dead letter")
	}
	if d, dead := m.dead(v1.KindCompany, m.rejected); !dead || d.Attempts > 2 {
		m.t.Errorf("the rejected one: dead letter %v, %+v", dead, d)
	}
	if !slices.Contains(m.dependents(), m.contract) {
		m.t.Error("the contract of the client that came into scope was not marked")
	}
	if m.waiting() != 1 {
		m.t.Errorf("%d retries are scheduled", m.waiting())
	}
	if due := m.dueIDs(v1.KindCompany); len(due) != 0 {
		m.t.Errorf("still due: %v", due)
	}
	if c := m.client(m.enters); c.Data.Name != "Enters" {
		m.t.Errorf("at the target: %+v", c.Data)
	}
}

// TestCrashOnlyRepeatsWork crashes before and after each step of settling a batch.
func TestCrashOnlyRepeatsWork(t *testing.T) {
	undisturbed := newMixed(t)
	undisturbed.crash.arm(0)
	harness.OK(t, undisturbed.pass())
	undisturbed.check()
	steps := undisturbed.crash.steps()
	t.Logf("steps: %s", strings.Join(steps, ", "))
	for _, want := range []string{"dependents", "later", "dead letter", "drop dead letter", "cancel later", "ledger", "clear"} {
		if !slices.Contains(steps, "after "+want) {
			t.Errorf("the batch has no step %q", want)
		}
	}
	order := []string{"after dependents", "before ledger", "after ledger", "before clear"}
	for i := 1; i < len(order); i++ {
		if slices.Index(steps, order[i-1]) > slices.Index(steps, order[i]) {
			t.Errorf("%q comes later than %q", order[i-1], order[i])
		}
	}
	for at := range steps {
		t.Run(fmt.Sprintf("%d %s", at+1, steps[at]), func(t *testing.T) {
			m := newMixed(t)
			m.crash.arm(at + 1)
			if err := m.pass(); !errors.Is(err, errCrash) {
				t.Fatalf("got %v", err)
			}
			m.crash.arm(0)
			m.rec = New(m.rec.Config) // as after a restart
			m.clock.Add(time.Second)
			for range 3 {
				harness.OK(t, m.pass())
			}
			m.check()
		})
	}
}

func TestEntryEnqueuedMeanwhileSurvivesTheAcknowledgement(t *testing.T) {
	m := newMixed(t)
	due, err := m.rec.Worklist.Peek(t.Context(), inst, v1.KindCompany, events.LaneLive, fetch.MaxBatch)
	harness.OK(t, err)
	harness.OK(t, m.rec.Batch(t.Context(), v1.KindCompany, due))
	harness.OK(t, m.rec.Worklist.Enqueue(t.Context(), m.due(v1.KindCompany, m.enters)))
	harness.OK(t, m.rec.Worklist.AckThrough(t.Context(), inst, v1.KindCompany, events.LaneLive, due[len(due)-1].Sequence))
	if due := m.dueIDs(v1.KindCompany); len(due) != 1 || due[0] != m.enters {
		t.Errorf("due: %v", due)
	}
}
