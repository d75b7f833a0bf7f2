package upstream

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	"channelsync/events"
)

func TestBreakerDoublesItsWaitUpToAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		for try, most := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			most *= time.Second
			wait := time.Until(b.Open(time.Now(), time.Time{}))
			if wait < most/2 || wait > most {
				t.Errorf("failure %d: a wait of %s, want %s to %s", try+1, wait, most/2, most)
			}
			<-time.After(wait) // of the bubble's clock
			if b.RetryAt().After(time.Now()) {
				t.Errorf("failure %d: still open after its wait", try+1)
			}
		}
	})
}

func TestBreakerGoesByWhatItIsTold(t *testing.T) {
	var b Breaker
	now := time.Now()
	at := now.Add(17 * time.Minute)
	if got := b.Open(now, at); !got.Equal(at) || !b.RetryAt().Equal(at) {
		t.Errorf("opened until %s, want %s", got, at)
	}
	b.Trip()
	if b.RetryAt().After(now) {
		t.Error("tripped, but the wait goes on")
	}
	b.Close()
	b.Trip()
	if !b.RetryAt().IsZero() {
		t.Error("a closed one cannot be tripped")
	}
	if wait := b.Open(now, time.Time{}).Sub(now); wait > breakerFirst {
		t.Errorf("after it was closed the first wait is %s", wait)
	}
}

func TestFailureOf(t *testing.T) {
	now := time.Now()
	at := func(kind autotask.Kind, after time.Duration) error {
		return fmt.Errorf("fetch companies: %w", &autotask.Error{Kind: kind, RetryAfter: after})
	}
	cp := func(e channelprogram.Error) error { return fmt.Errorf("push: %w", &e) }
	for name, one := range map[string]struct {
		err  error
		want Failure
	}{
		"credentials refused":       {at(autotask.KindRefused, 0), Failure{Upstream: Autotask, Code: "credentials_refused", NeedsPerson: true}},
		"a right is missing":        {at(autotask.KindPermission, 0), Failure{Upstream: Autotask, Code: "permission_missing", NeedsPerson: true, At: now.Add(5 * time.Minute)}},
		"throttled by the hour":     {at(autotask.KindThrottled, time.Minute), Failure{Upstream: Autotask, Code: "throttled", At: now.Add(time.Minute)}},
		"throttled by threads":      {at(autotask.KindThrottled, 0), Failure{Upstream: Autotask, Code: "throttled"}},
		"our own share is used up":  {at(autotask.KindBudget, time.Hour), Failure{Upstream: Autotask, Code: "throttled", At: now.Add(time.Hour)}},
		"the query is wrong":        {at(autotask.KindInvalid, 0), Failure{Upstream: Autotask, Code: "autotask_query_refused", At: now.Add(time.Minute)}},
		"Autotask is away":          {at(autotask.KindUnavailable, 0), Failure{Upstream: Autotask, Code: "autotask_unavailable"}},
		"Autotask answers nonsense": {at(autotask.KindUndecodable, 0), Failure{Upstream: Autotask, Code: "autotask_unavailable"}},
		"an unknown text":           {at(autotask.KindUnknown, 0), Failure{Upstream: Autotask, Code: "autotask_unavailable"}},
		"target: token refused": {
			cp(channelprogram.Error{Kind: channelprogram.KindPause, Status: 401}),
			Failure{Upstream: Target, Code: "channel_program_refused", NeedsPerson: true},
		},
		"target: subscription": {
			cp(channelprogram.Error{Kind: channelprogram.KindPause, Status: 402}),
			Failure{Upstream: Target, Code: "channel_program_subscription", NeedsPerson: true},
		},
		"target: throttled": {
			cp(channelprogram.Error{Kind: channelprogram.KindThrottled, RetryAfter: time.Second}),
			Failure{Upstream: Target, Code: "channel_program_throttled", At: now.Add(time.Second)},
		},
		"target: away and says when": {
			cp(channelprogram.Error{Kind: channelprogram.KindUnavailable, RetryAfter: time.Minute}),
			Failure{Upstream: Target, Code: "channel_program_unavailable", At: now.Add(time.Minute)},
		},
		"target: breach": {cp(channelprogram.Error{Kind: channelprogram.KindBreach}), Failure{Upstream: Target, Code: "channel_program_unavailable"}},
		"our own store":  {fmt.Errorf("read ledger: %w", events.ErrClosed), Failure{Upstream: Own, Code: "store_unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			one.want.Err = one.err
			got := FailureOf(one.err, now)
			if diff := cmp.Diff(one.want, got, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" {
				t.Error(diff)
			}
		})
	}
}
