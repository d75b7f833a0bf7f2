package callback

import (
	"sync"
	"time"
)

// Limits bound what is in flight at a time. Requests that are not known to be
// authentic yet count per source address, authentic ones per installation: so a
// stranger can use up his own share only, and never that of an installation.
type Limits struct {
	Unsigned        int           // per address, no well-formed signature header: 64
	Signed          int           // per address, with one, until it is verified: 1024
	PerInstallation int           // authentic: 512
	Authentic       int           // authentic, of all installations: 4096
	Publish         time.Duration // how long the journal may take: 5 s, Autotask gives up at 10 s
}

func (l Limits) orDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Unsigned, 64}, {&l.Signed, 1024}, {&l.PerInstallation, 512}, {&l.Authentic, 4096}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if l.Publish == 0 {
		l.Publish = 5 * time.Second
	}
	return l
}

// inFlight counts what is going on by key, and in all when there is a total limit.
type inFlight struct {
	mu    sync.Mutex
	total int
	limit int // of the total; 0 is none
	byKey map[string]int
}

func newInFlight(limit int) *inFlight {
	return &inFlight{limit: limit, byKey: map[string]int{}}
}

// enter takes a place of the key, unless it has most of them already; leave
// gives the place back, once however often it is called.
func (f *inFlight) enter(key string, most int) (leave func(), ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byKey[key] >= most || (f.limit > 0 && f.total >= f.limit) {
		return nil, false
	}
	f.byKey[key]++
	f.total++
	left := false
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if left {
			return
		}
		left = true
		f.total--
		if f.byKey[key]--; f.byKey[key] == 0 {
			delete(f.byKey, key)
		}
	}, true
}
