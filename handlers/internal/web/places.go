package web

import (
	"fmt"
	"net/http"
	"sync"

	v1 "channelsync/api/v1"
)

const (
	placesOfCaller = 64 // pages that one person or program watches at a time
	placesOfAll    = 512
)

// Places bounds how many event streams are open at a time: of one caller, and of all
// together. Each holds a connection, a goroutine and what it listens to, for as long
// as its reader likes.
type Places struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by caller, without those that have none
}

// NewPlaces returns places of which none is taken.
func NewPlaces() *Places { return &Places{of: map[string]int{}} }

// Take takes a place for a caller until leave is called. Without a free one nothing
// is taken, and w says when to come again: 429 beside the caller's own streams, 503
// beside those of all.
func (p *Places) Take(w http.ResponseWriter, caller string) (leave func(), refused *v1.Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.of[caller] >= placesOfCaller:
		w.Header().Set("Retry-After", RetryAfter)
		return nil, v1.NewProblem(http.StatusTooManyRequests, v1.CodeUnavailable,
			fmt.Sprintf("This token has %d event streams open, and may have no more.", placesOfCaller), "Close some of them, pages of the console among them.")
	case p.all >= placesOfAll:
		w.Header().Set("Retry-After", RetryAfter)
		return nil, v1.NewProblem(http.StatusServiceUnavailable, v1.CodeUnavailable,
			fmt.Sprintf("There are %d event streams open, and there may be no more.", placesOfAll), "Try again later: lists and pages have the same without a stream.")
	}
	p.all++
	p.of[caller]++
	return sync.OnceFunc(func() { p.leave(caller) }), nil
}

func (p *Places) leave(caller string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.of[caller]--; p.of[caller] == 0 {
		delete(p.of, caller)
	}
}
