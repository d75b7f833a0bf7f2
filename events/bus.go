package events

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// Bus is the open journal, worklist, dead letters and tables.
type Bus struct {
	*link
	cfg      Config
	store    *Store
	server   *server.Server // nil with an external cluster
	journal  *Journal
	worklist *Worklist
	dead     *DeadLetters
	health   healthCache

	life    context.Context // ends when Close begins
	end     context.CancelFunc
	owned   sync.WaitGroup // every goroutine of the bus
	closing sync.Once
	closed  error
}

// Open starts or reaches JetStream, makes the streams what they should be, and
// starts the goroutines that Close ends. The context bounds Open alone. A store
// that must not be used is refused before anything of it is touched.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	b := &Bus{link: store.link, cfg: cfg, store: store, server: store.server}
	b.life, b.end = context.WithCancel(context.WithoutCancel(ctx))
	for _, open := range []func(context.Context) error{b.openJournal, b.openWorklist, b.openDeadLetters} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("open events: %w", err), b.Close(context.WithoutCancel(ctx)))
		}
	}
	return b, nil
}

// Journal is the stream of changes.
func (b *Bus) Journal() *Journal { return b.journal }

// Worklist is the set of due records.
func (b *Bus) Worklist() *Worklist { return b.worklist }

// DeadLetters are the changes that are no longer tried.
func (b *Bus) DeadLetters() *DeadLetters { return b.dead }

// Close stops the goroutines, sends what is still buffered, and shuts an
// embedded server down. Callers stop Dispatch and their watches first. It may be
// called again, and returns the same then.
func (b *Bus) Close(ctx context.Context) error {
	b.closing.Do(func() {
		b.end()
		b.owned.Wait()
		b.closed = b.store.Close(ctx)
	})
	return b.closed
}

// own runs a goroutine that Close waits for; it must return when the context ends.
func (b *Bus) own(run func(context.Context)) {
	b.owned.Go(func() { run(b.life) })
}
