package web

import "sync"

// InFlight counts what is going on by key, and in all when there is a total limit.
type InFlight struct {
	limit int // of all; 0 is none
	mu    sync.Mutex
	all   int
	of    map[string]int // by key, without those that have none
}

// Full is which limit leaves no place.
type Full int

// The limits of InFlight.
const (
	NotFull Full = iota
	FullOfKey
	FullOfAll
)

// NewInFlight returns one in which nothing is going on; 0 is no limit of all.
func NewInFlight(limit int) *InFlight { return &InFlight{limit: limit, of: map[string]int{}} }

// Enter takes a place of the key, unless it has most of them already, or there are too
// many in all: then leave is nil. leave gives the place back, once however often it is called.
func (f *InFlight) Enter(key string, most int) (leave func(), full Full) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.of[key] >= most:
		return nil, FullOfKey
	case f.limit > 0 && f.all >= f.limit:
		return nil, FullOfAll
	}
	f.of[key]++
	f.all++
	left := false
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if left {
			return
		}
		left = true
		f.all--
		if f.of[key]--; f.of[key] == 0 {
			delete(f.of, key)
		}
	}, NotFull
}
