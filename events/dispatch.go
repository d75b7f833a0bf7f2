package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

const (
	fetchWait     = 10 * time.Second // how long one request waits for a change
	dispatchPause = time.Second      // after a failure; also how long the changes wait to come again
	// dispatchGather is how long changes gather after some were carried. An entry costs a flush
	// of the disk, a hundred of them in one batch little more; and what a lone change waits for
	// is the coalesce window, not this: it is carried at once.
	dispatchGather = 100 * time.Millisecond
	// A flood, of more than floodFrom changes at a time, gathers longer: whoever sends so
	// many sends many of the same records, and a batch of entries costs about ten flushes.
	floodFrom   = 100
	floodGather = 250 * time.Millisecond
	// carryMax is how many changes are carried at a time; a backlog is carried without a pause.
	carryMax = 10 * js.BatchMax
	// fetchMax is how many messages are asked for at a time: their rounds may be large.
	fetchMax = 100
	// unknownPause is how long a round waits that only a newer version can read.
	unknownPause = time.Minute
)

// Dispatch carries changes from the journal to the worklist until the context
// ends, and returns nil then. Any number of processes may run it. A change that
// could not be enqueued comes again; enqueueing twice is enqueueing once.
func (b *Bus) Dispatch(ctx context.Context) error {
	work := progress.Of(ctx)
	work.Wait(fetchWait)
	for ctx.Err() == nil {
		msgs, changes, err := b.fetch(ctx)
		work.Busy(progress.Live)
		if len(msgs) > 0 {
			err = errors.Join(err, b.carryAll(ctx, msgs))
		}
		if len(msgs) > 0 || err != nil || b.nothingWaits(ctx) {
			work.Move()
			work.Wait(fetchWait) // for the next change
		}
		if err == nil || ctx.Err() != nil {
			work.Fail(nil)
			if changes < carryMax {
				_ = lifecycle.Sleep(ctx, gatherAfter(changes))
			}
			continue
		}
		if b.NC.IsConnected() { // a lost connection is logged already
			work.Fail(err)
			_, missing := b.ensureDispatcher(ctx) // in case somebody removed the consumer
			b.Log.Warn("dispatch failed; trying again",
				zap.Error(errors.Join(err, missing)), zap.Int(v1.LogCount, len(msgs)))
		}
		_ = lifecycle.Sleep(ctx, dispatchPause)
	}
	return nil
}

// nothingWaits says that a fetch which found nothing was right: a consumer that hands out
// nothing while changes wait does not move the work.
func (b *Bus) nothingWaits(ctx context.Context) bool {
	lag, err := b.journal.Undispatched(progress.With(ctx, nil))
	return err == nil && lag == 0
}

// gatherAfter is how long changes gather after some were carried.
func gatherAfter(changes int) time.Duration {
	switch {
	case changes == 0:
		return 0
	case changes <= floodFrom:
		return dispatchGather
	}
	return floodGather
}

// fetch returns what waits now, up to about carryMax changes, or waits for the first
// message and returns it with what came along; and how many changes that is. A plain Fetch
// of so many messages would wait for all of them.
func (b *Bus) fetch(ctx context.Context) (msgs []jetstream.Msg, changes int, err error) {
	msgs, changes, err = b.fetchWaiting(nil)
	if len(msgs) > 0 || err != nil {
		return msgs, changes, err
	}
	wait, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	msgs, err = collectBatch(b.journal.dispatcher.Fetch(1, jetstream.FetchContext(wait)))
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = nil // nothing to do is not a failure
	}
	if len(msgs) == 0 || err != nil {
		return msgs, countChanges(msgs), err
	}
	return b.fetchWaiting(msgs)
}

// fetchWaiting adds what waits now to what was fetched.
func (b *Bus) fetchWaiting(msgs []jetstream.Msg) (all []jetstream.Msg, changes int, err error) {
	for changes = countChanges(msgs); changes < carryMax; {
		more, err := collectBatch(b.journal.dispatcher.FetchNoWait(fetchMax))
		msgs = append(msgs, more...)
		changes += countChanges(more)
		if err != nil || len(more) < fetchMax {
			return msgs, changes, err
		}
	}
	return msgs, changes, nil
}

// countChanges counts lines: a little more than there are changes in shared rounds.
func countChanges(msgs []jetstream.Msg) (n int) {
	for _, msg := range msgs {
		n += 1 + bytes.Count(msg.Data(), []byte{'\n'})
	}
	return n
}

func collectBatch(batch jetstream.MessageBatch, err error) ([]jetstream.Msg, error) {
	if err != nil {
		return nil, fmt.Errorf("fetch changes: %w", err)
	}
	var msgs []jetstream.Msg
	for msg := range batch.Messages() {
		msgs = append(msgs, msg)
	}
	if err := batch.Error(); err != nil {
		return msgs, fmt.Errorf("fetch changes: %w", err)
	}
	return msgs, nil
}

// carryAll carries messages, and one by one when that panics. A single message that panics
// is carried change by change: the one that causes it is logged and left out, so that it
// comes again for nobody.
func (b *Bus) carryAll(ctx context.Context, msgs []jetstream.Msg) error {
	err := panics.Try(func() error { return b.carry(ctx, msgs) })
	if panics.Of(err) == nil {
		return err
	}
	if len(msgs) == 1 {
		return b.carryEach(ctx, msgs[0])
	}
	var errs []error
	for _, msg := range msgs {
		errs = append(errs, b.carryAll(ctx, []jetstream.Msg{msg}))
	}
	return errors.Join(errs...)
}

// carryEach carries one message change by change, past those that panic.
func (b *Bus) carryEach(ctx context.Context, msg jetstream.Msg) error {
	var errs []error
	err := panics.Try(func() error {
		return b.changesIn(msg, func(c StoredChange, readErr error) {
			enqueueErr := panics.Try(func() error {
				l := newLoad(1)
				b.add(l, c, readErr)
				return b.enqueue(context.WithoutCancel(ctx), l)
			})
			if panics.Of(enqueueErr) == nil {
				errs = append(errs, enqueueErr)
				return
			}
			b.Log.Error("processing a change panicked, skipping it: the next sweep finds its record",
				zap.Uint64(v1.LogSequence, c.Sequence), zap.Int(v1.LogPlace, c.Place), zap.Error(enqueueErr), panics.Stack(enqueueErr))
			b.stats.terminated.Add(1)
		})
	})
	if panics.Of(err) != nil {
		b.Log.Error("reading a round panicked; ending it: the next sweep finds its records",
			zap.String("subject", msg.Subject()), zap.Error(err), panics.Stack(err))
		b.stats.terminated.Add(1)
		_ = msg.TermWithReason("panicked")
		return nil
	}
	err = errors.Join(errs...)
	b.acknowledge([]jetstream.Msg{msg}, err)
	return err
}

// load is what one step of dispatch enqueues: one entry for each record and lane, that of its
// last change.
type load struct {
	changes int
	entries []DueEntry
	at      map[recordLane]int // index in entries
	spans   []trace.Span       // of the changes that are traced
}

type recordLane struct {
	installation string
	kind         v1.Kind
	id           int64
	lane         Lane
}

// newLoad has room for as many changes, each of another record.
func newLoad(changes int) *load {
	return &load{entries: make([]DueEntry, 0, changes), at: make(map[recordLane]int, changes)}
}

// carry enqueues what the messages name, then acknowledges all of them; on an
// error all of them come again. What was fetched is carried to its end even when
// the context ends meanwhile: else it would wait for AckWait.
func (b *Bus) carry(ctx context.Context, msgs []jetstream.Msg) error {
	ctx = context.WithoutCancel(ctx)
	l := newLoad(countChanges(msgs))
	good := make([]jetstream.Msg, 0, len(msgs))
	for _, msg := range msgs {
		if b.changesIn(msg, func(c StoredChange, err error) { b.add(l, c, err) }) == nil {
			good = append(good, msg)
		}
	}
	err := b.enqueue(ctx, l)
	if js.IsFull(err) {
		b.journal.makeRoom(ctx, b.journal.room.made.Load())
	}
	b.acknowledge(good, err)
	if err != nil {
		b.stats.dispatchFailed.Add(uint64(l.changes))
		return err
	}
	b.stats.dispatched.Add(uint64(l.changes))
	return nil
}

// acknowledge ends messages, or has them come again.
func (b *Bus) acknowledge(msgs []jetstream.Msg, err error) {
	for _, msg := range msgs {
		if err != nil {
			_ = msg.NakWithDelay(dispatchPause) // if lost, AckWait brings it back
		} else {
			_ = msg.Ack() // if lost, it is enqueued twice
		}
	}
}

// changesIn hands on the changes of a message that are to be carried. A message with an
// error is done already: one of a format that is not known waits for a newer instance;
// what names no record can never be carried, and is logged and ended.
func (b *Bus) changesIn(msg jetstream.Msg, fn func(StoredChange, error)) error {
	meta, err := msg.Metadata()
	if err == nil {
		if msg.Headers().Get(keptHeader) == keptDispatched || msg.Subject() == journalProbe {
			return nil
		}
		err = readMessage(msg.Subject(), msg.Headers(), msg.Data(), meta.Timestamp, "", func(c StoredChange, err error) {
			c.Sequence = meta.Sequence.Stream
			fn(c, err)
		})
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errUnknownRound):
		b.Log.Error("dispatch of a newer version's changes failed; they wait for an instance of that version",
			zap.Uint64(v1.LogSequence, meta.Sequence.Stream), zap.Error(err))
		_ = msg.NakWithDelay(unknownPause)
	default:
		b.Log.Error("journal message names no record; ending it", zap.String("subject", msg.Subject()), zap.NamedError("cause", err))
		b.stats.terminated.Add(1)
		_ = msg.TermWithReason("names no record")
	}
	return err
}

// add keeps the entry of a change unless a later one of its record and lane is there.
func (b *Bus) add(l *load, c StoredChange, readErr error) {
	if readErr != nil {
		where := []zap.Field{zap.Uint64(v1.LogSequence, c.Sequence), zap.Int(v1.LogPlace, c.Place), zap.Error(readErr)}
		if c.Installation == "" {
			b.Log.Error("change names no record, skipping it", where...)
			b.stats.terminated.Add(1)
			return
		}
		b.Log.Warn("decode change failed, its record is enqueued all the same", where...)
	}
	l.changes++
	e := c.DueEntry()
	e.Traceparent = l.beginTrace(b.Config().Tracer, c)
	key := recordLane{e.Installation, e.Kind, e.ID, e.Lane}
	i, again := l.at[key]
	if !again {
		l.at[key] = len(l.entries)
		l.entries = append(l.entries, e)
		return
	}
	was := l.entries[i]
	if e.JournalSequence > was.JournalSequence || e.JournalSequence == was.JournalSequence && e.JournalPlace > was.JournalPlace {
		l.entries[i] = e.Following(was)
	} else {
		l.entries[i] = was.Following(e)
	}
	l.entries[i].Force = e.Force || was.Force
}
