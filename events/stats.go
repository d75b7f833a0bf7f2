package events

import "sync/atomic"

// Stats counts what the bus did since Open.
type Stats struct {
	Published      uint64 // changes stored by the journal
	Duplicates     uint64 // changes that the journal had already
	Refused        uint64 // changes not stored: full, no answer in time, closed
	Batches        uint64 // atomic batches that Publish committed
	Batched        uint64 // changes within them
	Dispatched     uint64 // changes carried to the worklist
	Marked         uint64 // marks they became
	DispatchFailed uint64 // changes that had to be dispatched again
	Terminated     uint64 // journal messages that name no record
	Disconnects    uint64 // times the connection was lost
}

type counters struct {
	published, duplicates, refused, batches, batched            atomic.Uint64
	dispatched, marked, dispatchFailed, terminated, disconnects atomic.Uint64
}

// Stats returns the counters as they stand.
func (b *Bus) Stats() Stats {
	c := b.stats
	return Stats{
		Published: c.published.Load(), Duplicates: c.duplicates.Load(), Refused: c.refused.Load(),
		Batches: c.batches.Load(), Batched: c.batched.Load(),
		Dispatched: c.dispatched.Load(), Marked: c.marked.Load(), DispatchFailed: c.dispatchFailed.Load(),
		Terminated: c.terminated.Load(), Disconnects: c.disconnects.Load(),
	}
}
