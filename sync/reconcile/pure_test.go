package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	"channelsync/events"
	"channelsync/sync/ledger"
)

func TestBreakerDoublesItsWaitUpToAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b breaker
		for try, most := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			most *= time.Second
			wait := time.Until(b.open(time.Now(), time.Time{}))
			if wait < most/2 || wait > most {
				t.Errorf("failure %d: a wait of %s, want %s to %s", try+1, wait, most/2, most)
			}
			<-time.After(wait) // of the bubble's clock
			if b.state().After(time.Now()) {
				t.Errorf("failure %d: still open after its wait", try+1)
			}
		}
	})
}

func TestBreakerGoesByWhatItIsTold(t *testing.T) {
	var b breaker
	now := time.Now()
	at := now.Add(17 * time.Minute)
	if got := b.open(now, at); !got.Equal(at) || !b.state().Equal(at) {
		t.Errorf("opened until %s, want %s", got, at)
	}
	b.trip()
	if b.state().After(now) {
		t.Error("tripped, but the wait goes on")
	}
	b.close()
	b.trip()
	if !b.state().IsZero() {
		t.Error("a closed one cannot be tripped")
	}
	if wait := b.open(now, time.Time{}).Sub(now); wait > breakerFirst {
		t.Errorf("after it was closed the first wait is %s", wait)
	}
}

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

// rows is a bulk query that fails as a whole when one of the bad ids is in it.
type rows struct {
	bad     map[int64]bool
	away    error
	queries int
}

func (r *rows) query(_ context.Context, ids []int64) (autotask.Rows[int64], error) {
	r.queries++
	if r.away != nil {
		return autotask.Rows[int64]{}, r.away
	}
	for _, id := range ids {
		if r.bad[id] {
			return autotask.Rows[int64]{}, &autotask.Error{Kind: autotask.KindUnknown, Status: 500, Texts: []string{"Object reference not set"}}
		}
	}
	return autotask.Rows[int64]{Items: ids}, nil
}

func upTo(n int64) []int64 {
	var ids []int64
	for id := int64(1); id <= n; id++ {
		ids = append(ids, id)
	}
	return ids
}

func TestBisectFindsBadRows(t *testing.T) {
	all := func(n int64) map[int64]bool {
		bad := map[int64]bool{}
		for _, id := range upTo(n) {
			bad[id] = true
		}
		return bad
	}
	for name, one := range map[string]struct {
		ids  int64
		bad  map[int64]bool
		most int // queries
	}{
		"none":                      {400, nil, 1},
		"no record at all":          {0, nil, 0},
		"one of 400":                {400, map[int64]bool{173: true}, 23},
		"the first":                 {400, map[int64]bool{1: true}, 23},
		"the last":                  {400, map[int64]bool{400: true}, 23},
		"two beside each other":     {400, map[int64]bool{200: true, 201: true}, 43},
		"the one there is":          {1, map[int64]bool{1: true}, 4},
		"ten at the beginning":      {400, all(10), 62},
		"in the second of two bulk": {800, map[int64]bool{799: true}, 24},
		"every one of them":         {16, all(16), 80},
	} {
		t.Run(name, func(t *testing.T) {
			r := &rows{bad: one.bad}
			got, bad, err := bisect(t.Context(), upTo(one.ids), r.query)
			if err != nil {
				t.Fatal(err)
			}
			var want []int64
			for _, id := range upTo(one.ids) {
				if !one.bad[id] {
					want = append(want, id)
				}
				if one.bad[id] != (bad[id] != nil) {
					t.Errorf("%d: got %v", id, bad[id])
				}
			}
			if diff := cmp.Diff(want, got.Items); diff != "" {
				t.Error(diff)
			}
			if r.queries > one.most {
				t.Errorf("%d queries, want at most %d", r.queries, one.most)
			}
		})
	}
}

func TestBisectBlamesTheRoadFast(t *testing.T) {
	for kind, most := range map[autotask.Kind]int{
		autotask.KindUnknown: 2, autotask.KindUndecodable: 2, autotask.KindUnavailable: 2, autotask.KindThrottled: 1,
		autotask.KindPermission: 1, autotask.KindRefused: 1, autotask.KindInvalid: 1, autotask.KindBudget: 1,
	} {
		r := &rows{away: &autotask.Error{Kind: kind}}
		_, bad, err := bisect(t.Context(), upTo(400), r.query)
		if autotask.KindOf(err) != kind || len(bad) != 0 || r.queries > most {
			t.Errorf("%s: %d queries, %d bad, %v", kind, r.queries, len(bad), err)
		}
	}
}

func TestBisectLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 900).Draw(t, "records")
		r := &rows{bad: map[int64]bool{}}
		for range rapid.IntRange(0, 8).Draw(t, "bad") {
			r.bad[rapid.Int64Range(1, 900).Draw(t, "id")] = true
		}
		got, bad, err := bisect(context.Background(), upTo(n), r.query)
		if err != nil {
			t.Fatal(err)
		}
		seen := slices.Clone(got.Items)
		for id := range bad {
			seen = append(seen, id)
		}
		slices.Sort(seen)
		if !slices.Equal(seen, upTo(n)) {
			t.Fatalf("%d of %d records came back, or some twice", len(seen), n)
		}
	})
}

func TestRoadOf(t *testing.T) {
	now := time.Now()
	at := func(kind autotask.Kind, after time.Duration) error {
		return fmt.Errorf("fetch companies: %w", &autotask.Error{Kind: kind, RetryAfter: after})
	}
	cp := func(e channelprogram.Error) error { return fmt.Errorf("push: %w", &e) }
	for name, one := range map[string]struct {
		err  error
		want Road
	}{
		"credentials refused":       {at(autotask.KindRefused, 0), Road{Side: SideAutotask, Code: "credentials_refused", Pause: true}},
		"a right is missing":        {at(autotask.KindPermission, 0), Road{Side: SideAutotask, Code: "permission_missing", Pause: true, At: now.Add(5 * time.Minute)}},
		"throttled by the hour":     {at(autotask.KindThrottled, time.Minute), Road{Side: SideAutotask, Code: "throttled", At: now.Add(time.Minute)}},
		"throttled by threads":      {at(autotask.KindThrottled, 0), Road{Side: SideAutotask, Code: "throttled"}},
		"our own share is used up":  {at(autotask.KindBudget, time.Hour), Road{Side: SideAutotask, Code: "throttled", At: now.Add(time.Hour)}},
		"the query is wrong":        {at(autotask.KindInvalid, 0), Road{Side: SideAutotask, Code: "autotask_query_refused", At: now.Add(time.Minute)}},
		"Autotask is away":          {at(autotask.KindUnavailable, 0), Road{Side: SideAutotask, Code: "autotask_unavailable"}},
		"Autotask answers nonsense": {at(autotask.KindUndecodable, 0), Road{Side: SideAutotask, Code: "autotask_unavailable"}},
		"an unknown text":           {at(autotask.KindUnknown, 0), Road{Side: SideAutotask, Code: "autotask_unavailable"}},
		"target: token refused": {
			cp(channelprogram.Error{Kind: channelprogram.KindPause, Status: 401}),
			Road{Side: SideTarget, Code: "channel_program_refused", Pause: true},
		},
		"target: subscription": {
			cp(channelprogram.Error{Kind: channelprogram.KindPause, Status: 402}),
			Road{Side: SideTarget, Code: "channel_program_subscription", Pause: true},
		},
		"target: throttled": {
			cp(channelprogram.Error{Kind: channelprogram.KindThrottled, RetryAfter: time.Second}),
			Road{Side: SideTarget, Code: "channel_program_throttled", At: now.Add(time.Second)},
		},
		"target: away and says when": {
			cp(channelprogram.Error{Kind: channelprogram.KindUnavailable, RetryAfter: time.Minute}),
			Road{Side: SideTarget, Code: "channel_program_unavailable", At: now.Add(time.Minute)},
		},
		"target: breach": {cp(channelprogram.Error{Kind: channelprogram.KindBreach}), Road{Side: SideTarget, Code: "channel_program_unavailable"}},
		"our own store":  {fmt.Errorf("read ledger: %w", events.ErrClosed), Road{Side: SideOwn, Code: "store_unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			one.want.Err = one.err
			got := RoadOf(one.err, now)
			if diff := cmp.Diff(one.want, got, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCacheAsksOnceAndAgainWhenToldTo(t *testing.T) {
	now := time.Now()
	var c cache[string]
	var asked []int64
	broken := errors.New("cannot be read")
	load := func(_ context.Context, ids []int64) (map[int64]string, map[int64]error, error) {
		asked = append(asked, ids...)
		out, bad := map[int64]string{}, map[int64]error{}
		for _, id := range ids {
			switch {
			case id == 13:
				bad[id] = broken
			case id < 100:
				out[id] = fmt.Sprint("row ", id)
			}
		}
		return out, bad, nil
	}
	get := func(at time.Time, ids ...int64) (map[int64]string, map[int64]error) {
		asked = nil
		rows, bad, err := c.get(context.Background(), at, ids, load)
		if err != nil {
			t.Fatal(err)
		}
		return rows, bad
	}
	steps := []struct {
		what string
		at   time.Time
		ids  []int64
		want []int64 // asked for
	}{
		{"at first", now, []int64{1, 2, 2, 1, 200}, []int64{1, 2, 200}},
		{"what is known, absent ones too", now, []int64{1, 2, 200}, nil},
		{"one more", now, []int64{1, 3}, []int64{3}},
		{"a bad one", now, []int64{13}, []int64{13}},
		{"a bad one is asked for again", now, []int64{13, 1}, []int64{13}},
		{"after its time", now.Add(catalogueFor), []int64{1}, []int64{1}},
	}
	for _, s := range steps {
		rows, bad := get(s.at, s.ids...)
		if !slices.Equal(asked, s.want) {
			t.Errorf("%s: asked for %v, want %v", s.what, asked, s.want)
		}
		for _, id := range s.ids {
			if _, ok := rows[id]; ok != (id < 100 && id != 13) || (id == 13) != (bad[id] != nil) {
				t.Errorf("%s: %d: got %q, %v", s.what, id, rows[id], bad[id])
			}
		}
	}
	c.forget(2)
	if get(now, 2, 3); !slices.Equal(asked, []int64{2}) {
		t.Errorf("after 2 was forgotten: asked for %v", asked)
	}
	if _, _, err := c.get(t.Context(), now, []int64{50}, func(context.Context, []int64) (map[int64]string, map[int64]error, error) {
		return nil, nil, broken
	}); !errors.Is(err, broken) {
		t.Errorf("a failure of the road: got %v", err)
	}
}
