package events

import (
	"context"
	"errors"
	"fmt"

	"channelsync/events/kv"
	"channelsync/events/peer"
	"channelsync/events/store"
)

// Bus is a store with its journal, worklist, dead letters and tables open. Callers stop
// Dispatch and their watches before they close it.
type Bus struct {
	*store.Store
	stats    *counters
	journal  *Journal
	worklist *Worklist
	dead     *DeadLetters
}

// Open starts or reaches JetStream, makes the streams what they should be, and
// starts the goroutines that Close ends. The context bounds Open alone. A store
// that must not be used is refused before anything of it is touched.
func Open(ctx context.Context, cfg store.Config) (*Bus, error) {
	opened, err := store.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	b := &Bus{Store: opened, stats: new(counters)}
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

// Table opens a table, creating it when it does not exist.
func (b *Bus) Table(ctx context.Context, cfg kv.Config) (*kv.Table, error) {
	return kv.Open(ctx, b.Link, cfg)
}

// Peers are the other instances on the same NATS.
func (b *Bus) Peers() *peer.Peers { return peer.New(b.Link) }
