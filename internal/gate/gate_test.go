package gate

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/test/harness"
	"channelsync/test/stress"
)

func TestMain(m *testing.M) { harness.Main(m) }

func enter(t *testing.T, ctx context.Context, k *Keyed, key string) (leave func()) {
	t.Helper()
	leave, err := k.Enter(ctx, key)
	harness.OK(t, err)
	return leave
}

func TestOneAtATimeWithAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k Keyed
		inside, most := 0, 0
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				leave := enter(t, t.Context(), &k, "a")
				defer leave()
				inside++
				most = max(most, inside)
				timer := time.NewTimer(time.Second)
				<-timer.C
				inside--
			})
		}
		leave := enter(t, t.Context(), &k, "b") // another key waits for nobody
		leave()
		start := time.Now()
		wg.Wait()
		if took := time.Since(start); most != 1 || took != 5*time.Second {
			t.Errorf("%d at a time, in %s", most, took)
		}
		if len(k.gates) != 0 {
			t.Errorf("%d keys are kept", len(k.gates))
		}
	})
}

// Whoever waits is not bound to the one inside, which may never leave.
func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k Keyed
		leave := enter(t, t.Context(), &k, "a")
		late := errors.New("not within a second")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, late)
		defer cancel()
		if _, err := k.Enter(ctx, "a"); !errors.Is(err, late) {
			t.Errorf("waited: %v", err)
		}
		leave()
		if _, err := k.Enter(ctx, "a"); !errors.Is(err, late) {
			t.Errorf("entered after the end: %v", err)
		}
		if len(k.gates) != 0 {
			t.Errorf("%d keys are kept", len(k.gates))
		}
		enter(t, t.Context(), &k, "a")() // free again
	})
}

func TestTryEnterWaitsForNobody(t *testing.T) {
	var g Gate
	leave := g.TryEnter()
	if leave == nil || g.TryEnter() != nil {
		t.Fatal("not one at a time")
	}
	leave()
	if leave = g.TryEnter(); leave == nil {
		t.Fatal("not free again")
	}
	leave()
}

func TestGateUnderStress(t *testing.T) {
	var k Keyed
	counts := map[string]*int{"a": new(int), "b": new(int)}
	round := func(key string, within time.Duration) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(context.Background(), within)
			defer cancel()
			leave, err := k.Enter(ctx, key)
			if err != nil {
				return nil //nolint:nilerr // it was not its turn in time
			}
			defer leave()
			*counts[key]++
			return nil
		}
	}
	stress.Run(t, round("a", time.Second), round("a", time.Microsecond), round("b", time.Second), round("b", time.Microsecond), round("a", time.Second))
	if *counts["a"] == 0 || *counts["b"] == 0 || len(k.gates) != 0 {
		t.Errorf("entered %d and %d times, %d keys are kept", *counts["a"], *counts["b"], len(k.gates))
	}
}
