// Package logsink keeps whoever writes a log from waiting for whoever reads it. A reader
// that goes away, does not read, or a disk that is full must neither end nor block the
// service: lines wait in a bounded buffer, and beyond it they are dropped and counted.
// It knows nothing of what a line says. cmd/channelsync/cli and cmd/sandbox write
// through it.
package logsink

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what waits to be written.
const (
	maxLines = 8192
	maxBytes = 4 << 20
)

// Sink is a log that is written by a goroutine of its own. It is safe for concurrent
// use; Stop ends it.
type Sink struct {
	to      io.Writer
	lines   chan []byte
	waiting atomic.Int64  // bytes in lines
	dropped atomic.Uint64 // lines, since the start
	lost    atomic.Pointer[func(n uint64) []byte]

	mu      sync.RWMutex // guards stopped against a Write that is sending
	stopped bool
	done    chan struct{} // closed when the last line is written
}

// New starts a sink that writes to a file, a pipe or anything else.
func New(to io.Writer) *Sink {
	s := &Sink{to: to, lines: make(chan []byte, maxLines), done: make(chan struct{})}
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
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.stopped && s.queue(line) {
		return len(line), nil
	}
	s.dropped.Add(1)
	return len(line), nil
}

func (s *Sink) queue(line []byte) bool {
	size := int64(len(line))
	if s.waiting.Add(size) <= maxBytes {
		select {
		case s.lines <- append([]byte(nil), line...): // the caller uses its buffer again
			return true
		default:
		}
	}
	s.waiting.Add(-size)
	return false
}

// Sync does nothing: a line is written as soon as its turn comes.
func (s *Sink) Sync() error { return nil }

// Stop takes no more lines and waits until those that wait are written, or for at most
// as long as it is given: a write that nobody reads cannot be cut short. It says whether
// all are written. It may be called more than once.
func (s *Sink) Stop(within time.Duration) (written bool) {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.lines)
	}
	s.mu.Unlock()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-s.done:
		return true
	case <-late.C:
		return false
	}
}

func (s *Sink) run() {
	defer close(s.done)
	told := uint64(0)
	for line := range s.lines {
		s.waiting.Add(-int64(len(line)))
		if n := s.dropped.Load(); n > told && s.write(s.lostLine(n-told)) {
			told = n
		}
		if !s.write(line) {
			s.dropped.Add(1)
		}
	}
}

func (s *Sink) lostLine(n uint64) []byte {
	if line := s.lost.Load(); line != nil {
		return (*line)(n)
	}
	return nil
}

// write tries each line once: a disk may have room again for the next one.
func (s *Sink) write(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	_, err := s.to.Write(line)
	return err == nil
}
