package events

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Bus is the open journal, worklist, dead letters and tables.
type Bus struct {
	*link
	cfg      Config
	server   *server.Server // nil with an external cluster
	journal  *Journal
	worklist *Worklist
	dead     *DeadLetters
	health   healthCache

	life    context.Context // ends when Close begins
	end     context.CancelFunc
	owned   sync.WaitGroup // every goroutine of the bus
	cleanup []func(context.Context) error
	closing sync.Once
	closed  error
}

// Open starts or reaches JetStream, makes the streams what they should be, and
// starts the goroutines that Close ends. The context bounds Open alone.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	b := &Bus{cfg: cfg}
	b.life, b.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open events: %w", err), b.Close(context.WithoutCancel(ctx)))
	}
	return b, nil
}

func (b *Bus) open(ctx context.Context) error {
	if b.cfg.embedded() {
		unlock, err := lockDir(b.cfg.DataDir)
		if err != nil {
			return err
		}
		b.defers(func(context.Context) error { unlock(); return nil })
		if b.server, err = startEmbedded(b.cfg.DataDir, b.cfg.Log); err != nil {
			return err
		}
		b.defers(b.stopServer)
	}
	var err error
	if b.link, err = connect(ctx, b.cfg, b.server); err != nil {
		return err
	}
	b.defers(b.disconnect)
	if err := b.checkServer(ctx); err != nil {
		return err
	}
	for _, open := range []func(context.Context) error{b.openJournal, b.openWorklist, b.openDeadLetters} {
		if err := open(ctx); err != nil {
			return err
		}
	}
	return nil
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
		var errs []error
		for i := len(b.cleanup) - 1; i >= 0; i-- {
			errs = append(errs, b.cleanup[i](ctx))
		}
		b.closed = errors.Join(errs...)
	})
	return b.closed
}

// own runs a goroutine that Close waits for; it must return when the context ends.
func (b *Bus) own(run func(context.Context)) {
	b.owned.Go(func() { run(b.life) })
}

func (b *Bus) defers(f func(context.Context) error) { b.cleanup = append(b.cleanup, f) }

func (b *Bus) disconnect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	done := b.nc.StatusChanged(nats.CLOSED)
	defer b.nc.Close()
	if err := b.nc.Drain(); err != nil {
		if errors.Is(err, nats.ErrConnectionReconnecting) {
			return nil // nothing can be buffered while there is no connection
		}
		return fmt.Errorf("drain the nats connection: %w", err)
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain the nats connection: %w", ctx.Err())
	}
}

func (b *Bus) stopServer(context.Context) error {
	b.server.Shutdown()
	b.server.WaitForShutdown()
	return nil
}
