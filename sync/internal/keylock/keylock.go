// Package keylock lets one goroutine at a time do something with a key, while those
// with other keys go on. It knows nothing of what is locked. The store of
// installations and sync/control use it.
package keylock

import "sync"

// Locks are the locks of any number of keys; the zero value has none locked. A key
// costs memory only while somebody locks it.
type Locks struct {
	mu   sync.Mutex
	keys map[string]*lock
}

type lock struct {
	sync.Mutex
	users int
}

// Lock waits until nobody else has the key and returns what unlocks it.
func (l *Locks) Lock(key string) (unlock func()) {
	l.mu.Lock()
	if l.keys == nil {
		l.keys = map[string]*lock{}
	}
	one := l.keys[key]
	if one == nil {
		one = &lock{}
		l.keys[key] = one
	}
	one.users++
	l.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(l.keys, key)
		}
	}
}
