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

	Life  context.Context // ends when the link begins to close
	end   context.CancelFunc
	owned sync.WaitGroup // every goroutine that works on the link

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

// Own runs a goroutine that the end of the link waits for; it must return when the
// context ends.
func (l *Link) Own(run func(context.Context)) {
	l.owned.Go(func() { run(l.Life) })
}

// StopWork ends what runs on the link, and waits for it.
func (l *Link) StopWork() {
	l.end()
	l.owned.Wait()
}

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
