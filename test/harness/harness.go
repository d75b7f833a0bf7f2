// Package harness is what the tests of every package share: the start of a package's
// tests, and waiting with a deadline. It imports nothing of ours, so that every package's
// own tests may use it; the folders below it hold what needs more.
package harness

import (
	"context"
	"errors"
	"flag"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main runs the tests of a package and fails it when a goroutine is left behind. What the
// NATS server keeps for as long as the process lives is none.
func Main(m goleak.TestingM, except ...goleak.Option) {
	goleak.VerifyTestMain(m, append(except, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"))...)
}

// Parallel lets n of a package's parallel tests run at once, where most of what they do is
// waiting. A TestMain calls it before Main; -parallel on the command line is overruled.
func Parallel(n int) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(n)); err != nil {
		panic(err)
	}
}

// OK ends a test at an error. It takes what *testing.T and *rapid.T have in common.
func OK(t interface {
	Helper()
	Fatal(args ...any)
}, err error,
) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// As ends a test unless an error is, or wraps, one of a type.
func As[E error](t testing.TB, err error) E {
	t.Helper()
	e, is := errors.AsType[E](err)
	if !is {
		t.Fatalf("got %v, want a %T", err, e)
	}
	return e
}

// Table holds a function of one argument to what it returns for each.
func Table[In, Out comparable](t testing.TB, of func(In) Out, want map[In]Out) {
	t.Helper()
	for in, out := range want {
		if got := of(in); got != out {
			t.Errorf("%#v: got %#v, want %#v", in, got, out)
		}
	}
}

// Refused wants an error of one line that says all of it.
func Refused(t testing.TB, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was not refused")
	}
	for _, s := range append(says, "") {
		if !strings.Contains(err.Error(), s) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q, want one line with %q", err, s)
		}
	}
}

// NotTested leaves a test out where the machine lacks what it needs; CI must have it.
func NotTested(t testing.TB, why string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI must have this: "+why, args...)
	}
	t.Skipf("NOT TESTED: "+why, args...)
}

// Soon is how long a test waits for what takes no time that a user would notice. It is
// generous, since tests share their machine, and costs nothing: a wait ends as soon as its
// condition holds.
const Soon = 60 * time.Second

// A condition is tried often at first, and then less often, so that long waits leave the
// machine to what they wait for.
const (
	firstTry = 5 * time.Millisecond
	lastTry  = 100 * time.Millisecond
)

// Eventually tries check until it returns nil. After within the test fails with the last
// error of check.
func Eventually(t testing.TB, what string, within time.Duration, check func() error) {
	t.Helper()
	end := time.Now().Add(within)
	for pause := firstTry; ; pause = min(pause*3/2, lastTry) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		<-time.After(pause)
	}
}

var errNotYet = errors.New("it does not hold")

// Until is Eventually for a condition that has nothing to say about itself.
func Until(t testing.TB, what string, within time.Duration, holds func() bool) {
	t.Helper()
	Eventually(t, what, within, func() error {
		if !holds() {
			return errNotYet
		}
		return nil
	})
}

// Go runs something beside the test until stop is called or the test ends, and fails the test when
// it returns an error. Calling stop again does nothing.
func Go(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Every calls do at an interval, with how often it has been called, beside the test until stop
// is called or the test ends. stop returns how often do was called.
func Every(t testing.TB, interval time.Duration, do func(n int)) (stop func() int) {
	t.Helper()
	n := 0
	end := Go(t, func(ctx context.Context) error {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				n++
				do(n)
			}
		}
	})
	return func() int {
		end()
		return n
	}
}

// Next fails the test unless want is what comes next, in time.
func Next[T comparable](t testing.TB, from <-chan T, want T) {
	t.Helper()
	end := time.NewTimer(Soon)
	defer end.Stop()
	select {
	case got := <-from:
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	case <-end.C:
		t.Fatalf("%v does not come", want)
	}
}
