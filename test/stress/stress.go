// Package stress runs things side by side for a while, for the tests of what must neither
// race nor wait for each other for ever. Use it with -race.
package stress

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// setting says how long a test goes on, as a duration. CI sets it to 30s.
	setting   = "CHANNELSYNC_STRESS"
	otherwise = 2 * time.Second
	// endsWithin is how long one round of any of them may take: more is a deadlock.
	endsWithin = 20 * time.Second
)

// Run calls each of rounds again and again, each on a goroutine of its own, until the time
// is over or one of them returns an error. It fails, with the stacks of all goroutines,
// when one does not come to an end.
func Run(t *testing.T, rounds ...func() error) {
	t.Helper()
	lasts := otherwise
	if text := os.Getenv(setting); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", setting, err)
		}
	}
	var over atomic.Bool
	var running sync.WaitGroup
	for _, round := range rounds {
		running.Go(func() {
			for !over.Load() {
				if err := round(); err != nil {
					over.Store(true)
					t.Error(err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-time.After(lasts):
		over.Store(true)
	}
	select {
	case <-ended:
	case <-time.After(endsWithin):
		stacks := make([]byte, 1<<20)
		t.Fatalf("they wait for each other:\n%s", stacks[:runtime.Stack(stacks, true)])
	}
}
