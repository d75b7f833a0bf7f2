package jetstream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"channelsync/internal/lifecycle"
	"channelsync/internal/progress"
)

// OpTimeout bounds every call to the server that its caller did not bound
// tighter. Autotask gives up on a callback after 10 s; half of that is ours.
const OpTimeout = 5 * time.Second

// Link is the connection with what every user of it needs.
type Link struct {
	NC       *nats.Conn
	JS       jetstream.JetStream
	Inside   bool   // the server is in this process: it elects no leader
	API      string // subject prefix of the JetStream API, with the final dot
	Domain   string // of JetStream; mostly empty
	Replicas int    // of every stream
	disk     string // where the server in this process keeps its streams
	Log      *zap.Logger
	Now      func() time.Time
	observe  func(string, time.Duration)
	Lost     atomic.Uint64 // times the connection was lost

	Life     context.Context // ends when the link begins to close
	end      context.CancelFunc
	watchdog *progress.Watchdog  // nil: nobody looks after the loops
	owned    []*progress.Service // every loop that works on the link; complete once the store is open
	ended    chan struct{}       // closed by StopWork, once none of them runs any more or was left behind

	mu      sync.Mutex
	streams map[string]*Stream // every stream in use, for Health
}

// Call runs one operation under a deadline, names it in its error and times it.
func (l *Link) Call(ctx context.Context, operation string, fn func(context.Context) error) error {
	start := time.Now()
	if end, ok := ctx.Deadline(); !ok || end.Sub(start) > OpTimeout {
		bound, cancel := context.WithTimeout(ctx, OpTimeout)
		defer cancel()
		ctx = bound
	}
	err := fn(ctx)
	progress.Move(ctx)
	l.observe(operation, time.Since(start))
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}

// Own runs a loop until StopWork, which waits for it; it must return when the context ends.
// One that panics runs again, and one that stands still is started anew by the watchdog.
func (l *Link) Own(name string, run func(context.Context)) {
	s := &progress.Service{Name: name, Part: "store", Watchdog: l.watchdog, Log: l.Log, Run: func(ctx context.Context) error {
		run(ctx)
		return nil
	}}
	l.owned = append(l.owned, s)
	s.Start(l.Life)
}

// Repeat makes a step at every tick until ctx ends. A step is due from its tick on.
func Repeat(ctx context.Context, every time.Duration, step func(context.Context) error) {
	work := progress.Of(ctx)
	lifecycle.Every(ctx, every, func() {
		work.Busy(progress.Live)
		work.Fail(step(ctx)) // a server that is away excuses it: the watchdog asks
		work.Idle()
	})
}

// stopWithin bounds how long a stop waits for the loops. Each of their calls is bounded by
// OpTimeout; a loop that is left behind finds the connection closed.
const stopWithin = 2 * OpTimeout

// StopWork ends what runs on the link, and waits for it; the error names what does not end.
// It is called once.
func (l *Link) StopWork(ctx context.Context) error {
	l.end()
	defer close(l.ended)
	ctx, cancel := context.WithTimeoutCause(ctx, stopWithin, fmt.Errorf("not within %s", stopWithin))
	defer cancel()
	return progress.Stop(ctx, ErrClosed, l.owned...)
}

// Ended is closed once nothing works on the link any more.
func (l *Link) Ended() <-chan struct{} { return l.ended }

// Use registers a stream by the handle that EnsureStream gave. Its probe is an empty
// message to a subject that no filter of a reader matches, or what a table says.
func (l *Link) Use(handle jetstream.Stream, probe func() *nats.Msg) *Stream {
	cfg := handle.CachedInfo().Config
	s := &Stream{
		Link: l, Name: cfg.Name, Handle: handle, Probe: probe,
		slots: make(chan struct{}, batchesInFlight),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[s.Name] = s
	return s
}

// ProbeTo makes the probe that is an empty message to a subject.
func ProbeTo(subject string) func() *nats.Msg {
	return func() *nats.Msg { return nats.NewMsg(subject) }
}

func (l *Link) InUse() []*Stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*Stream, 0, len(l.streams))
	for _, s := range l.streams {
		all = append(all, s)
	}
	return all
}
