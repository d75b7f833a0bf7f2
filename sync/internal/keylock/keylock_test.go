package keylock

import (
	"fmt"
	"sync"
	"testing"
)

func TestLocks(t *testing.T) {
	var l Locks
	counts := map[string]int{"a": 0, "b": 0}
	var mu sync.Mutex // of the map; the locks guard the counts
	var wg sync.WaitGroup
	for i := range 200 {
		key := fmt.Sprint("ab"[i%2 : i%2+1])
		wg.Go(func() {
			defer l.Lock(key)()
			mu.Lock()
			n := counts[key]
			mu.Unlock()
			mu.Lock()
			counts[key] = n + 1
			mu.Unlock()
		})
	}
	wg.Wait()
	if counts["a"] != 100 || counts["b"] != 100 {
		t.Errorf("two were at it at once: %v", counts)
	}
	if len(l.keys) != 0 {
		t.Errorf("%d locks are kept", len(l.keys))
	}
	unlock := l.Lock("a")
	l.Lock("b")() // another key waits for nobody
	unlock()
}
