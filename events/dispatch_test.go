package events

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/events/store"
	"channelsync/internal/progress"
	"channelsync/test/harness"
)

func TestDispatchCoalesces(t *testing.T) {
	t.Parallel()
	b := open(t)
	var last Receipt
	for i := range 10 { // one record, ten changes
		c := change(1)
		c.Fields = []string{string(rune('a' + i))}
		last = publish(t, b, c, "")
	}
	sweep := change(1)
	sweep.Trigger = v1.TriggerSweep
	publish(t, b, sweep, "")
	job := change(2)
	job.Job = "j1"
	publish(t, b, job, "")
	contract := change(1)
	contract.Kind = v1.KindContract
	publish(t, b, contract, "")

	dispatch(t, b)
	bulk := peekN(t, b, LaneBulk, 2)
	slices.SortFunc(bulk, func(a, b DueEntry) int { return int(a.ID - b.ID) })
	if !slices.Equal(idsOf(bulk), []int64{1, 2}) || bulk[1].Job != "j1" {
		t.Errorf("bulk holds %+v", bulk)
	}
	live := peekN(t, b, LaneLive, 1)
	if e := live[0]; e.JournalSequence != last.Sequence || !slices.Equal(e.Fields, []string{"j"}) ||
		e.Trigger != v1.TriggerCallback || time.Since(e.StoredAt) > time.Minute {
		t.Errorf("the last change must win: %+v", e)
	}
	harness.Until(t, "13 changes counted", 5*time.Second, func() bool { return b.Stats().Dispatched == 13 })
	contracts, err := b.Worklist().Peek(t.Context(), inst, v1.KindContract, LaneLive, 10)
	if err != nil || len(contracts) != 1 {
		t.Errorf("contracts %v, %v", contracts, err)
	}
}

func TestDispatchTakesUpWhereItWas(t *testing.T) {
	t.Parallel()
	here := kept(t)
	b := open(t, here)
	stop := dispatch(t, b)
	publish(t, b, change(1), "")
	peekN(t, b, LaneLive, 1)
	stop()
	publish(t, b, change(2), "")
	shut(t, b)

	b = open(t, here)
	harness.OK(t, b.Worklist().PurgeInstallation(t.Context(), inst))
	dispatch(t, b)
	if got := idsOf(peekN(t, b, LaneLive, 1)); got[0] != 2 {
		t.Errorf("dispatched %v; record 1 was acknowledged before", got)
	}
	if ids := journalIDs(t, b); len(ids) != 2 {
		t.Errorf("the journal holds %v", ids)
	}
}

// TestDispatchReclaims: what a dead process was handed does not wait for AckWait.
func TestDispatchReclaims(t *testing.T) {
	t.Parallel()
	here := kept(t)
	b := open(t, here)
	publish(t, b, change(1), "")
	publish(t, b, change(2), "")
	msgs, err := collectBatch(b.journal.dispatcher.FetchNoWait(10))
	if err != nil || len(msgs) != 2 {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
	harness.OK(t, msgs[1].DoubleAck(t.Context()))
	shut(t, b)

	b = open(t, here)
	dispatch(t, b)
	harness.Until(t, "record 1 enqueued", 5*time.Second, func() bool {
		return slices.Contains(idsOf(peek(t, b, LaneLive)), 1)
	})
}

func TestUndispatched(t *testing.T) {
	t.Parallel()
	b := open(t)
	publish(t, b, change(1), "")
	publish(t, b, change(2), "")
	lag := func(want int) func() bool {
		return func() bool {
			n, err := b.Journal().Undispatched(t.Context())
			return err == nil && n == want
		}
	}
	harness.Until(t, "two to wait", 5*time.Second, lag(2))
	dispatch(t, b)
	harness.Until(t, "none to wait", 5*time.Second, lag(0))
}

func TestForceSticks(t *testing.T) {
	t.Parallel()
	b := open(t)
	forced := change(1)
	forced.Force = true
	publish(t, b, forced, "")
	publish(t, b, change(1), "")
	dispatch(t, b)
	if e := peekN(t, b, LaneLive, 1)[0]; !e.Force || e.JournalSequence != 2 {
		t.Errorf("%+v", e)
	}
}

func TestDispatchOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.WarnLevel)
	b := open(t, func(c *store.Config) { c.Log = zap.New(core) })
	for _, msg := range []*nats.Msg{
		{Subject: "change." + inst + ".company.5", Data: []byte("{not json"), Header: nats.Header{}},
		{Subject: "change." + inst + ".planet.6", Data: []byte("{}"), Header: nats.Header{}},
		{Subject: "change.x.company.07", Data: []byte("{}"), Header: nats.Header{}},
	} {
		if _, err := b.JS.PublishMsg(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	dispatch(t, b)
	if got := idsOf(peekN(t, b, LaneLive, 1)); got[0] != 5 {
		t.Errorf("enqueued %v", got)
	}
	harness.Until(t, "two ended", 5*time.Second, func() bool { return b.Stats().Terminated == 2 })
	if logs.FilterMessageSnippet("names no record").Len() != 2 {
		t.Errorf("logged %v", logs.All())
	}
	harness.Until(t, "nothing left to acknowledge", 5*time.Second, func() bool {
		info, err := b.journal.dispatcher.Info(t.Context())
		return err == nil && info.AckFloor.Stream == 3 && info.NumAckPending == 0
	})
}

// TestDispatchTriesAgain takes the worklist away and gives it back.
func TestDispatchTriesAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	harness.OK(t, b.JS.DeleteStream(t.Context(), store.WorklistStream))
	dispatch(t, b)
	publish(t, b, change(1), "")
	harness.Until(t, "a failure", 10*time.Second, func() bool { return b.Stats().DispatchFailed > 0 })
	if _, err := b.JS.CreateStream(t.Context(), worklistConfig(b.Config())); err != nil {
		t.Fatal(err)
	}
	peekN(t, b, LaneLive, 1)
}

func TestDispatchSurvivesItsConsumersRemoval(t *testing.T) {
	t.Parallel()
	b := open(t)
	dispatch(t, b)
	publish(t, b, change(1), "")
	peekN(t, b, LaneLive, 1)
	harness.OK(t, b.JS.DeleteConsumer(t.Context(), store.JournalStream, dispatcherName))
	publish(t, b, change(2), "")
	peekN(t, b, LaneLive, 2)
}

// TestADispatcherThatIsHandedNothingDoesNotMove: its fetches end, and find nothing, while
// changes wait.
func TestADispatcherThatIsHandedNothingDoesNotMove(t *testing.T) {
	t.Parallel()
	b := open(t)
	if !b.nothingWaits(t.Context()) {
		t.Fatal("something waits in an empty journal")
	}
	name := b.journal.dispatcher.CachedInfo().Name
	if _, err := b.journal.Handle.PauseConsumer(t.Context(), name, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	publish(t, b, change(1), "")
	harness.Until(t, "a change waits", 5*time.Second, func() bool { return !b.nothingWaits(t.Context()) }) // the consumer counts a moment later

	dog := progress.New(progress.Config{Limits: progress.Limits{Live: time.Second}, GiveUp: func(error) {}, Log: zap.NewNop()})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { dog.Run(ctx) })
	running.Go(func() {
		if err := b.Dispatch(progress.With(ctx, dog.Watch(progress.Work{Name: "dispatcher", Part: "dispatcher"}))); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	red := func() bool { _, err := dog.Check(ctx); return err != nil }
	harness.Until(t, "it is found", 2*fetchWait, red)
	if _, err := b.journal.Handle.ResumeConsumer(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	peekN(t, b, LaneLive, 1)
	harness.Until(t, "it moves again", fetchWait, func() bool { return !red() })
}
