package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// versions lists what is kept of a record, the oldest first.
func (b *bench) versions(kind v1.Kind, id int64) []ledger.Version {
	b.t.Helper()
	e := b.entry(kind, id)
	return e.Versions()
}

// sentOf is what a payload says in short: the name, and whether it is archived.
func sentOf(payload json.RawMessage) string {
	var p struct {
		Name           string `json:"name"`
		Lifecycle      string `json:"lifecycle"`
		ArchivedReason string `json:"archivedReason"`
	}
	if json.Unmarshal(payload, &p) != nil {
		return "unreadable"
	}
	if p.Lifecycle == "archived" {
		return p.Name + " archived " + p.ArchivedReason
	}
	return p.Name
}

func sents(versions []ledger.Version) []string {
	out := []string{}
	for _, v := range versions {
		out = append(out, sentOf(v.Sent))
	}
	return out
}

// taken is what the target was changed to, push by push, as it has it itself.
func (b *bench) taken(id int64) []string {
	out := []string{}
	for _, p := range b.cp.PushesOf(connection, fmt.Sprint(id)) {
		if p.Outcome == cpsim.OutcomeCreated || p.Outcome == cpsim.OutcomeUpdated || p.Outcome == cpsim.OutcomeArchived {
			out = append(out, sentOf(p.Body))
		}
	}
	return out
}

// TestWhatChannelProgramTookIsAVersion: with what caused it, and nothing else is one.
func TestWhatChannelProgramTookIsAVersion(t *testing.T) {
	b := newBench(t, setup{options: v1.Options{OutOfScope: "archive"}})
	id := b.customer("Northwind")
	b.batch(v1.KindCompany, id)
	b.batch(v1.KindCompany, id) // unchanged
	b.edit("Companies", id, atsim.Row{"companyName": "Northwind Traders"})
	due := b.due(v1.KindCompany, id)
	due[0].Trigger, due[0].By, due[0].JournalSequence, due[0].JournalPlace = v1.TriggerManual, "ann", 7, 2
	if err := b.rec.Batch(t.Context(), v1.KindCompany, due); err != nil {
		t.Fatal(err)
	}
	b.clock.Add(time.Second)
	b.sweep(v1.KindCompany, id) // forced, and unchanged
	b.edited(v1.KindCompany, id, map[string]any{"name": "Mine"})
	b.sweep(v1.KindCompany, id) // put right
	b.edit("Companies", id, atsim.Row{"isActive": false})
	b.batch(v1.KindCompany, id) // archived

	got := b.versions(v1.KindCompany, id)
	want := []string{"Northwind", "Northwind Traders", "Northwind Traders", "Northwind Traders archived status_inactive"}
	if diff := cmp.Diff(want, sents(got)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(b.taken(id), sents(got)); diff != "" {
		t.Error("the target has it otherwise:", diff)
	}
	for i, v := range got {
		if v.Number != i+1 || v.BeforeUnknown || i > 0 && !v.At.After(got[i-1].At) {
			t.Errorf("version %d: %+v", i+1, v)
		}
	}
	if c := got[1].Cause; c != (v1.Cause{Trigger: v1.TriggerManual, By: "ann", EventID: "journal/7/2"}) {
		t.Errorf("caused by %+v", c)
	}
	repair := got[2]
	wantEdit := []v1.DriftField{{Field: "name", Theirs: new("Mine"), Due: "Northwind Traders"}}
	if diff := cmp.Diff(wantEdit, repair.Edited); diff != "" || repair.Kind != v1.VersionRepaired || repair.Trigger != v1.TriggerSweep {
		t.Errorf("the repair: %+v %s", repair, diff)
	}
	if got[0].Answer != "created" || got[1].Answer != "updated" {
		t.Errorf("answers: %q, %q", got[0].Answer, got[1].Answer)
	}
}

// TestAnAnswerThatWasLostLosesNoVersion: the record is edited before the next push, so that only
// the target can tell what it held meanwhile.
func TestAnAnswerThatWasLostLosesNoVersion(t *testing.T) {
	b := newBench(t, setup{})
	id := b.customer("First")
	b.batch(v1.KindCompany, id)
	b.edit("Companies", id, atsim.Row{"companyName": "Lost"})
	due := b.due(v1.KindCompany, id)
	due[0].By = "ann"
	b.crash.arm(3) // the intention is written, the result is not
	if err := b.rec.Batch(t.Context(), v1.KindCompany, due); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	b.crash.arm(0)
	if name := b.client(id).Data.Name; name != "Lost" {
		t.Fatalf("the target holds %q", name)
	}
	b.clock.Add(time.Minute)
	b.edit("Companies", id, atsim.Row{"companyName": "Third"})
	b.batch(v1.KindCompany, id)
	got := b.versions(v1.KindCompany, id)
	if diff := cmp.Diff([]string{"First", "Lost", "Third"}, sents(got)); diff != "" {
		t.Fatal(diff)
	}
	if lost := got[1]; lost.Kind != v1.VersionRecovered || lost.By != "ann" || lost.BeforeUnknown {
		t.Errorf("what was found is %+v", lost)
	}
	if got[2].BeforeUnknown {
		t.Error("it is said to be unknown what was held before, which was asked")
	}
}

// TestAFirstAnswerThatWasLostIsSaid: nothing was remembered of the record, so that what the target
// held before is not known.
func TestAFirstAnswerThatWasLostIsSaid(t *testing.T) {
	b := newBench(t, setup{})
	id := b.customer("Lost")
	b.crash.arm(1)
	if err := b.rec.Batch(t.Context(), v1.KindCompany, b.due(v1.KindCompany, id)); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	b.crash.arm(0)
	b.clock.Add(time.Minute)
	b.edit("Companies", id, atsim.Row{"companyName": "Known"})
	b.batch(v1.KindCompany, id)
	got := b.versions(v1.KindCompany, id)
	if len(got) != 1 || !got[0].BeforeUnknown || sentOf(got[0].Sent) != "Known" {
		t.Errorf("got %+v", got)
	}
}

// TestAnEntryOfAFormerBuildBecomesTheFirstVersion: what was pushed last before the upgrade is what
// the next one is compared with.
func TestAnEntryOfAFormerBuildBecomesTheFirstVersion(t *testing.T) {
	b := newBench(t, setup{})
	id := b.customer("Before")
	b.batch(v1.KindCompany, id)
	e := b.entry(v1.KindCompany, id)
	e.Version, e.Previous = nil, json.RawMessage(`{"name":"Long before"}`)
	if err := b.ledger.Write(t.Context(), inst, []*ledger.Entry{&e}); err != nil {
		t.Fatal(err)
	}
	if got := b.versions(v1.KindCompany, id); len(got) != 1 || got[0].Kind != v1.VersionEarlier || !got[0].At.Equal(e.PushedAt) || sentOf(got[0].Sent) != "Before" {
		t.Errorf("before it changes: %+v", got)
	}
	stored := b.entry(v1.KindCompany, id)
	if before := sentOf(stored.Details().Previous); before != "Long before" {
		t.Errorf("what was pushed before that is %q", before)
	}
	b.edit("Companies", id, atsim.Row{"companyName": "After"})
	b.batch(v1.KindCompany, id)
	got := b.versions(v1.KindCompany, id)
	if diff := cmp.Diff([]string{"Before", "After"}, sents(got)); diff != "" || !got[0].At.Equal(e.PushedAt) || got[1].Number != 2 || got[1].Kind != v1.VersionSent {
		t.Errorf("%s %+v", diff, got)
	}
	if stored = b.entry(v1.KindCompany, id); len(stored.Previous) > 0 || sentOf(stored.Details().Previous) != "Before" {
		t.Errorf("what was pushed before: %s", stored.Details().Previous)
	}
}

// TestVersionsAreWhatChannelProgramTook in any order of edits, repeats, sweeps, edits there and crashes.
func TestVersionsAreWhatChannelProgramTook(t *testing.T) {
	b := newBench(t, setup{options: v1.Options{OutOfScope: "archive"}, autotask: atsim.Config{Modes: atsim.Modes{HourlyThreshold: 10_000_000}}})
	rapid.Check(t, func(rt *rapid.T) {
		id := b.customer("0")
		forgotten := false // a crash came before anything was remembered of the record
		try := func(lane events.Lane) {
			due := b.due(v1.KindCompany, id)
			if lane == events.LaneBulk {
				due[0].Lane, due[0].Trigger, due[0].Force = lane, v1.TriggerSweep, true
			}
			first := len(b.versions(v1.KindCompany, id)) == 0
			err := b.rec.Batch(t.Context(), v1.KindCompany, due)
			if err != nil && !errors.Is(err, errCrash) {
				rt.Fatal(err)
			}
			forgotten = forgotten || err != nil && first
			b.clock.Add(time.Second)
		}
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			switch step := rapid.SampledFrom([]string{"edit", "edit", "same", "sweep", "edited there", "leave"}).Draw(rt, "step"); step {
			case "edit":
				b.edit("Companies", id, atsim.Row{"isActive": true, "companyName": rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "name")})
			case "leave":
				b.edit("Companies", id, atsim.Row{"isActive": false})
			case "edited there":
				try(events.LaneLive) // so that no lost answer is mixed up with what somebody enters
				if b.pushes(id) > 0 {
					b.edited(v1.KindCompany, id, map[string]any{"phones": []any{}})
				}
			}
			b.crash.arm(rapid.SampledFrom([]int{0, 0, 1, 2, 3, 4}).Draw(rt, "crash"))
			try(rapid.SampledFrom([]events.Lane{events.LaneLive, events.LaneBulk}).Draw(rt, "lane"))
			b.crash.arm(0)
		}
		try(events.LaneLive)
		got, want := b.versions(v1.KindCompany, id), b.taken(id)
		if forgotten && (len(got) == 0 || got[0].BeforeUnknown) {
			want = want[max(0, len(want)-len(got)):] // answers to the very first pushes were lost, and it says so
		}
		if diff := cmp.Diff(want, sents(got)); diff != "" {
			rt.Fatalf("versions are not what the target took: %s %+v", diff, got)
		}
		if i := slices.IndexFunc(got, func(v ledger.Version) bool { return v.Number != 1 && v.BeforeUnknown }); i >= 0 {
			rt.Fatalf("version %+v says that something is not known", got[i])
		}
	})
}

// TestVersionsAreSealed: nothing of them is readable in the table.
func TestVersionsAreSealed(t *testing.T) {
	b := newBench(t, setup{})
	id := b.customer("Readable One")
	b.batch(v1.KindCompany, id)
	b.edit("Companies", id, atsim.Row{"companyName": "Readable Two"})
	b.batch(v1.KindCompany, id)
	if len(b.versions(v1.KindCompany, id)) != 2 {
		t.Fatal("there are no two versions")
	}
	stream, err := b.bus.JS.Stream(t.Context(), "KV_ledger")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.GetLastMsgForSubject(t.Context(), "$KV.ledger."+inst+".company."+fmt.Sprint(id))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(msg.Data), "Readable") || strings.Contains(string(msg.Data), "name") {
		t.Errorf("stored is %q", msg.Data)
	}
}

// TestATargetThatWasSetBackIsNoEdit: it holds an older version of ours, as old as that.
func TestATargetThatWasSetBackIsNoEdit(t *testing.T) {
	for _, drift := range []string{"report", "repair"} {
		t.Run(drift, func(t *testing.T) {
			b := newBench(t, setup{options: v1.Options{Drift: drift}})
			id := b.customer("First")
			b.batch(v1.KindCompany, id)
			backup := b.client(id).Data
			b.clock.Add(time.Second)
			b.edit("Companies", id, atsim.Row{"companyName": "Second"})
			b.batch(v1.KindCompany, id)
			restored := channelprogram.ClientInput{}
			raw, err := json.Marshal(backup)
			harness.OK(t, err)
			harness.OK(t, json.Unmarshal(raw, &restored))
			harness.OK(t, b.cp.Empty(connection))
			_, err = b.rec.Target.PutClient(t.Context(), fmt.Sprint(id), restored)
			harness.OK(t, err)
			if name := b.client(id).Data.Name; name != "First" {
				t.Fatalf("it is set back to %q", name)
			}
			b.clock.Add(time.Second)
			b.sweep(v1.KindCompany, id)
			b.drifted()
			got := b.versions(v1.KindCompany, id)
			if last := got[len(got)-1]; b.client(id).Data.Name != "Second" || len(got) != 3 || last.Kind != v1.VersionSent || !last.BeforeUnknown {
				t.Errorf("the target holds %q, and the last version is %+v", b.client(id).Data.Name, last)
			}
		})
	}
}
