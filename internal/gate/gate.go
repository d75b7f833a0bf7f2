// Package gate serialises work that leaves the process: a store call, a request, a start.
//
// A sync.Mutex guards memory and is never held across a call that may take long: a call
// that does not return would stop whoever comes next, and nothing could end that wait. A
// gate is for work that must not overlap. Whoever waits for it leaves with its context.
// Every layer may use it; it knows nothing of what it guards.
package gate

import (
	"context"
	"fmt"
	"sync"
)

// Gate lets one caller at a time through. The zero value is open.
type Gate struct {
	once sync.Once
	slot chan struct{} // full while somebody is inside
}

// Enter waits until nobody else is inside, or for the end of ctx: then the error is its
// cause, and leave is nil. Leave must be called once.
func (g *Gate) Enter(ctx context.Context) (leave func(), err error) {
	g.once.Do(func() { g.slot = make(chan struct{}, 1) })
	if ctx.Err() == nil {
		select {
		case g.slot <- struct{}{}:
			return func() { <-g.slot }, nil
		case <-ctx.Done():
		}
	}
	return nil, fmt.Errorf("wait for the caller before: %w", context.Cause(ctx))
}

// TryEnter enters if nobody is inside; leave is nil otherwise.
func (g *Gate) TryEnter() (leave func()) {
	g.once.Do(func() { g.slot = make(chan struct{}, 1) })
	select {
	case g.slot <- struct{}{}:
		return func() { <-g.slot }
	default:
		return nil
	}
}

// Keyed is a gate for each key. A key costs memory only while somebody uses it. The zero
// value is open for all of them.
type Keyed struct {
	mu    sync.Mutex
	gates map[string]*keyed
}

type keyed struct {
	Gate
	users int // inside or waiting
}

// Enter is Enter of the key's gate.
func (k *Keyed) Enter(ctx context.Context, key string) (leave func(), err error) {
	k.mu.Lock()
	one := k.gates[key]
	if one == nil {
		if k.gates == nil {
			k.gates = map[string]*keyed{}
		}
		one = &keyed{}
		k.gates[key] = one
	}
	one.users++
	k.mu.Unlock()
	through, err := one.Enter(ctx)
	if err != nil {
		k.done(key, one)
		return nil, err
	}
	return func() {
		through()
		k.done(key, one)
	}, nil
}

func (k *Keyed) done(key string, one *keyed) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(k.gates, key)
	}
}
