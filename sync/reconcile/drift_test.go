package reconcile

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// edited changes a record by hand at the target.
func (b *bench) edited(kind v1.Kind, id int64, fields map[string]any) {
	b.t.Helper()
	e := cpsim.Edit{Connection: connection, ExternalID: fmt.Sprint(id), Fields: fields}
	if kind == v1.KindContract {
		e.Entity = cpsim.EntityContract
	}
	harness.OK(b.t, b.cp.Edit(e))
}

// pushedUnanswered pushes a company, after which Channel Program has it by that name, and crashes before the entry is written.
func (b *bench) pushedUnanswered(id int64, name string) {
	b.t.Helper()
	b.crash.arm(3)
	if err := b.rec.Batch(b.t.Context(), v1.KindCompany, b.due(v1.KindCompany, id)); !errors.Is(err, errCrash) {
		b.t.Fatal(err)
	}
	b.crash.arm(0)
	if b.client(id).Data.Name != name {
		b.t.Fatal("it is to crash after the push")
	}
}

// sweep reconciles records as a sweep does.
func (b *bench) sweep(kind v1.Kind, ids ...int64) {
	b.t.Helper()
	due := b.due(kind, ids...)
	for i := range due {
		due[i].Lane, due[i].Trigger, due[i].Force = events.LaneBulk, v1.TriggerSweep, true
	}
	harness.OK(b.t, b.rec.Batch(b.t.Context(), kind, due))
	b.clock.Add(time.Second)
}

// drift lists the edits that were found, as "id state: field theirs -> ours".
func (b *bench) drift() []string {
	b.t.Helper()
	page, err := b.ledger.DriftList(b.t.Context(), inst, v1.DriftQuery{Limit: 100}, b.clock.Now())
	harness.OK(b.t, err)
	out := []string{}
	for _, d := range page.Items {
		var fields []string
		for _, f := range d.Fields {
			theirs := "?"
			if f.Theirs != nil {
				theirs = *f.Theirs
			}
			fields = append(fields, f.Field+" "+theirs+" -> "+f.Due)
		}
		out = append(out, fmt.Sprintf("%s %s: %s", d.ID, d.State, strings.Join(fields, ", ")))
	}
	return out
}

func (b *bench) drifted(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), b.drift()); diff != "" {
		b.t.Error(diff)
	}
}

// TestASweepListsWhatItPutRight: with what it had been edited to.
func TestASweepListsWhatItPutRight(t *testing.T) {
	b := newBench(t, setup{})
	id, same := b.customer("Northwind"), b.customer("Contoso")
	contract := b.contract(id, "Care", atsim.Row{"contractType": 3, "estimatedCost": 1250})
	b.batch(v1.KindCompany, id, same)
	b.batch(v1.KindContract, contract)
	b.sweep(v1.KindCompany, id, same)
	b.drifted()

	b.edited(v1.KindCompany, id, map[string]any{"name": "Mine", "phones": []any{}})
	b.edited(v1.KindContract, contract, map[string]any{"overallCost": map[string]any{"amount": "7.00", "currency": "USD"}})
	b.sweep(v1.KindCompany, id, same)
	b.sweep(v1.KindContract, contract)
	b.drifted(
		fmt.Sprintf("%d repaired: overallCost.amount 7.00 -> 1250.00", contract),
		fmt.Sprintf("%d repaired: name Mine -> Northwind, phones[0].value  -> 518-555-0100", id),
	)
	if c := b.client(id); c.Data.Name != "Northwind" || len(c.Data.Phones) != 1 {
		t.Errorf("it is not put right: %+v", c.Data)
	}
	b.sweep(v1.KindCompany, id)
	if n := len(b.drift()); n != 2 {
		t.Errorf("%d edits after a sweep that found none", n)
	}
	if last := b.results[len(b.results)-1]; last.Drift {
		t.Error("what found nothing says that it found an edit")
	}
	// A target that was emptied is filled, and nobody edited anything.
	harness.OK(t, b.cp.Empty(connection))
	b.sweep(v1.KindCompany, id, same)
	if n := len(b.drift()); n != 2 || b.client(same).Data.Name != "Contoso" {
		t.Errorf("after it was emptied: %d edits, %+v", n, b.client(same))
	}
}

// TestReadsBeforeRepairsAreBounded: beyond the bound an edit is put right all the same.
func TestReadsBeforeRepairsAreBounded(t *testing.T) {
	gets := 0
	b := newBench(t, setup{asking: func(r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/clients/") {
			gets++
		}
	}})
	id := b.customer("Northwind")
	b.batch(v1.KindCompany, id)
	b.rec.reads = reads{hour: b.clock.Now().Truncate(time.Hour), n: readsPerHour - 1}
	b.sweep(v1.KindCompany, id)
	b.edited(v1.KindCompany, id, map[string]any{"name": "Mine"})
	b.sweep(v1.KindCompany, id)
	if gets != 1 {
		t.Errorf("%d reads, want the one that was left", gets)
	}
	b.drifted(fmt.Sprintf("%d repaired: name ? -> Northwind", id))
	b.clock.Add(time.Hour)
	b.edited(v1.KindCompany, id, map[string]any{"name": "Yours"})
	b.sweep(v1.KindCompany, id)
	if got := b.drift()[0]; got != fmt.Sprintf("%d repaired: name Yours -> Northwind", id) {
		t.Errorf("an hour later: %s", got)
	}
}

// TestNothingIsPushedOverAnEditUntilSomebodySaysSo: whatever finds it, and whatever changes meanwhile.
func TestNothingIsPushedOverAnEditUntilSomebodySaysSo(t *testing.T) {
	b := newBench(t, setup{options: v1.Options{Drift: "report"}})
	id := b.customer("Northwind")
	b.batch(v1.KindCompany, id)
	b.edited(v1.KindCompany, id, map[string]any{"name": "Mine"})
	pushes := b.pushes(id)
	held := func(want string) {
		t.Helper()
		e := b.outcome(v1.KindCompany, id, v1.OutcomeWaiting, v1.ReasonEditedAtTarget)
		if b.client(id).Data.Name != "Mine" || b.pushes(id) != pushes {
			t.Errorf("it was pushed over: %+v", b.client(id).Data)
		}
		if !e.InScope || !strings.Contains(e.Detail, "name") {
			t.Errorf("remembered: %+v", e)
		}
		b.drifted(fmt.Sprintf("%d open: %s", id, want))
	}
	b.sweep(v1.KindCompany, id)
	held("name Mine -> Northwind")
	b.edit("Companies", id, atsim.Row{"companyName": "Northwind Group", "phone": "518-555-0199"})
	b.batch(v1.KindCompany, id)
	held("name Mine -> Northwind Group")
	b.sweep(v1.KindCompany, id)
	held("name Mine -> Northwind Group")

	if err := b.rec.PushOurs(t.Context(), v1.KindCompany, 4711); !errors.Is(err, ErrNoDrift) {
		t.Errorf("of a record that nobody knows: %v", err)
	}
	harness.OK(t, b.rec.PushOurs(t.Context(), v1.KindCompany, id))
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomePushed)
	if c := b.client(id); c.Data.Name != "Northwind Group" || c.Data.Phones[0].Value != "518-555-0199" {
		t.Errorf("at the target: %+v", c.Data)
	}
	b.drifted(fmt.Sprintf("%d repaired: name Mine -> Northwind Group, phones[0].value 518-555-0100 -> 518-555-0199", id))
	if err := b.rec.PushOurs(t.Context(), v1.KindCompany, id); !errors.Is(err, ErrNoDrift) {
		t.Errorf("when nothing waits any more: %v", err)
	}
	// The next edit waits again: one word is for one edit.
	b.edited(v1.KindCompany, id, map[string]any{"name": "Mine again"})
	b.edit("Companies", id, atsim.Row{"phone": "518-555-0100"})
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomeWaiting, v1.ReasonEditedAtTarget)
}

// TestAnEditThatIsUndoneThereWaitsForNobody: work goes on by itself.
func TestAnEditThatIsUndoneThereWaitsForNobody(t *testing.T) {
	b := newBench(t, setup{options: v1.Options{Drift: "report"}})
	id := b.customer("Northwind")
	b.batch(v1.KindCompany, id)
	b.edited(v1.KindCompany, id, map[string]any{"name": "Mine"})
	b.batch(v1.KindCompany, id) // nothing changed: nothing is sent, and nobody looks
	b.outcome(v1.KindCompany, id, v1.OutcomeUnchanged)
	b.sweep(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomeWaiting, v1.ReasonEditedAtTarget)
	b.edited(v1.KindCompany, id, map[string]any{"name": "Northwind"})
	b.batch(v1.KindCompany, id)
	e := b.outcome(v1.KindCompany, id, v1.OutcomeUnchanged)
	if len(e.Notes) != 0 || e.OpenDrift() != nil {
		t.Errorf("remembered: %+v", e)
	}
	b.drifted(fmt.Sprintf("%d reverted: name Mine -> Northwind", id))
}

// TestAPushWhoseAnswerWasLostIsNoEdit: what the target holds then is ours.
func TestAPushWhoseAnswerWasLostIsNoEdit(t *testing.T) {
	b := newBench(t, setup{options: v1.Options{Drift: "report"}})
	id := b.customer("Northwind")
	b.batch(v1.KindCompany, id)
	b.edit("Companies", id, atsim.Row{"companyName": "Northwind Group"})
	b.pushedUnanswered(id, "Northwind Group")
	b.clock.Add(time.Second)
	b.edit("Companies", id, atsim.Row{"companyName": "Northwind Holding"})
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomePushed)
	b.drifted()
}

// reported is a bench with a client whose edit in Channel Program was found and waits for somebody.
func reported(t *testing.T) (*bench, int64) {
	t.Helper()
	b := newBench(t, setup{options: v1.Options{Drift: "report"}})
	id := b.customer("Northwind")
	b.batch(v1.KindCompany, id)
	b.edited(v1.KindCompany, id, map[string]any{"name": "Mine"})
	b.sweep(v1.KindCompany, id)
	return b, id
}

// TestDriftRepairAfterReport: what waited is put right when the option says so.
func TestDriftRepairAfterReport(t *testing.T) {
	b, id := reported(t)
	b.change(func(in *installation.Installation) { in.Options.Drift = "repair" })
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomePushed)
	b.drifted(fmt.Sprintf("%d repaired: name Mine -> Northwind", id))
}

// TestDriftOfARecordThatLeavesWaitsForNobody: nothing would be pushed over it.
func TestDriftOfARecordThatLeavesWaitsForNobody(t *testing.T) {
	b, id := reported(t)
	b.edit("Companies", id, atsim.Row{"isActive": false})
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomeNotMet, v1.ReasonStatusInactive)
	b.drifted()
	if d, err := b.ledger.Digest(t.Context(), inst); err != nil || d.Drift(b.clock.Now()) != (v1.DriftCounts{}) {
		t.Errorf("counted %+v, %v", d, err)
	}
	// What the target held then was forgotten: that it was edited is kept, until it is found to be undone.
	if e := b.entry(v1.KindCompany, id); len(e.Drifts) != 1 || e.Drifts[0].State != ledger.DriftLeft || *e.Drifts[0].Fields[0].Theirs != "Mine" {
		t.Errorf("kept of the edit: %+v", e.Drifts)
	}
	b.edit("Companies", id, atsim.Row{"isActive": true})
	b.edited(v1.KindCompany, id, map[string]any{"name": "Northwind"})
	b.clock.Add(time.Second)
	b.sweep(v1.KindCompany, id)
	b.drifted(fmt.Sprintf("%d reverted: name Mine -> Northwind", id))
}

// A word that ours may be pushed was kept when the answer to that push was lost, and the next edit was pushed over unasked.
func TestOneWordIsForOneEditThoughTheAnswerIsLost(t *testing.T) {
	b, id := reported(t)
	e := b.entry(v1.KindCompany, id)
	found := e.OpenDrift().FoundAt
	harness.OK(t, b.rec.PushOurs(t.Context(), v1.KindCompany, id))
	b.pushedUnanswered(id, "Northwind")
	b.clock.Add(time.Second)
	b.batch(v1.KindCompany, id)
	b.drifted(fmt.Sprintf("%d repaired: name Mine -> Northwind", id))
	if v := b.versions(v1.KindCompany, id); len(v) != 2 || v[1].Kind != v1.VersionRecovered || !v[1].EditedSince.Equal(found) {
		t.Errorf("versions: %+v", v)
	}
	b.edited(v1.KindCompany, id, map[string]any{"name": "Mine again"})
	b.sweep(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomeWaiting, v1.ReasonEditedAtTarget)
	if name := b.client(id).Data.Name; name != "Mine again" {
		t.Errorf("it was pushed over: %q", name)
	}
}

// A version did not know since when the edit was there that it was pushed over.
func TestAVersionKnowsSinceWhenTheEditWasThere(t *testing.T) {
	b, id := reported(t)
	e := b.entry(v1.KindCompany, id)
	found := e.OpenDrift().FoundAt
	b.clock.Add(time.Hour)
	harness.OK(t, b.rec.PushOurs(t.Context(), v1.KindCompany, id))
	b.batch(v1.KindCompany, id)
	if v := b.versions(v1.KindCompany, id); len(v) != 2 || v[1].Kind != v1.VersionRepaired || !v[1].EditedSince.Equal(found) || !v[1].At.After(found) {
		t.Errorf("versions: %+v", v)
	}
}

func TestWhatIsKeptOfEditsIsBounded(t *testing.T) {
	var e ledger.Entry
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range 20 {
		fields := make([]v1.DriftField, 80)
		for f := range fields {
			fields[f] = v1.DriftField{Field: "name", Theirs: new(strings.Repeat("x", 5000)), Due: strings.Repeat("y", 5000)}
		}
		e.AddDrift(ledger.Drift{State: v1.DriftRepaired, FoundAt: at.AddDate(0, 0, i), Fields: fields})
	}
	if len(e.Drifts) != 5 || !e.Drifts[4].FoundAt.Equal(at.AddDate(0, 0, 19)) || len(e.Drifts[4].Fields) != 50 || len(*e.Drifts[0].Fields[0].Theirs) > 410 {
		t.Errorf("%d edits of %d fields", len(e.Drifts), len(e.Drifts[0].Fields))
	}
	e.AddDrift(ledger.Drift{State: v1.DriftRepaired, FoundAt: at.AddDate(1, 0, 0)})
	if len(e.Drifts) != 1 {
		t.Errorf("%d are left after a year", len(e.Drifts))
	}
}
