package events

import (
	"context"
	"errors"
	"fmt"

	"channelsync/events/kv"
	"channelsync/events/peer"
)

// Bus is a store with its journal, worklist, dead letters and tables open. Callers stop
// Dispatch and their watches before they close it.
type Bus struct {
	*Store
	stats    *counters
	journal  *Journal
	worklist *Worklist
	dead     *DeadLetters
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
	b := &Bus{Store: store, stats: new(counters)}
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
