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
	"channelsync/test/harness"
)

func TestEnqueuePeekAckThrough(t *testing.T) {
	t.Parallel()
	b := open(t)
	w := b.Worklist()
	var entries []DueEntry
	for id := range int64(30) {
		entries = append(entries, dueEntry(id))
	}
	harness.OK(t, w.Enqueue(t.Context(), entries))
	peeked := peek(t, b, LaneLive)
	if len(peeked) != 30 || !slices.IsSortedFunc(peeked, func(a, b DueEntry) int { return int(a.Sequence) - int(b.Sequence) }) {
		t.Fatalf("peeked %v", idsOf(peeked))
	}
	if again := peek(t, b, LaneLive); len(again) != 30 {
		t.Errorf("peeking removed entries: %d left", len(again))
	}
	if err := w.Enqueue(t.Context(), []DueEntry{dueEntry(12)}); err != nil { // due again, meanwhile
		t.Fatal(err)
	}
	harness.OK(t, w.AckThrough(t.Context(), inst, v1.KindCompany, LaneLive, peeked[29].Sequence))
	if left := idsOf(peek(t, b, LaneLive)); !slices.Equal(left, []int64{12}) {
		t.Errorf("left %v, want only the one enqueued meanwhile", left)
	}
}

func TestADueEntryKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	b := open(t)
	n := int64(3)
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	want := DueEntry{
		Installation: inst, Kind: v1.KindCompany, ID: 9, Lane: LaneBulk, JournalSequence: 77, Trigger: v1.TriggerPoll,
		EventTime: at, StoredAt: at.Add(time.Second), Fields: []string{"name"}, Job: "j", GUID: "g", SequenceNumber: &n,
		Traceparent: "00-a-b-01",
	}
	harness.OK(t, b.Worklist().Enqueue(t.Context(), []DueEntry{want}))
	got := peek(t, b, LaneBulk)[0]
	if got.Sequence == 0 || time.Since(got.EnqueuedAt) > time.Minute {
		t.Errorf("not filled in: %+v", got)
	}
	got.Sequence, got.EnqueuedAt = 0, time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnqueueingTwiceAtOnceKeepsTheLast(t *testing.T) {
	t.Parallel()
	b := open(t)
	var entries []DueEntry
	for i := range 20 {
		e := dueEntry(int64(i % 2))
		e.JournalSequence = uint64(i)
		entries = append(entries, e)
	}
	harness.OK(t, b.Worklist().Enqueue(t.Context(), entries))
	for _, e := range peek(t, b, LaneLive) {
		if e.JournalSequence != 18+uint64(e.ID) {
			t.Errorf("record %d stands for change %d", e.ID, e.JournalSequence)
		}
	}
	if err := b.Worklist().Enqueue(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestLaneOfAChange(t *testing.T) {
	t.Parallel()
	harness.Table(t, func(trigger v1.Trigger) Lane { return (Change{Trigger: trigger}).Lane() }, map[v1.Trigger]Lane{
		v1.TriggerCallback: LaneLive, v1.TriggerPoll: LaneLive, v1.TriggerManual: LaneLive, v1.TriggerDependent: LaneLive,
		v1.TriggerBackfill: LaneBulk, v1.TriggerSweep: LaneBulk, v1.TriggerReplay: LaneBulk,
	})
	if got := (Change{Trigger: v1.TriggerManual, Job: "j"}).Lane(); got != LaneBulk {
		t.Errorf("a job's change waits on %s", got)
	}
	if got := (DueEntry{Trigger: v1.TriggerSweep}).lane(); got != LaneBulk {
		t.Errorf("an entry without a lane waits on %s", got)
	}
}

func TestWorklistRefuses(t *testing.T) {
	t.Parallel()
	w := open(t).Worklist()
	ctx := t.Context()
	if err := w.AckThrough(ctx, inst, v1.KindCompany, LaneLive, 0); err == nil {
		t.Error("cleared without a sequence")
	}
	if _, err := w.Peek(ctx, inst, v1.KindCompany, LaneLive, 0); err == nil {
		t.Error("took at most none")
	}
	if _, err := w.Peek(ctx, "*", v1.KindCompany, LaneLive, 1); !errors.Is(err, js.ErrBadName) {
		t.Errorf("installation: %v", err)
	}
	if _, err := w.Peek(ctx, inst, ">", LaneLive, 1); !errors.Is(err, js.ErrBadName) {
		t.Errorf("kind: %v", err)
	}
	if _, err := w.Peek(ctx, inst, v1.KindCompany, "*", 1); !errors.Is(err, js.ErrBadName) {
		t.Errorf("lane: %v", err)
	}
	if err := w.Enqueue(ctx, []DueEntry{{Installation: inst, Kind: v1.KindCompany, ID: -4}}); !errors.Is(err, js.ErrBadName) {
		t.Errorf("id: %v", err)
	}
}

func TestDepthAndPurge(t *testing.T) {
	t.Parallel()
	b := open(t)
	w, ctx := b.Worklist(), t.Context()
	bulk := dueEntry(3)
	bulk.Lane, bulk.Kind = LaneBulk, v1.KindContract
	foreign := dueEntry(4)
	foreign.Installation = other
	apart := dueEntry(5)
	apart.Lane = LaneApart
	harness.OK(t, w.Enqueue(ctx, []DueEntry{dueEntry(1), dueEntry(2), bulk, foreign, apart}))
	harness.OK(t, w.Schedule(ctx, []DueEntry{dueEntry(8), dueEntry(9)}, in(time.Hour)))
	d, err := w.Depth(ctx, inst)
	if err != nil || d.Live != 2 || d.Bulk != 1 || d.Scheduled != 2 || d.Apart != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, oldest := range []time.Time{d.OldestLive, d.OldestBulk, d.OldestScheduled} {
		if time.Since(oldest) > time.Minute {
			t.Errorf("oldest: %+v", d)
		}
	}
	harness.OK(t, w.PurgeKind(ctx, inst, v1.KindContract))
	if d, err := w.Depth(ctx, inst); err != nil || d.Live != 2 || d.Bulk != 0 || d.Scheduled != 2 || d.Apart != 1 {
		t.Errorf("after the purge of contracts %+v, %v", d, err)
	}
	if err := w.PurgeKind(ctx, inst, "*"); !errors.Is(err, js.ErrBadName) {
		t.Errorf("any kind: %v", err)
	}
	harness.OK(t, w.PurgeInstallation(ctx, inst))
	if d, err := w.Depth(ctx, inst); err != nil || d != (Depth{}) {
		t.Errorf("after the purge %+v, %v", d, err)
	}
	if d, err := w.Depth(ctx, other); err != nil || d.Live != 1 || !d.OldestBulk.IsZero() {
		t.Errorf("the other one's: %+v, %v", d, err)
	}
}

// TestNoInterleavingLosesADueEntry: in any order of Enqueue, Peek and AckThrough, exactly the
// records enqueued since they were last acknowledged are due.
func TestNoInterleavingLosesADueEntry(t *testing.T) {
	t.Parallel()
	b := open(t)
	w, ctx := b.Worklist(), context.Background()
	rapid.Check(t, func(t *rapid.T) {
		harness.OK(t, w.PurgeInstallation(ctx, inst))
		enqueued := make(map[int64]int) // how often; a record is due while it is here
		var peeked []DueEntry
		var peekedAt map[int64]int // how often it was enqueued when it was peeked
		for _, op := range rapid.SliceOfN(rapid.SampledFrom([]string{"enqueue", "peek", "ack"}), 1, 16).Draw(t, "ops") {
			switch op {
			case "enqueue":
				var entries []DueEntry
				for _, id := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 12), 1, 6, rapid.ID).Draw(t, "ids") {
					entries = append(entries, dueEntry(id))
					enqueued[id]++
				}
				harness.OK(t, w.Enqueue(ctx, entries))
			case "peek":
				var err error
				peeked, err = w.Peek(ctx, inst, v1.KindCompany, LaneLive, rapid.IntRange(1, 8).Draw(t, "max"))
				harness.OK(t, err)
				peekedAt = make(map[int64]int)
				for _, e := range peeked {
					peekedAt[e.ID] = enqueued[e.ID]
				}
			case "ack":
				if len(peeked) == 0 {
					continue
				}
				harness.OK(t, w.AckThrough(ctx, inst, v1.KindCompany, LaneLive, peeked[len(peeked)-1].Sequence))
				for id, n := range peekedAt {
					if enqueued[id] == n { // not enqueued again meanwhile
						delete(enqueued, id)
					}
				}
				peeked = nil
			}
		}
		all, err := w.Peek(ctx, inst, v1.KindCompany, LaneLive, PeekMax)
		harness.OK(t, err)
		want, got := slices.Sorted(maps.Keys(enqueued)), slices.Sorted(slices.Values(idsOf(all)))
		if !slices.Equal(want, got) {
			t.Fatalf("due %v, want %v", got, want)
		}
	})
}

// A record is enqueued whatever its change says of its fields.
func TestADueEntryAlwaysFits(t *testing.T) {
	t.Parallel()
	b := open(t)
	e := dueEntry(7)
	for i := range 10_000 {
		e.Fields = append(e.Fields, fmt.Sprintf("field %d", i), strings.Repeat("x", 1000))
	}
	harness.OK(t, b.Worklist().Enqueue(t.Context(), []DueEntry{e, dueEntry(8), dueEntry(9), dueEntry(10)}))
	got := peek(t, b, LaneLive)
	at := slices.IndexFunc(got, func(e DueEntry) bool { return e.ID == 7 })
	if len(got) != 4 || at < 0 || len(got[at].Fields) != entryFields || got[at].Fields[1] != "field 1" {
		t.Errorf("took %d: %+v", len(got), got)
	}
}
