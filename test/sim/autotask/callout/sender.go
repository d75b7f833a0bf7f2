// Package callout is the sending half of the simulated Autotask's webhooks: the body, its signature, and delivery with
// the vendor's queues, time-outs, repeats, hourly threshold and give-up rules.
//
// It does not decide what is worth a callout and keeps no registrations; the facade of the simulator hands it finished
// events. Sources: the vendor's pages on error handling and on secret key payload verification.
package callout

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// The vendor's delivery rules, at scale 1.
const (
	Timeout     = 10 * time.Second // of one attempt; any 2xx in time is success
	RetryGap    = 30 * time.Second
	Attempts    = 5
	GiveUpAfter = 25 // consecutive dropped events of one registration
	Window      = time.Hour
	PerHour     = 1500 // callouts an entity may send in Window
)

// Hook names a registration: its entity's collection and its id.
type Hook struct {
	Collection string
	ID         int64
}

// Event is one callout, ready to go.
type Event struct {
	Hook      Hook
	Action    string
	RecordID  int64
	Sequence  int64
	URL       string
	Secret    string // empty = unsigned
	Body      []byte
	Copies    int  // delivered this many times more
	Hold      bool // waits until the next event of the registration has been queued
	Untracked bool // giving it up has no consequence: no error log, and it does not count towards giving up
}

// Config is what a sender needs.
type Config struct {
	Scale   float64       // factor on every wait; 1 = the vendor's
	Timeout time.Duration // of one attempt, not scaled
	Do      func(*http.Request) (*http.Response, error)
	PerHour func() int // callouts an entity may send per Window; 0 or less = any number
	// Dropped hears of an event given up after the last attempt, with the last answer.
	Dropped func(e Event, message string)
	// GiveUp hears that a registration has failed GiveUpAfter events in a row.
	GiveUp func(Hook)
}

// Stats counts since the start or the last reset. Delivered, Dropped and Discarded are events; FailedAttempts are
// posts.
type Stats struct {
	Delivered      int `json:"delivered"`
	FailedAttempts int `json:"failedAttempts"`
	Dropped        int `json:"dropped"`   // after the last attempt
	Discarded      int `json:"discarded"` // queued when the registration was deactivated or deleted
	Delayed        int `json:"delayed"`   // waited for the hourly threshold
	Pending        int `json:"pending"`   // now
}

// Delivery is one attempt, for people and tests to look at.
type Delivery struct {
	At       time.Time `json:"at"`
	Hook     Hook      `json:"hook"`
	Action   string    `json:"action"`
	RecordID int64     `json:"recordId"`
	Sequence int64     `json:"sequenceNumber"`
	Attempt  int       `json:"attempt"`
	Status   int       `json:"status"` // 0 = no answer
	Error    string    `json:"error,omitempty"`
	Body     string    `json:"body"`
}

// Sender delivers events. Make one with New and end it with Close.
type Sender struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	lines  map[Hook]*line
	sent   map[string][]time.Time // by collection, inside the window
	stats  Stats
	recent []Delivery
	idle   chan struct{} // closed and renewed whenever nothing is pending any more
}

// line is one registration's state: a queue per action, so that a failing update holds back updates only.
type line struct {
	queues  map[string][]Event
	busy    map[string]bool
	held    []Event
	failed  int           // consecutive dropped events
	stopped chan struct{} // closed when the registration stops
}

// New makes a sender; it sends nothing until Enqueue.
func New(cfg Config) *Sender {
	s := &Sender{cfg: cfg, lines: map[Hook]*line{}, sent: map[string][]time.Time{}, idle: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close stops every delivery and waits for the goroutines.
func (s *Sender) Close() {
	s.mu.Lock() // so that no Enqueue starts a goroutine after the wait
	s.cancel()
	s.mu.Unlock()
	s.wg.Wait()
}

// Enqueue puts an event behind the earlier ones of its registration and action. It never blocks.
func (s *Sender) Enqueue(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	l := s.line(e.Hook)
	if e.Hold {
		l.held = append(l.held, e)
		return
	}
	s.push(l, e)
	for _, held := range l.held {
		held.Hold = false
		// Behind the event that overtakes it, whatever its own action.
		l.queues[e.Action] = append(l.queues[e.Action], held)
		s.stats.Pending++
	}
	l.held = nil
}

// Release queues what is held back, in its order.
func (s *Sender) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	for _, l := range s.lines {
		for _, held := range l.held {
			held.Hold = false
			s.push(l, held)
		}
		l.held = nil
	}
}

func (s *Sender) line(h Hook) *line {
	l := s.lines[h]
	if l == nil {
		l = &line{queues: map[string][]Event{}, busy: map[string]bool{}, stopped: make(chan struct{})}
		s.lines[h] = l
	}
	return l
}

func (s *Sender) push(l *line, e Event) {
	l.queues[e.Action] = append(l.queues[e.Action], e)
	s.stats.Pending++
	if !l.busy[e.Action] {
		l.busy[e.Action] = true
		s.wg.Go(func() { s.work(l, e.Action) })
	}
}

// Stop throws away what is queued for a registration: while one is inactive, the vendor produces and sends nothing.
// An attempt on its way still ends.
func (s *Sender) Stop(h Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[h]
	if l == nil {
		return
	}
	close(l.stopped)
	delete(s.lines, h)
	for action, queue := range l.queues {
		s.stats.Discarded += len(queue)
		s.finish(len(queue))
		l.queues[action] = nil
	}
}

// finish takes n events off the pending ones; the lock is held.
func (s *Sender) finish(n int) {
	if s.stats.Pending -= n; s.stats.Pending == 0 {
		close(s.idle)
		s.idle = make(chan struct{})
	}
}

// Wait returns when nothing is queued or on its way, or with an error when the context or the sender ends first.
func (s *Sender) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		idle, pending := s.idle, s.stats.Pending
		s.mu.Unlock()
		if pending == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stats is a copy of the counters.
func (s *Sender) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// ResetStats sets the counters to zero, but for what is pending.
func (s *Sender) ResetStats() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = Stats{Pending: s.stats.Pending}
}

// Recent lists the last attempts, oldest first.
func (s *Sender) Recent() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Delivery(nil), s.recent...)
}
