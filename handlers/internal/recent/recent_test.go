package recent

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// TestOneIsMadeForAll who ask within a moment, and another for whoever wants a newer one.
func TestOneIsMadeForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := New[string, int64](time.Now)
		var made atomic.Int64
		making := func(context.Context) (int64, error) {
			<-time.NewTimer(3 * time.Second).C // longer than it stands: whoever comes meanwhile takes it all the same
			return made.Add(1), nil
		}
		get := func(key string, age time.Duration) int64 {
			v, err := answers.Get(t.Context(), key, time.Now().Add(-age), making)
			if err != nil {
				t.Error(err)
			}
			return v
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if got := get("a", 5*time.Second); got != 1 {
					t.Errorf("got the one made %d.", got)
				}
			})
		}
		all.Wait()
		if got := get("a", 5*time.Second); got != 1 {
			t.Errorf("3 s later: got the one made %d.", got)
		}
		if got := get("b", 5*time.Second); got != 2 {
			t.Errorf("under another key: got the one made %d.", got)
		}
		if got := get("a", 5*time.Second); got != 3 {
			t.Errorf("6 s later: got the one made %d.", got)
		}
		if got := get("a", 0); got != 4 {
			t.Errorf("a new one: got the one made %d.", got)
		}
	})
}

// TestWhoWantsANewerOneJoinsNone that was begun before, and takes none away from those who wait for it.
func TestWhoWantsANewerOneJoinsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := New[int, string](time.Now)
		say := func(what string, d time.Duration) func(context.Context) (string, error) {
			return func(context.Context) (string, error) { <-time.NewTimer(d).C; return what, nil }
		}
		var old sync.WaitGroup
		old.Go(func() {
			if v, err := answers.Get(t.Context(), 1, time.Now().Add(-time.Second), say("before", time.Minute)); v != "before" || err != nil {
				t.Errorf("the one who asked before got %q, %v", v, err)
			}
		})
		synctest.Wait()
		<-time.NewTimer(time.Millisecond).C
		wrote := time.Now()
		if v, err := answers.Get(t.Context(), 1, wrote, say("after", 0)); v != "after" || err != nil {
			t.Errorf("the one who wrote got %q, %v", v, err)
		}
		old.Wait() // it ends last, and is not what is kept
		if v, err := answers.Get(t.Context(), 1, wrote.Add(-time.Nanosecond), say("again", 0)); v != "after" || err != nil {
			t.Errorf("the next one got %q, %v", v, err)
		}
	})
}

func TestAFailureIsForThoseWhoWaitedForIt(t *testing.T) {
	answers := New[int, int](time.Now)
	long := time.Now().Add(-time.Hour)
	failure := errors.New("on purpose")
	if _, err := answers.Get(t.Context(), 1, long, func(context.Context) (int, error) { return 0, failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if _, err := answers.Get(t.Context(), 1, long, func(context.Context) (int, error) { panic("on purpose") }); err == nil {
		t.Error("a panic is no answer")
	}
	if v, err := answers.Get(t.Context(), 1, long, func(context.Context) (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Errorf("then: got %d, %v", v, err)
	}
}

// TestTheMakingGoesOnWhenItsCallerLeaves, since others wait for it; whoever waits may leave too.
func TestTheMakingGoesOnWhenItsCallerLeaves(t *testing.T) {
	answers := New[int, int](time.Now)
	ctx, leave := context.WithCancel(t.Context())
	begun, goOn := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, _ = answers.Get(ctx, 1, time.Time{}, func(ctx context.Context) (int, error) {
			close(begun)
			<-goOn
			return 7, ctx.Err()
		})
	})
	<-begun
	leave()
	if _, err := answers.Get(ctx, 1, time.Time{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left got %v", err)
	}
	close(goOn)
	if v, err := answers.Get(t.Context(), 1, time.Time{}, nil); v != 7 || err != nil {
		t.Errorf("the other one got %d, %v", v, err)
	}
	all.Wait()
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	answers := New[int, int](time.Now)
	for i := range 10 * most {
		if v, err := answers.Get(t.Context(), i, time.Now().Add(-time.Hour), func(context.Context) (int, error) { return i, nil }); v != i || err != nil {
			t.Fatalf("got %d, %v", v, err)
		}
		if n := len(answers.all); n > most {
			t.Fatalf("%d are kept", n)
		}
	}
}
