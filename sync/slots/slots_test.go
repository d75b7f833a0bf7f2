package slots

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/sync/fetch"

	"channelsync/events"
)

// wants is a place in the bulk lane that is not waited for long.
func wants(installation string) Request {
	return Request{Installation: installation, Lane: events.LaneBulk, Wait: 100 * time.Millisecond}
}

// allTaken takes every place of the bulk lane for a while.
func allTaken(t *testing.T, slots *Slots) (leaves []func(int)) {
	t.Helper()
	for i := range bulkSlots {
		releaseSlot, ok := slots.Acquire(t.Context(), wants("crowd-"+strconv.Itoa(i)))
		if !ok {
			t.Fatal("a free place was not given")
		}
		leaves = append(leaves, releaseSlot)
	}
	return leaves
}

func TestTurnsAreTakenAndGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := New()
		if slots.Crowded() {
			t.Error("crowded while nobody is there")
		}
		leaves := allTaken(t, slots)
		if !slots.Crowded() {
			t.Error("not crowded without a free place")
		}
		if _, ok := slots.Acquire(t.Context(), wants("one")); ok {
			t.Error("more places than there are")
		}
		if releaseSlot, ok := slots.Acquire(t.Context(), Request{Installation: "one", Lane: events.LaneLive, Wait: time.Second}); !ok {
			t.Error("bulk work keeps live changes waiting")
		} else {
			releaseSlot(1)
		}
		leaves[0](1)
		leaves[0](1) // once is enough
		releaseSlot, ok := slots.Acquire(t.Context(), wants("one"))
		if !ok {
			t.Fatal("what was given back is not free")
		}
		if _, ok := slots.Acquire(t.Context(), wants("two")); ok {
			t.Error("given back twice")
		}
		releaseSlot(1)
		for _, leave := range leaves {
			leave(1)
		}
	})
}

// TestWhoIsStuckHoldsNobodyBack: a place that is not given back is free again after a
// while; and whoever let one time out has to do without those of the others from then on,
// until it is in time again.
func TestWhoIsStuckHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := New()
		stuck := allTaken(t, slots)
		began := time.Now()
		releaseSlot, ok := slots.Acquire(t.Context(), Request{Installation: "one", Lane: events.LaneBulk})
		if took := time.Since(began); !ok || took != slotTimeout {
			t.Fatalf("another one entered after %s, %v; want %s", took, ok, slotTimeout)
		}
		releaseSlot(1)
		for _, leave := range stuck {
			leave(0)
		}

		allTaken(t, slots) // once more, all of those that were stuck
		releaseSlot, ok = slots.Acquire(t.Context(), wants("one"))
		if !ok {
			t.Fatal("those who were stuck before keep another waiting")
		}
		releaseSlot(1)
		<-time.After(slotTimeout + time.Second)
		for _, leave := range allTaken(t, slots) {
			leave(1) // in time
		}
		allTaken(t, slots)
		if _, ok := slots.Acquire(t.Context(), wants("one")); ok {
			t.Error("who is in time again does not count among the others")
		}
	})
}

func TestEnterEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	slots := New()
	releaseSlot, ok := slots.Acquire(ctx, wants("one"))
	if ok {
		t.Error("entered although the context has ended")
	}
	releaseSlot(1) // a pass that is cut short between two pages leaves what it did not enter
	allTaken(t, slots)
	if _, ok := slots.Acquire(t.Context(), wants("one")); ok {
		t.Error("leaving without a place made one")
	}
	var none *Slots
	if _, ok := none.Acquire(ctx, wants("one")); ok {
		t.Error("entered although the context has ended, without places")
	}
	releaseSlot, ok = none.Acquire(t.Context(), wants("one"))
	if !ok {
		t.Fatal("no place where there is one for everybody")
	}
	releaseSlot(1)
}

// TestPassesGetOnSideBySide plays the passes of many installations, each a page of a few
// records and then long ones, beside one that has far more to do than all of them: every
// one has its first records before any has its last.
func TestPassesGetOnSideBySide(t *testing.T) {
	const (
		many, pages = 200, 6
		page        = 100
		each        = time.Millisecond // a record
	)
	synctest.Test(t, func(t *testing.T) {
		slots := New()
		work := func(installation string, lists bool, records int, cost time.Duration) {
			releaseSlot, ok := slots.Acquire(t.Context(), Request{Installation: installation, Lane: events.LaneBulk, Lists: lists})
			if !ok {
				t.Fatal("no place")
			}
			<-time.After(cost)
			releaseSlot(records)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var hog, all sync.WaitGroup
		for i := range bulkSlots {
			hog.Go(func() { // a resync of very many, which had begun long before
				for ctx.Err() == nil {
					work("hog-"+strconv.Itoa(i), false, fetch.MaxBatch, fetch.MaxBatch*each)
				}
			})
		}
		<-time.After(time.Minute)
		began := time.Now()
		var mu sync.Mutex
		var first, last []time.Duration
		ahead, most := 0, 0 // what is listed and not reconciled
		for i := range many {
			all.Go(func() {
				id := "one-" + strconv.Itoa(i)
				listed := make(chan struct{}, pages)
				var pass sync.WaitGroup
				pass.Go(func() {
					for range pages {
						work(id, true, page, page*each/10)
						mu.Lock()
						ahead++
						most = max(most, ahead)
						mu.Unlock()
						listed <- struct{}{}
					}
				})
				for n := range pages {
					<-listed
					work(id, false, page, page*each)
					mu.Lock()
					ahead--
					if n == 0 {
						first = append(first, time.Since(began))
					}
					if n == pages-1 {
						last = append(last, time.Since(began))
					}
					mu.Unlock()
				}
				pass.Wait()
			})
		}
		all.Wait()
		cancel()
		hog.Wait()
		t.Logf("first from %s to %s, last from %s to %s, at most %d pages ahead", first[0], first[many-1], last[0], last[many-1], most)
		if first[many-1] > last[0] {
			t.Errorf("one had its first records after %s, another all of them after %s", first[many-1], last[0])
		}
		if share := last[many-1] / pages * 2; first[many-1] > share {
			t.Errorf("the first records of the last one came after %s of %s", first[many-1], last[many-1])
		}
		if most > many/2 {
			t.Errorf("%d pages were listed ahead of those who reconcile them", most)
		}
	})
}

// TestNobodySavesTurnsUp: an installation that had nothing to do for long does not get
// everything at once afterwards, and who comes when nobody is there pays for nothing.
func TestNobodySavesTurnsUp(t *testing.T) {
	p := newSemaphore(1)
	enter := func(who string) int {
		clock, ok := p.acquire(t.Context(), flow{installation: who})
		if !ok {
			t.Fatal("no place")
		}
		return clock
	}
	busy := flow{installation: "busy"}
	for range 10 {
		clock := enter("busy")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, ok := p.acquire(ctx, flow{installation: "gone"}); ok {
			t.Fatal("a second place")
		}
		p.charge(busy, clock+100)
		p.release()
	}
	if clock := enter("new"); clock < 1000 {
		t.Errorf("a newcomer begins at %d, behind the others", clock)
	}
	if len(p.clocks) > 0 {
		t.Errorf("%d clocks are kept of those who are gone", len(p.clocks))
	}
	p.release()
}
