package events

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
)

func TestMarkTakeClear(t *testing.T) {
	t.Parallel()
	b := open(t)
	w := b.Worklist()
	var marks []Mark
	for id := range int64(30) {
		marks = append(marks, mark(id))
	}
	if err := w.Mark(t.Context(), marks); err != nil {
		t.Fatal(err)
	}
	taken := take(t, b, LaneLive)
	if len(taken) != 30 || !slices.IsSortedFunc(taken, func(a, b Mark) int { return int(a.Sequence) - int(b.Sequence) }) {
		t.Fatalf("took %v", idsOf(taken))
	}
	if again := take(t, b, LaneLive); len(again) != 30 {
		t.Errorf("taking removed marks: %d left", len(again))
	}
	if err := w.Mark(t.Context(), []Mark{mark(12)}); err != nil { // due again, meanwhile
		t.Fatal(err)
	}
	if err := w.Clear(t.Context(), inst, v1.KindCompany, LaneLive, taken[29].Sequence); err != nil {
		t.Fatal(err)
	}
	if left := idsOf(take(t, b, LaneLive)); !slices.Equal(left, []int64{12}) {
		t.Errorf("left %v, want only the one marked meanwhile", left)
	}
}

func TestMarkKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	b := open(t)
	n := int64(3)
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	want := Mark{
		Installation: inst, Kind: v1.KindCompany, ID: 9, Lane: LaneBulk, JournalSequence: 77, Trigger: v1.TriggerPoll,
		EventTime: at, StoredAt: at.Add(time.Second), Fields: []string{"name"}, Job: "j", GUID: "g", SequenceNumber: &n,
		Traceparent: "00-a-b-01",
	}
	if err := b.Worklist().Mark(t.Context(), []Mark{want}); err != nil {
		t.Fatal(err)
	}
	got := take(t, b, LaneBulk)[0]
	if got.Sequence == 0 || time.Since(got.MarkedAt) > time.Minute {
		t.Errorf("not filled in: %+v", got)
	}
	got.Sequence, got.MarkedAt = 0, time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMarkingTwiceAtOnceKeepsTheLast(t *testing.T) {
	t.Parallel()
	b := open(t)
	var marks []Mark
	for i := range 20 {
		m := mark(int64(i % 2))
		m.JournalSequence = uint64(i)
		marks = append(marks, m)
	}
	if err := b.Worklist().Mark(t.Context(), marks); err != nil {
		t.Fatal(err)
	}
	for _, m := range take(t, b, LaneLive) {
		if m.JournalSequence != 18+uint64(m.ID) {
			t.Errorf("record %d stands for change %d", m.ID, m.JournalSequence)
		}
	}
	if err := b.Worklist().Mark(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestLaneOfAChange(t *testing.T) {
	t.Parallel()
	for trigger, want := range map[v1.Trigger]Lane{
		v1.TriggerCallback: LaneLive, v1.TriggerPoll: LaneLive, v1.TriggerManual: LaneLive, v1.TriggerDependent: LaneLive,
		v1.TriggerBackfill: LaneBulk, v1.TriggerSweep: LaneBulk, v1.TriggerReplay: LaneBulk,
	} {
		if got := (Change{Trigger: trigger}).Lane(); got != want {
			t.Errorf("%s waits on %s", trigger, got)
		}
	}
	if got := (Change{Trigger: v1.TriggerManual, Job: "j"}).Lane(); got != LaneBulk {
		t.Errorf("a job's change waits on %s", got)
	}
	if got := (Mark{Trigger: v1.TriggerSweep}).lane(); got != LaneBulk {
		t.Errorf("a mark without a lane waits on %s", got)
	}
}

func TestWorklistRefuses(t *testing.T) {
	t.Parallel()
	w := open(t).Worklist()
	ctx := t.Context()
	if err := w.Clear(ctx, inst, v1.KindCompany, LaneLive, 0); err == nil {
		t.Error("cleared without a sequence")
	}
	if _, err := w.Take(ctx, inst, v1.KindCompany, LaneLive, 0); err == nil {
		t.Error("took at most none")
	}
	if _, err := w.Take(ctx, "*", v1.KindCompany, LaneLive, 1); !errors.Is(err, js.ErrBadName) {
		t.Errorf("installation: %v", err)
	}
	if _, err := w.Take(ctx, inst, ">", LaneLive, 1); !errors.Is(err, js.ErrBadName) {
		t.Errorf("kind: %v", err)
	}
	if _, err := w.Take(ctx, inst, v1.KindCompany, "*", 1); !errors.Is(err, js.ErrBadName) {
		t.Errorf("lane: %v", err)
	}
	if err := w.Mark(ctx, []Mark{{Installation: inst, Kind: v1.KindCompany, ID: -4}}); !errors.Is(err, js.ErrBadName) {
		t.Errorf("id: %v", err)
	}
}

func TestDepthAndPurge(t *testing.T) {
	t.Parallel()
	b := open(t)
	w, ctx := b.Worklist(), t.Context()
	bulk := mark(3)
	bulk.Lane, bulk.Kind = LaneBulk, v1.KindContract
	foreign := mark(4)
	foreign.Installation = other
	apart := mark(5)
	apart.Lane = LaneApart
	if err := w.Mark(ctx, []Mark{mark(1), mark(2), bulk, foreign, apart}); err != nil {
		t.Fatal(err)
	}
	if err := w.Later(ctx, []Mark{mark(8), mark(9)}, in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	d, err := w.Depth(ctx, inst)
	if err != nil || d.Live != 2 || d.Bulk != 1 || d.Later != 2 || d.Apart != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, oldest := range []time.Time{d.OldestLive, d.OldestBulk, d.OldestLater} {
		if time.Since(oldest) > time.Minute {
			t.Errorf("oldest: %+v", d)
		}
	}
	if err := w.PurgeKind(ctx, inst, v1.KindContract); err != nil {
		t.Fatal(err)
	}
	if d, err := w.Depth(ctx, inst); err != nil || d.Live != 2 || d.Bulk != 0 || d.Later != 2 || d.Apart != 1 {
		t.Errorf("after the purge of contracts %+v, %v", d, err)
	}
	if err := w.PurgeKind(ctx, inst, "*"); !errors.Is(err, js.ErrBadName) {
		t.Errorf("any kind: %v", err)
	}
	if err := w.PurgeInstallation(ctx, inst); err != nil {
		t.Fatal(err)
	}
	if d, err := w.Depth(ctx, inst); err != nil || d != (Depth{}) {
		t.Errorf("after the purge %+v, %v", d, err)
	}
	if d, err := w.Depth(ctx, other); err != nil || d.Live != 1 || !d.OldestBulk.IsZero() {
		t.Errorf("the other one's: %+v, %v", d, err)
	}
}

// TestNoInterleavingLosesAMark: whatever the order of marking, taking and
// clearing, exactly the records marked since they were last settled are due.
func TestNoInterleavingLosesAMark(t *testing.T) {
	t.Parallel()
	b := open(t)
	w, ctx := b.Worklist(), context.Background()
	rapid.Check(t, func(t *rapid.T) {
		if err := w.PurgeInstallation(ctx, inst); err != nil {
			t.Fatal(err)
		}
		marked := make(map[int64]int) // how often; a record is due while it is here
		var taken []Mark
		var takenAt map[int64]int // how often it was marked when it was taken
		for _, op := range rapid.SliceOfN(rapid.SampledFrom([]string{"mark", "take", "clear"}), 1, 16).Draw(t, "ops") {
			switch op {
			case "mark":
				var marks []Mark
				for _, id := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 12), 1, 6, rapid.ID).Draw(t, "ids") {
					marks = append(marks, mark(id))
					marked[id]++
				}
				if err := w.Mark(ctx, marks); err != nil {
					t.Fatal(err)
				}
			case "take":
				var err error
				taken, err = w.Take(ctx, inst, v1.KindCompany, LaneLive, rapid.IntRange(1, 8).Draw(t, "max"))
				if err != nil {
					t.Fatal(err)
				}
				takenAt = make(map[int64]int)
				for _, m := range taken {
					takenAt[m.ID] = marked[m.ID]
				}
			case "clear":
				if len(taken) == 0 {
					continue
				}
				if err := w.Clear(ctx, inst, v1.KindCompany, LaneLive, taken[len(taken)-1].Sequence); err != nil {
					t.Fatal(err)
				}
				for id, n := range takenAt {
					if marked[id] == n { // not marked again meanwhile
						delete(marked, id)
					}
				}
				taken = nil
			}
		}
		all, err := w.Take(ctx, inst, v1.KindCompany, LaneLive, TakeMax)
		if err != nil {
			t.Fatal(err)
		}
		want, got := slices.Sorted(maps.Keys(marked)), slices.Sorted(slices.Values(idsOf(all)))
		if !slices.Equal(want, got) {
			t.Fatalf("due %v, want %v", got, want)
		}
	})
}

// Whatever a change says of its fields, its record is marked.
func TestAMarkAlwaysFits(t *testing.T) {
	t.Parallel()
	b := open(t)
	m := mark(7)
	for i := range 10_000 {
		m.Fields = append(m.Fields, fmt.Sprintf("field %d", i), strings.Repeat("x", 1000))
	}
	if err := b.Worklist().Mark(t.Context(), []Mark{m, mark(8), mark(9), mark(10)}); err != nil {
		t.Fatal(err)
	}
	got := take(t, b, LaneLive)
	at := slices.IndexFunc(got, func(m Mark) bool { return m.ID == 7 })
	if len(got) != 4 || at < 0 || len(got[at].Fields) != markFields || got[at].Fields[1] != "field 1" {
		t.Errorf("took %d: %+v", len(got), got)
	}
}
