// Package recent makes an answer once for everybody who asks for the same within a moment.
// Whoever asks says how old it may be: what the caller has changed must be in it. It knows
// neither what is answered nor who may see it: that is in the key. Used by the admin API and
// the console.
package recent

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"channelsync/internal/panics"
)

const (
	most   = 256             // answers that are kept at a time
	within = 2 * time.Minute // bounds the making of one, as a request of the admin API
)

// Answers are the latest by key.
type Answers[K comparable, V any] struct {
	now func() time.Time

	mu  sync.Mutex // guards all; never held while one is made
	all map[K]*answer[V]
}

// answer is one that is made, or being made.
type answer[V any] struct {
	begun time.Time
	done  chan struct{} // closed when value and err stand
	value V
	err   error
}

// New returns none.
func New[K comparable, V any](now func() time.Time) *Answers[K, V] {
	return &Answers[K, V]{now: now, all: map[K]*answer[V]{}}
}

// Get returns the answer under a key that was begun after a time, the one that is being made
// if there is such a one, or has it made. It is everybody's, so that its making goes on when
// the caller leaves, under a context that has no caller's end.
func (a *Answers[K, V]) Get(ctx context.Context, key K, after time.Time, making func(context.Context) (V, error)) (V, error) {
	one, begins := a.begin(key, after)
	if begins {
		a.finish(ctx, one, making)
	}
	select {
	case <-one.done:
		return one.value, one.err
	case <-ctx.Done():
		var none V
		return none, fmt.Errorf("wait for the answer that is being made: %w", context.Cause(ctx))
	}
}

// begin returns the answer under a key; true when the caller has to make it.
func (a *Answers[K, V]) begin(key K, after time.Time) (*answer[V], bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if one := a.all[key]; one != nil && one.begun.After(after) && !one.failed() {
		return one, false
	}
	if len(a.all) >= most {
		a.makeRoom(after)
	}
	one := &answer[V]{begun: a.now(), done: make(chan struct{})}
	a.all[key] = one
	return one, true
}

// makeRoom forgets what is too old, and everything where nothing is: whoever waits has it already.
func (a *Answers[K, V]) makeRoom(after time.Time) {
	maps.DeleteFunc(a.all, func(_ K, one *answer[V]) bool { return !one.begun.After(after) })
	if len(a.all) >= most {
		clear(a.all)
	}
}

func (a *Answers[K, V]) finish(ctx context.Context, one *answer[V], making func(context.Context) (V, error)) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), within, fmt.Errorf("not within %s", within))
	defer cancel()
	defer close(one.done)
	one.err = panics.Try(func() (err error) {
		one.value, err = making(ctx)
		return err
	})
}

// failed says whether it is made and is an error, which the next caller does not get.
func (one *answer[V]) failed() bool {
	select {
	case <-one.done:
		return one.err != nil
	default:
		return false
	}
}
