package events

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/store"
	"channelsync/test/harness"
)

func dispatched(t *testing.T, b *Bus, n uint64) {
	t.Helper()
	harness.Until(t, fmt.Sprintf("%d acknowledged", n), 10*time.Second, func() bool {
		info, err := b.journal.dispatcher.Info(t.Context())
		harness.OK(t, err)
		return info.AckFloor.Stream >= n
	})
}

func TestTrimByAgeKeepsWhatIsNotDispatched(t *testing.T) {
	t.Parallel()
	// The time of a change is the server's, so our own clock does not matter.
	b := open(t, func(c *store.Config) {
		c.Retention, c.Now = time.Hour, func() time.Time { return time.Now().Add(24 * time.Hour) }
	})
	for id := range int64(50) {
		publish(t, b, change(id), "")
	}
	stop := dispatch(t, b)
	dispatched(t, b, 50)
	stop()
	for id := range int64(20) {
		publish(t, b, change(1000+id), "")
	}
	trim := func(want int) {
		t.Helper()
		harness.OK(t, b.Journal().Trim(t.Context()))
		if got := len(journalIDs(t, b)); got != want {
			t.Errorf("%d changes left, want %d", got, want)
		}
	}
	trim(70) // all young
	b.journal.cfg.Retention = time.Nanosecond
	trim(20) // all old, 20 not dispatched
	dispatch(t, b)
	dispatched(t, b, 70)
	trim(0)
}

func TestTrimByAgeKeepsTheYoung(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *store.Config) { c.Retention = time.Hour })
	stop := dispatch(t, b)
	for id := range int64(10) {
		publish(t, b, change(id), "")
	}
	middle := time.Now()
	for id := range int64(10) {
		publish(t, b, change(100+id), "")
	}
	dispatched(t, b, 20)
	stop()
	state, err := b.journal.state(t.Context())
	harness.OK(t, err)
	if _, err := b.journal.trimAge(t.Context(), state, retained{from: state.LastSeq + 1, since: middle}); err != nil {
		t.Fatal(err)
	}
	ids := journalIDs(t, b)
	if len(ids) != 10 || ids[100] != 1 {
		t.Errorf("left %v", ids)
	}
}

func large(id int64) Change {
	c := change(id)
	c.Fields = []string{strings.Repeat("f", 2000)}
	return c
}

const smallJournal = 256 << 10

// fill stores changes until the journal takes no more, and returns the id of the first that it refused.
func fill(t *testing.T, b *Bus) (id int64) {
	t.Helper()
	var err error
	for err == nil && id < 1000 {
		id++
		_, err = b.Journal().Publish(t.Context(), large(id), "")
	}
	if !errors.Is(err, ErrJournalFull) {
		t.Fatalf("after %d changes: %v", id, err)
	}
	return id
}

func TestFullJournalLosesNothingUndispatched(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *store.Config) { c.JournalMaxBytes = smallJournal })
	id := fill(t, b)
	if err := b.Journal().PublishAll(t.Context(), []Change{large(9001), large(9002)}); !errors.Is(err, ErrJournalFull) {
		t.Errorf("publish all: %v", err)
	}
	ids := journalIDs(t, b)
	for want := int64(1); want < id; want++ {
		if ids[want] != 1 {
			t.Errorf("change %d is gone", want)
		}
	}
	if len(ids) != int(id-1) || b.Stats().Refused != 3 {
		t.Errorf("%d stored of %d, stats %+v", len(ids), id-1, b.Stats())
	}
	// Once dispatched, history gives way to what comes.
	dispatch(t, b)
	dispatched(t, b, uint64(id-1))
	harness.Until(t, "room again", 5*time.Second, func() bool {
		_, err := b.Journal().Publish(t.Context(), large(5000), "")
		return err == nil
	})
	for n := range 300 {
		if _, err := b.Journal().Publish(t.Context(), large(int64(6000+n)), ""); err != nil {
			dispatched(t, b, b.journal.Handle.CachedInfo().State.LastSeq) // only a lag of dispatch may refuse
		}
	}
	info, err := b.journal.Handle.Info(t.Context())
	if err != nil || info.State.Bytes > smallJournal {
		t.Errorf("%d bytes, %v", info.State.Bytes, err)
	}
	for id := range journalIDs(t, b) {
		depth, err := b.Worklist().Depth(t.Context(), inst)
		if err != nil || depth.Live == 0 {
			t.Errorf("%d: %+v, %v", id, depth, err)
		}
		break
	}
}

// TestFullJournalUnderLoad publishes much more than fits, from many sides and in
// batches: what was acknowledged was enqueued, whatever was trimmed.
func TestFullJournalUnderLoad(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *store.Config) { c.JournalMaxBytes = smallJournal })
	dispatch(t, b)
	const publishers, each = 40, 20
	acked := make(chan int64, publishers*each)
	done := make(chan struct{})
	for p := range publishers {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range each {
				id := int64(p*each + i + 1)
				_, err := b.Journal().Publish(t.Context(), large(id), "")
				switch {
				case err == nil:
					acked <- id
				case !errors.Is(err, ErrJournalFull):
					t.Errorf("publish: %v", err)
				}
			}
		}()
	}
	for range publishers {
		<-done
	}
	close(acked)
	want := make(map[int64]bool)
	for id := range acked {
		want[id] = true
	}
	if len(want) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	harness.Until(t, "all dispatched", 10*time.Second, func() bool { return b.Stats().Dispatched >= uint64(len(want)) })
	for {
		entries := peek(t, b, LaneLive)
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			delete(want, e.ID)
		}
		harness.OK(t, b.Worklist().AckThrough(t.Context(), inst, v1.KindCompany, LaneLive, entries[len(entries)-1].Sequence))
	}
	if len(want) > 0 {
		t.Errorf("acknowledged and never enqueued: %v", want)
	}
}

func TestFullDiskGivesUpHistory(t *testing.T) {
	t.Parallel()
	b := open(t)
	stop := dispatch(t, b)
	for id := range int64(100) {
		publish(t, b, change(id), "")
	}
	dispatched(t, b, 100)
	stop()
	if !b.journal.makeRoom(t.Context(), b.journal.room.made.Load()) {
		t.Fatal("no room made though all is dispatched")
	}
	if n := len(journalIDs(t, b)); n < 70 || n > 85 {
		t.Errorf("%d of 100 left, want about 80", n)
	}
}
