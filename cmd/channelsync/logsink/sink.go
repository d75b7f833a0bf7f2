// Package logsink keeps whoever writes a log from waiting for whoever reads it. A reader
// that goes away, does not read, or a disk that is full must neither end nor block the
// service: lines wait in a bounded buffer, and beyond it they are dropped and counted.
// It knows nothing of what a line says. cmd/channelsync/cli and cmd/sandbox write
// through it.
package logsink

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxBytes is how much waits to be written; as much again may be on its way.
const maxBytes = 4 << 20

// gatherFor is how long lines gather after some were written. The first line of a quiet
// service is written at once; those of a busy one share a write: to wake a goroutine
// for each line costs about as much as the line.
const gatherFor = 10 * time.Millisecond

// Sink is a log that its own goroutine writes. It is safe for concurrent
// use; Stop ends it.
type Sink struct {
	to      io.Writer
	dropped atomic.Uint64 // lines, since the start
	lost    atomic.Pointer[func(n uint64) []byte]

	mu      sync.Mutex
	waiting []byte // whole lines
	stopped bool

	pending chan struct{} // holds one when there is something to do
	stop    chan struct{} // closed by Stop
	done    chan struct{} // closed when the last line is written
}

// New starts a sink that writes to a file, a pipe or anything else.
func New(to io.Writer) *Sink {
	s := &Sink{to: to, pending: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// Unwrap is what the sink writes to.
func (s *Sink) Unwrap() io.Writer { return s.to }

// OnLost makes the line that says how many were dropped; it is written before the next
// one that can be.
func (s *Sink) OnLost(line func(n uint64) []byte) { s.lost.Store(&line) }

// Dropped is how many lines were not written, and never will be.
func (s *Sink) Dropped() uint64 { return s.dropped.Load() }

// Write takes a line, or drops it; it never waits and never fails.
func (s *Sink) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || len(s.waiting)+len(line) > maxBytes {
		s.dropped.Add(1)
		return len(line), nil
	}
	s.waiting = append(s.waiting, line...)
	select {
	case s.pending <- struct{}{}:
	default:
	}
	return len(line), nil
}

// Sync does nothing: lines are written in order, as soon as they can be.
func (s *Sink) Sync() error { return nil }

// Stop takes no more lines and waits until those that wait are written, or for at most
// as long as it is given: a write that nobody reads cannot be cut short. It says whether
// all are written. It may be called more than once.
func (s *Sink) Stop(within time.Duration) (written bool) {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.stop)
	}
	s.mu.Unlock()
	select {
	case <-s.done:
		return true
	case <-time.After(within):
		return false
	}
}

func (s *Sink) run() {
	defer close(s.done)
	var lines []byte
	reported := uint64(0)
	for stopped := false; !stopped; {
		select {
		case <-s.pending:
		case <-s.stop:
			stopped = true // nothing is added any more
		}
		lines = s.take(lines)
		if n := s.dropped.Load(); n > reported && len(lines) > 0 && s.write(s.lostLine(n-reported)) == 0 {
			reported = n
		}
		s.dropped.Add(uint64(s.write(lines)))
		s.gather()
	}
}

// take returns what waits, and lets lines gather in what was written before.
func (s *Sink) take(written []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.waiting
	s.waiting = written[:0]
	return lines
}

// gather waits, but not when the sink stops.
func (s *Sink) gather() {
	select {
	case <-time.After(gatherFor):
	case <-s.stop:
	}
}

func (s *Sink) lostLine(n uint64) []byte {
	if line := s.lost.Load(); line != nil {
		return (*line)(n)
	}
	return nil
}

// write tries lines once, and says how many were not written: a disk may have room again
// for the next ones.
func (s *Sink) write(lines []byte) (lost int) {
	if len(lines) == 0 {
		return 0
	}
	n, err := s.to.Write(lines)
	if err == nil {
		return 0
	}
	return bytes.Count(lines[min(max(n, 0), len(lines)):], []byte{'\n'})
}
