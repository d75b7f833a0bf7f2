package events

import "sync/atomic"

// Stats counts what the bus did since Open.
type Stats struct {
	Published      uint64 // changes stored by the journal
	Duplicates     uint64 // changes that were known
	Refused        uint64 // changes not stored: full, too large, no answer in time, closed
	Rounds         uint64 // messages they were stored in
	Dispatched     uint64 // changes carried to the worklist
	DispatchFailed uint64 // changes that had to be dispatched again
	Terminated     uint64 // what the journal holds and names no record
	Disconnects    uint64 // times the connection was lost
}

type counters struct {
	published, duplicates, refused, rounds atomic.Uint64
	dispatched, dispatchFailed, terminated atomic.Uint64
}

// Stats returns the counters as they stand.
func (b *Bus) Stats() Stats {
	c := b.stats
	return Stats{
		Published: c.published.Load(), Duplicates: c.duplicates.Load(), Refused: c.refused.Load(), Rounds: c.rounds.Load(),
		Dispatched: c.dispatched.Load(), DispatchFailed: c.dispatchFailed.Load(),
		Terminated: c.terminated.Load(), Disconnects: b.Lost.Load(),
	}
}
