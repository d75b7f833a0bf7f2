package reconcile

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// manyClients is a bench with n companies in scope.
func manyClients(t *testing.T, n int, options v1.Options) (*bench, []int64) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, options: options})
	var ids []int64
	for range n {
		ids = append(ids, b.customer("Northwind"))
	}
	b.batch(v1.KindCompany, ids...)
	return b, ids
}

// leave makes companies inactive and reconciles them.
func (b *bench) leave(ids ...int64) {
	b.t.Helper()
	for _, id := range ids {
		b.edit("Companies", id, atsim.Row{"isActive": false})
	}
	b.batch(v1.KindCompany, ids...)
}

// pendingApproval counts the records that wait for a yes.
func (b *bench) pendingApproval() int {
	b.t.Helper()
	ids, err := b.ledger.Find(b.t.Context(), inst, v1.KindCompany, func(s ledger.Summary) bool { return s.PendingApproval })
	harness.OK(b.t, err)
	return len(ids)
}

func TestMassDepartureIsHeldUntilSomebodySaysYes(t *testing.T) {
	b, ids := manyClients(t, 20, v1.Options{OutOfScope: "archive"})
	b.leave(ids[:15]...)
	if b.pendingApproval() != 15 || b.pushes(ids[0]) != 1 || b.client(ids[0]).Data.Lifecycle != "active" {
		t.Fatalf("%d are held, the first was pushed %d times", b.pendingApproval(), b.pushes(ids[0]))
	}
	if e := b.outcome(v1.KindCompany, ids[0], v1.OutcomePushed); !e.InScope || e.Timeline[len(e.Timeline)-1].Step != "held" {
		t.Errorf("remembered: %+v", e)
	}
	b.batch(v1.KindCompany, ids[:15]...)
	if b.pendingApproval() != 15 {
		t.Errorf("marked again: %d are held", b.pendingApproval())
	}
	b.change(func(in *installation.Installation) { in.MassChangeApproved = b.clock.Now() })
	b.batch(v1.KindCompany, ids[:15]...)
	b.outcome(v1.KindCompany, ids[0], v1.OutcomeNotMet, v1.ReasonStatusInactive)
	if b.pendingApproval() != 0 || b.client(ids[0]).Data.Lifecycle != "archived" {
		t.Errorf("after the yes: %d are held, the first is %s", b.pendingApproval(), b.client(ids[0]).Data.Lifecycle)
	}
}

func TestDeparturesOfEverydayAreNotHeld(t *testing.T) {
	for name, one := range map[string]struct {
		all     int
		leaving []int // how many leave, hour by hour
		percent int
		held    int
	}{
		"a few of few":                    {12, []int{9}, 0, 0},
		"a third of many":                 {60, []int{20}, 0, 0},
		"more than the installation says": {60, []int{20}, 10, 20},
		"little by little":                {40, []int{10, 10, 10}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, ids := manyClients(t, one.all, v1.Options{MassChangePercent: one.percent})
			for _, n := range one.leaving {
				b.leave(ids[:n]...)
				ids = ids[n:]
				b.clock.Add(massSpan)
			}
			if got := b.pendingApproval(); got != one.held {
				t.Errorf("%d are held, want %d", got, one.held)
			}
		})
	}
}

func TestMassDepartureInSeveralBatchesIsOne(t *testing.T) {
	b, ids := manyClients(t, 40, v1.Options{})
	for len(ids) > 10 {
		b.leave(ids[:6]...)
		ids = ids[6:]
	}
	if n := b.pendingApproval(); n < 6 {
		t.Errorf("%d are held", n)
	}
}

func TestHeldRecordsThatComeBackAreHeldNoMore(t *testing.T) {
	b, ids := manyClients(t, 12, v1.Options{})
	b.leave(ids...)
	if b.pendingApproval() != len(ids) {
		t.Fatalf("%d are held", b.pendingApproval())
	}
	for _, id := range ids {
		b.edit("Companies", id, atsim.Row{"isActive": true})
	}
	b.batch(v1.KindCompany, ids...)
	if b.pendingApproval() != 0 {
		t.Errorf("%d are held", b.pendingApproval())
	}
	b.outcome(v1.KindCompany, ids[0], v1.OutcomeUnchanged)
}

// TestDiscardedRecordsStayUntilTheyChange: a sweep, or a poll that overlaps, must not ask again what somebody said no to.
func TestDiscardedRecordsStayUntilTheyChange(t *testing.T) {
	b, ids := manyClients(t, 20, v1.Options{OutOfScope: "archive"})
	b.leave(ids[:15]...)
	entries, err := b.ledger.Read(t.Context(), inst, v1.KindCompany, ids[:15])
	harness.OK(t, err)
	var list []*ledger.Entry
	for _, e := range entries {
		e.PendingApproval, e.Discarded = false, true
		list = append(list, e)
	}
	harness.OK(t, b.ledger.Write(t.Context(), inst, list))
	b.batch(v1.KindCompany, ids...)
	if b.pendingApproval() != 0 {
		t.Errorf("looked at again: %d are held", b.pendingApproval())
	}
	if e := b.outcome(v1.KindCompany, ids[0], v1.OutcomePushed); !e.InScope || b.pushes(ids[0]) != 1 {
		t.Errorf("in scope %v, pushed %d times", e.InScope, b.pushes(ids[0]))
	}
	for _, id := range ids[:12] {
		b.edit("Companies", id, atsim.Row{"companyName": "Edited since"})
	}
	b.batch(v1.KindCompany, ids...)
	if b.pendingApproval() != 12 {
		t.Errorf("12 were edited since, and %d are held", b.pendingApproval())
	}
	for _, id := range ids[12:15] {
		b.edit("Companies", id, atsim.Row{"isActive": true})
	}
	b.batch(v1.KindCompany, ids[12:15]...)
	if e := b.outcome(v1.KindCompany, ids[12], v1.OutcomeUnchanged); e.Discarded || !e.Leaving.IsZero() {
		t.Errorf("in scope again: %+v", e)
	}
}

func TestHeldRecordKeepsItsRetry(t *testing.T) {
	b, ids := manyClients(t, 12, v1.Options{})
	fault := b.at.SetFault(spoil(ids[0], "isActive", `"maybe"`))
	b.batch(v1.KindCompany, ids[0])
	b.at.ClearFaults(fault)
	b.clock.Add(time.Minute)
	b.leave(ids...)
	if b.pendingApproval() != len(ids) || b.waiting() != 1 {
		t.Errorf("%d are held, %d retries are scheduled", b.pendingApproval(), b.waiting())
	}
	if e := b.outcome(v1.KindCompany, ids[0], v1.OutcomeRetrying, "row_unreadable"); e.Attempts != 1 {
		t.Errorf("%d attempts are counted", e.Attempts)
	}
}

// TestRepeatedDepartureOfOneRecordIsNoMassChange: while the target is down the same
// record leaves with every retry, and is one record all the same.
func TestRepeatedDepartureOfOneRecordIsNoMassChange(t *testing.T) {
	b, ids := manyClients(t, 20, v1.Options{OutOfScope: "archive"})
	b.edit("Companies", ids[0], atsim.Row{"isActive": false})
	b.fault(cpsim.Fault{Kind: cpsim.FaultUnavailable})
	for range 19 {
		b.broken(v1.KindCompany, ids[0])
	}
	b.cp.ClearFaults()
	b.batch(v1.KindCompany, ids[0])
	if b.pendingApproval() != 0 {
		t.Errorf("%d are held", b.pendingApproval())
	}
	b.outcome(v1.KindCompany, ids[0], v1.OutcomeNotMet, v1.ReasonStatusInactive)
}

// TestRecordThatComesAndGoesIsOneDeparture: flapping records do not add up.
func TestRecordThatComesAndGoesIsOneDeparture(t *testing.T) {
	b, ids := manyClients(t, 20, v1.Options{})
	for range 12 {
		b.leave(ids[:2]...)
		for _, id := range ids[:2] {
			b.edit("Companies", id, atsim.Row{"isActive": true})
		}
		b.batch(v1.KindCompany, ids[:2]...)
	}
	b.leave(ids[:2]...)
	if b.pendingApproval() != 0 {
		t.Errorf("%d are held", b.pendingApproval())
	}
}

// TestDeparturesCountRecords: however often and in whatever order records leave, come
// back or fail to be settled, each counts once, and only while it is gone.
func TestDeparturesCountRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d departures
		now := time.Unix(1_800_000_000, 0)
		gone := map[int64]time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			ids := rapid.SliceOfN(rapid.Int64Range(1, 9), 1, 5).Draw(t, "ids")
			if rapid.Bool().Draw(t, "leave") {
				d.add(v1.KindCompany, now, ids)
				for _, id := range ids {
					gone[id] = now
				}
			} else {
				d.drop(v1.KindCompany, ids)
				for _, id := range ids {
					delete(gone, id)
				}
			}
			now = now.Add(rapid.SampledFrom([]time.Duration{0, time.Minute, massSpan / 2}).Draw(t, "pass"))
			want := map[int64]bool{}
			for id, at := range gone {
				if now.Sub(at) < massSpan {
					want[id] = true
				}
			}
			got := d.recent(v1.KindCompany, now)
			if len(got) != len(want) {
				t.Fatalf("counted %v, want %v", got, want)
			}
			for id := range want {
				if !got[id] {
					t.Fatalf("counted %v, want %v", got, want)
				}
			}
			if n := len(d.recent(v1.KindContract, now)); n != 0 {
				t.Fatalf("%d of another kind", n)
			}
		}
	})
}
