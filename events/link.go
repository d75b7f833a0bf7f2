package events

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

// opTimeout bounds every call to the server that its caller did not bound
// tighter. Autotask gives up on a callback after 10 s; half of that is ours.
const opTimeout = 5 * time.Second

// link is the connection with what every user of it needs.
type link struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	inside   bool   // the server is in this process: it elects no leader
	api      string // subject prefix of the JetStream API, with the final dot
	domain   string // of JetStream; mostly empty
	replicas int    // of every stream
	disk     string // where the server in this process keeps its streams
	log      *zap.Logger
	now      func() time.Time
	observe  func(string, time.Duration)
	lost     atomic.Uint64 // times the connection was lost

	life  context.Context // ends when the link begins to close
	end   context.CancelFunc
	owned sync.WaitGroup // every goroutine that works on the link

	mu      sync.Mutex
	streams map[string]*stream // every stream in use, for Health
}

// call runs one operation under a deadline, names it in its error and times it.
func (l *link) call(ctx context.Context, operation string, fn func(context.Context) error) error {
	start := time.Now()
	if end, ok := ctx.Deadline(); !ok || end.Sub(start) > opTimeout {
		bound, cancel := context.WithTimeout(ctx, opTimeout)
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

// own runs a goroutine that the end of the link waits for; it must return when the
// context ends.
func (l *link) own(run func(context.Context)) {
	l.owned.Go(func() { run(l.life) })
}

// stop ends what runs on the link, and waits for it.
func (l *link) stop() {
	l.end()
	l.owned.Wait()
}

// use registers a stream by the handle that ensureStream gave. Its probe is an empty
// message to a subject that no filter of a reader matches, or what a table says.
func (l *link) use(handle jetstream.Stream, probe func() *nats.Msg) *stream {
	cfg := handle.CachedInfo().Config
	s := &stream{
		link: l, name: cfg.Name, handle: handle, probe: probe,
		slots: make(chan struct{}, batchesInFlight),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[s.name] = s
	return s
}

// to makes the probe that is an empty message to a subject.
func to(subject string) func() *nats.Msg {
	return func() *nats.Msg { return nats.NewMsg(subject) }
}

func (l *link) inUse() []*stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*stream, 0, len(l.streams))
	for _, s := range l.streams {
		all = append(all, s)
	}
	return all
}
