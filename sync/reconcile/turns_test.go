package reconcile

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/events"
)

func TestTurnsAreTakenAndGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns()
		var leaves []func()
		for range bulkTurns {
			leave, ok := turns.Enter(t.Context(), events.LaneBulk)
			if !ok {
				t.Fatal("a free place was not given")
			}
			leaves = append(leaves, leave)
		}
		if _, ok := turns.EnterWithin(t.Context(), events.LaneBulk, time.Second); ok {
			t.Error("more places than there are")
		}
		if leave, ok := turns.EnterWithin(t.Context(), events.LaneLive, time.Second); !ok {
			t.Error("bulk work keeps live changes waiting")
		} else {
			leave()
		}
		leaves[0]()
		leaves[0]() // once is enough
		leave, ok := turns.EnterWithin(t.Context(), events.LaneBulk, time.Second)
		if !ok {
			t.Fatal("what was given back is not free")
		}
		if _, ok := turns.EnterWithin(t.Context(), events.LaneBulk, time.Millisecond); ok {
			t.Error("given back twice")
		}
		leave()
		for _, leave := range leaves {
			leave()
		}
	})
}

// TestWhoIsStuckHoldsNobodyBack: a place that is not given back is free again after a while.
func TestWhoIsStuckHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns()
		for range bulkTurns {
			if _, ok := turns.Enter(t.Context(), events.LaneBulk); !ok {
				t.Fatal("a free place was not given")
			}
		}
		began := time.Now()
		leave, ok := turns.Enter(t.Context(), events.LaneBulk)
		if took := time.Since(began); !ok || took != turnLent {
			t.Errorf("another one entered after %s, %v; want %s", took, ok, turnLent)
		}
		leave()
	})
}

func TestEnterEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	turns := &Turns{bulk: make(chan struct{})} // no place at all
	if _, ok := turns.Enter(ctx, events.LaneBulk); ok {
		t.Error("entered although the context has ended")
	}
	var none *Turns
	if _, ok := none.Enter(ctx, events.LaneLive); ok {
		t.Error("entered although the context has ended, without places")
	}
	leave, ok := none.EnterWithin(t.Context(), events.LaneLive, 0)
	if !ok {
		t.Fatal("no place where there is one for everybody")
	}
	leave()
}
