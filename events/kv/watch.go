package kv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
)

// Event is a write to a table or, with Deleted, the end of a key.
type Event struct {
	Entry
	Deleted bool
}

// watchPause is how long a watch waits before it begins again after a failure.
const watchPause = time.Second

// Watch hands the present entries under a prefix (as in Each) to fn, then every
// change as it comes, in the order of the writes, until the context ends; it
// returns nil then. After a lost connection it goes on where it was.
func (t *Table) Watch(ctx context.Context, prefix string, fn func(Event)) error {
	filter, err := t.filter(prefix)
	if err != nil {
		return err
	}
	var seen uint64
	for ctx.Err() == nil {
		err := t.watch(ctx, filter, &seen, fn)
		if err == nil || ctx.Err() != nil {
			continue
		}
		t.Log.Warn("table watch failed, resuming where it was",
			zap.String(v1.LogStream, t.Name), zap.Uint64(v1.LogSequence, seen), zap.Error(err))
		_ = lifecycle.Sleep(ctx, watchPause)
	}
	return nil
}

func (t *Table) watch(ctx context.Context, filter string, seen *uint64, fn func(Event)) error {
	cfg := jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{filter}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
	}
	if *seen > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, *seen+1
	}
	var iter jetstream.MessagesContext
	err := t.Call(ctx, "watch "+t.cfg.Name, func(opening context.Context) error {
		cons, err := t.Handle.OrderedConsumer(opening, cfg)
		if err != nil {
			return err
		}
		iter, err = cons.Messages()
		return err
	})
	if err != nil {
		return err
	}
	defer iter.Stop()
	for {
		msg, err := iter.Next(jetstream.NextContext(ctx))
		if err != nil {
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				return nil
			}
			return fmt.Errorf("next change: %w", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read a change's place: %w", err)
		}
		*seen = meta.Sequence.Stream
		e := Event{Deleted: IsDeletion(msg.Headers())}
		e.Key, e.Revision, e.At = msg.Subject()[len(t.Prefix):], meta.Sequence.Stream, meta.Timestamp
		if e.Key == probeKey || !t.accepts(msg.Headers(), e.Key, msg.Data(), e.Revision) {
			continue
		}
		if !e.Deleted {
			e.Value = msg.Data()
		}
		if err := panics.Try(func() error { fn(e); return nil }); err != nil {
			t.Log.Error("handling a table's change panicked, skipping it",
				zap.String(v1.LogStream, t.Name), zap.Uint64(v1.LogSequence, *seen), zap.Error(err), panics.Stack(err))
		}
	}
}
