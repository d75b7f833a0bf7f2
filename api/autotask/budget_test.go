package autotask

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestBudgetHolds checks the promise itself: whatever the arrivals, no 60 minutes
// hold more requests than the share, bulk work leaves its part to live changes,
// and after the wait that a refusal names there is room.
func TestBudgetHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBudget(0.5)
		threshold := rapid.IntRange(1, 80).Draw(t, "threshold")
		b.endReading(time.Unix(0, 0), &Threshold{Limit: threshold})
		limit := max(1, threshold/2)
		now := time.Unix(1_000_000, 0)
		var made []time.Time
		within := func(at time.Time) (n int) {
			for _, m := range made {
				if m.After(at.Add(-time.Hour)) {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 120).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "pause")) * time.Second)
			bulk := rapid.Bool().Draw(t, "bulk")
			allowed := limit
			if bulk {
				allowed = max(1, limit*8/10)
			}
			wait := b.take(now, bulk, false)
			if wait > 0 {
				if wait > time.Hour+budgetStep {
					t.Fatalf("asked to wait %s", wait)
				}
				if within(now) < allowed && within(now.Add(-budgetStep)) < allowed {
					t.Fatalf("refused with %d of %d used", within(now), allowed)
				}
				now = now.Add(wait)
				if again := b.take(now, bulk, false); again > 0 {
					t.Fatalf("after the wait of %s: wait %s more", wait, again)
				}
			}
			made = append(made, now)
			if n := within(now); n > allowed {
				t.Fatalf("%d requests within an hour, allowed %d (bulk %v)", n, allowed, bulk)
			}
			if used, got, _ := b.state(now); used < within(now) || got != limit {
				t.Fatalf("state says %d of %d, made %d of %d", used, got, within(now), limit)
			}
		}
	})
}

func TestBudgetLeavesHeadroomToOthers(t *testing.T) {
	b := newBudget(0.5)
	now := time.Unix(1_000_000, 0)
	b.endReading(now, &Threshold{Limit: 10_000, Used: 9_500})
	if wait := b.take(now, false, false); wait != 0 {
		t.Errorf("with 5 %% left: wait %s", wait)
	}
	b.endReading(now, &Threshold{Limit: 10_000, Used: 9_501})
	if wait := b.take(now.Add(time.Minute), false, false); wait != 4*time.Minute {
		t.Errorf("with less than 5 %% left: wait %s, want until the next reading", wait)
	}
	if wait := b.take(now.Add(time.Minute), false, true); wait != 0 {
		t.Errorf("the reading itself: wait %s", wait)
	}
	if _, _, next := b.state(now); !next.Equal(now.Add(5 * time.Minute)) {
		t.Errorf("the next request is possible at %s", next)
	}
	b.endReading(now, nil)
	if wait := b.take(now, false, false); wait != 0 {
		t.Errorf("after a reading that failed: wait %s", wait)
	}
}

func TestWhenTheThresholdIsRead(t *testing.T) {
	b := newBudget(0.5)
	now := time.Unix(1_000_000, 0)
	spend := func(n int) {
		for range n {
			if b.take(now, false, false) != 0 {
				t.Fatal("no room")
			}
		}
	}
	due := func(want bool, when string) {
		t.Helper()
		got := b.startReading(now)
		if got != want {
			t.Errorf("%s: due %v", when, got)
		}
		if got {
			if b.startReading(now) {
				t.Errorf("%s: two at a time", when)
			}
			b.endReading(now, &Threshold{Limit: 10_000})
		}
	}
	spend(49)
	due(false, "after 49 requests")
	spend(1)
	due(true, "after 50 requests")
	spend(600)
	due(false, "at once after 600 more")
	now = now.Add(90 * time.Second)
	due(true, "90 s after 600 more")
	now = now.Add(4 * time.Minute)
	due(false, "4 minutes later")
	now = now.Add(time.Minute)
	due(true, "5 minutes later")
}

// meter is a vendor that answers counts and the threshold.
func meter(limit, used int) *vendor {
	return &vendor{answer: func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/"+thresholdEntity) {
			reply(w, 200, fmt.Sprintf(`{"externalRequestThreshold":%d,"requestThresholdTimeframe":60,`+
				`"currentTimeframeRequestCount":%d}`, limit, used))
			return
		}
		reply(w, 200, counted)
	}}
}

func (v *vendor) readings() (n int) {
	for _, call := range v.sent() {
		if strings.HasSuffix(call.path, "/"+thresholdEntity) {
			n++
		}
	}
	return n
}

func TestAClientKeepsToItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := meter(200, 60)
		c := newTestClient(t, v)
		call := func(ctx context.Context) error {
			_, err := c.Count(ctx, "Links")
			return err
		}
		bulk := WithBulk(t.Context())
		made := 0
		for ; call(bulk) == nil; made++ {
			if made > 200 {
				t.Fatal("no end")
			}
		}
		if made != 79 || v.readings() != 1 { // 80 of 100, one of them the reading
			t.Errorf("%d bulk calls and %d readings before the share was used up", made, v.readings())
		}
		for ; call(t.Context()) == nil; made++ {
			if made > 200 {
				t.Fatal("no end")
			}
		}
		err := call(t.Context())
		if made != 99 || KindOf(err) != KindBudget || RetryAfterOf(err) != time.Hour+budgetStep || len(v.sent()) != 100 {
			t.Errorf("%d calls, then %v", made, err)
		}
		used, limit, next := c.Budget()
		if used != 100 || limit != 100 || time.Until(next) != RetryAfterOf(err) {
			t.Errorf("Budget = %d, %d, %s", used, limit, next)
		}
		<-time.After(RetryAfterOf(err))
		if err := call(t.Context()); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestACrowdedDatabaseIsLeftAloneUntilItIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := meter(10_000, 9_900)
		c := newTestClient(t, v)
		made := 0
		var err error
		for ; err == nil && made < 200; made++ {
			_, err = c.Count(t.Context(), "Links")
		}
		if KindOf(err) != KindBudget || RetryAfterOf(err) != readingEvery || v.readings() != 1 {
			t.Fatalf("after %d calls: %v, %d readings", made, err, v.readings())
		}
		*v = vendor{answer: meter(10_000, 100).answer, calls: v.sent()}
		<-time.After(readingEvery)
		if _, err := c.Count(t.Context(), "Links"); err != nil || v.readings() != 2 {
			t.Errorf("5 minutes later: %v, %d readings", err, v.readings())
		}
	})
}

func TestAReadingThatFailsIsNobodysFailure(t *testing.T) {
	v := &vendor{}
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/"+thresholdEntity) {
			reply(w, 500, `{"errors":["odd"]}`)
			return
		}
		reply(w, 200, counted)
	}
	c := newTestClient(t, v)
	if _, err := c.Count(t.Context(), "Links"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 120 {
		wg.Go(func() {
			if _, err := c.Count(t.Context(), fmt.Sprint("Links", i%6)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, limit, _ := c.Budget(); v.readings() != 1 || limit != 5000 {
		t.Errorf("%d readings, limit %d, want one and the vendor's usual threshold", v.readings(), limit)
	}
}
