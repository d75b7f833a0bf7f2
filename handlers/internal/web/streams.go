package web

import (
	"fmt"
	"net/http"

	v1 "channelsync/api/v1"
)

const (
	streamsOfCaller = 64 // feeds that one person or program follows at a time
	streamsOfAll    = 512
)

// Streams bounds how many event streams are open at a time: of one caller, and of all
// together. Each holds a connection, a goroutine and what it listens to, for as long
// as its reader likes.
type Streams struct{ *InFlight }

// NewStreams returns a limit with no stream open.
func NewStreams() *Streams { return &Streams{NewInFlight(streamsOfAll)} }

// Take opens a stream for a caller until leave is called. Without a free slot nothing
// is taken, and w says when to come again: 429 beside the caller's own streams, 503
// beside those of all.
func (p *Streams) Take(w http.ResponseWriter, caller string) (leave func(), refused *v1.Problem) {
	leave, full := p.Enter(caller, streamsOfCaller)
	switch full {
	case FullOfKey:
		refused = v1.NewProblem(http.StatusTooManyRequests, v1.CodeUnavailable,
			fmt.Sprintf("You have %d event streams open, and may have no more.", streamsOfCaller), "Close some of them.")
	case FullOfAll:
		refused = v1.NewProblem(http.StatusServiceUnavailable, v1.CodeUnavailable,
			fmt.Sprintf("There are %d event streams open, and there may be no more.", streamsOfAll), "Try again later: the activity has the same without a stream.")
	default:
		return leave, nil
	}
	w.Header().Set("Retry-After", RetryAfter)
	return nil, refused
}
