package reconcile

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"channelsync/sync/ledger"
)

func TestFreshness(t *testing.T) {
	now := time.Now()
	seconds := func(v float64) *float64 { return &v }
	for name, one := range map[string]struct {
		add      func(*Freshness)
		p50, p95 *float64
	}{
		"nothing happened": {func(*Freshness) {}, nil, nil},
		"one change":       {func(f *Freshness) { f.Add(now, 1500*time.Millisecond) }, seconds(1.5), seconds(1.5)},
		"1 to 100 seconds": {func(f *Freshness) {
			for i := range 100 {
				f.Add(now, time.Duration(100-i)*time.Second)
			}
		}, seconds(50), seconds(95)},
		"what is older than an hour does not count": {func(f *Freshness) {
			f.Add(now.Add(-time.Hour-time.Second), time.Hour)
			f.Add(now.Add(-time.Hour), time.Second)
		}, seconds(1), seconds(1)},
		"the newest stand when there are too many": {func(f *Freshness) {
			for range freshnessSamples {
				f.Add(now, time.Hour)
			}
			for range freshnessSamples {
				f.Add(now, time.Second)
			}
		}, seconds(1), seconds(1)},
	} {
		t.Run(name, func(t *testing.T) {
			var f Freshness
			one.add(&f)
			got := f.Read(now)
			if diff := cmp.Diff([]*float64{one.p50, one.p95}, []*float64{got.P50Seconds, got.P95Seconds}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFreshnessOfTheLastPush(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	var f Freshness
	f.Add(now, time.Second)
	if got := f.Read(now); got.LastSeconds != nil || got.LastAt != nil {
		t.Errorf("before the first push: %+v", got)
	}
	f.Pushed(now, 1234567*time.Microsecond)
	f.Add(now.Add(time.Minute), time.Second)
	later := f.Read(now.Add(2 * time.Hour)) // long after the last hour it still stands
	if later.P50Seconds != nil || later.LastSeconds == nil || *later.LastSeconds != 1.235 || !later.LastAt.Equal(now) || later.LastAt.Location() != time.UTC {
		t.Errorf("got %+v", later)
	}
}

func TestRetriesTakeJustUnderTwelveHours(t *testing.T) {
	var sum time.Duration
	for i, wait := range retryAfter {
		sum += wait
		if i > 0 && wait <= retryAfter[i-1] {
			t.Errorf("wait %d is not longer than the one before", i)
		}
	}
	if sum >= 12*time.Hour || sum < 11*time.Hour {
		t.Errorf("all waits together are %s", sum)
	}
}

func TestObservedAtNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		last := time.Unix(0, rapid.Int64Range(0, math.MaxInt32*int64(time.Second)).Draw(t, "last"))
		began := last.Add(time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, "step")))
		b := &batch{began: began}
		got := b.observedAt(&item{entry: &ledger.Entry{ObservedAt: last.UTC().Truncate(time.Millisecond)}})
		sent := last.Truncate(time.Millisecond)
		if !got.After(sent) || got.Location() != time.UTC || got != got.Truncate(time.Millisecond) {
			t.Fatalf("after %s, at %s: got %s", sent, began, got)
		}
		if began.Sub(sent) >= time.Millisecond && began.Sub(got) >= time.Millisecond {
			t.Fatalf("the clock is right, at %s, but got %s", began, got)
		}
	})
}
