package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

const (
	fetchWait     = 10 * time.Second // how long one request waits for a change
	dispatchPause = time.Second      // after a failure; also how long the changes wait to come again
	// dispatchGather is how long changes gather after some were carried. A mark costs a flush
	// of the disk, a hundred of them in one batch little more; and what a lone change waits for
	// is the coalesce window, not this: it is carried at once.
	dispatchGather = 100 * time.Millisecond
)

// Dispatch carries changes from the journal to the worklist until the context
// ends, and returns nil then. Any number of processes may run it. A change that
// could not be marked comes again; marking twice is marking once.
func (b *Bus) Dispatch(ctx context.Context) error {
	work := progress.Of(ctx)
	work.Wait(fetchWait)
	for ctx.Err() == nil {
		msgs, err := b.fetch(ctx)
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
			if n := len(msgs); n > 0 && n < batchMax {
				pause(ctx, dispatchGather)
			}
			continue
		}
		if b.nc.IsConnected() { // a lost connection is logged already
			work.Fail(err)
			_, missing := b.ensureDispatcher(ctx) // in case somebody removed the consumer
			b.log.Warn("dispatch failed; trying again",
				zap.Error(errors.Join(err, missing)), zap.Int(v1.LogCount, len(msgs)))
		}
		pause(ctx, dispatchPause)
	}
	return nil
}

// nothingWaits says that a fetch which found nothing was right: a consumer that hands out
// nothing while changes wait does not move the work.
func (b *Bus) nothingWaits(ctx context.Context) bool {
	lag, err := b.journal.Undispatched(progress.With(ctx, nil))
	return err == nil && lag == 0
}

// fetch returns what waits now, or waits for the first change and returns it
// with what came along. A plain Fetch of 500 would wait for all of them.
func (b *Bus) fetch(ctx context.Context) ([]jetstream.Msg, error) {
	msgs, err := collectBatch(b.journal.dispatcher.FetchNoWait(batchMax))
	if len(msgs) > 0 || err != nil {
		return msgs, err
	}
	wait, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	msgs, err = collectBatch(b.journal.dispatcher.Fetch(1, jetstream.FetchContext(wait)))
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = nil // nothing to do is not a failure
	}
	if len(msgs) == 0 || err != nil {
		return msgs, err
	}
	more, err := collectBatch(b.journal.dispatcher.FetchNoWait(batchMax - 1))
	return append(msgs, more...), err
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

// carryAll carries messages, and one by one when that panics: the one that causes it is
// logged and ended, so that it comes again for nobody.
func (b *Bus) carryAll(ctx context.Context, msgs []jetstream.Msg) error {
	err := panics.Try(func() error { return b.carry(ctx, msgs) })
	if panics.Of(err) == nil {
		return err
	}
	if len(msgs) == 1 {
		b.log.Error("carrying a change panicked; ending it: the next sweep finds its record",
			zap.String("subject", msgs[0].Subject()), zap.Error(err), panics.Stack(err))
		b.stats.terminated.Add(1)
		_ = msgs[0].TermWithReason("panicked")
		return nil
	}
	var errs []error
	for _, msg := range msgs {
		errs = append(errs, b.carryAll(ctx, []jetstream.Msg{msg}))
	}
	return errors.Join(errs...)
}

// carry marks what the messages name, then acknowledges all of them; on an
// error all of them come again. What was fetched is carried to its end even when
// the context ends meanwhile: else it would wait for AckWait.
func (b *Bus) carry(ctx context.Context, msgs []jetstream.Msg) error {
	ctx = context.WithoutCancel(ctx)
	marks, good := b.marksOf(msgs)
	err := b.worklist.Mark(ctx, marks)
	if isFull(err) {
		b.journal.makeRoom(ctx, b.journal.room.made.Load())
	}
	for _, msg := range good {
		if err != nil {
			_ = msg.NakWithDelay(dispatchPause) // if lost, AckWait brings it back
		} else {
			_ = msg.Ack() // if lost, it is marked twice
		}
	}
	if err != nil {
		b.stats.dispatchFailed.Add(uint64(len(good)))
		return err
	}
	b.stats.dispatched.Add(uint64(len(good)))
	b.stats.marked.Add(uint64(len(marks)))
	return nil
}

// marksOf keeps one mark for each record and lane, the last. A message that names
// no record can never be carried: it is logged and ended.
func (b *Bus) marksOf(msgs []jetstream.Msg) (marks []Mark, good []jetstream.Msg) {
	at := make(map[string]int, len(msgs))
	for _, msg := range msgs {
		c, readErr := readChange(msg.Subject(), msg.Headers(), msg.Data())
		meta, metaErr := msg.Metadata()
		if metaErr != nil || c.Installation == "" {
			b.log.Error("journal message names no record; ending it",
				zap.String("subject", msg.Subject()), zap.NamedError("cause", errors.Join(readErr, metaErr)))
			b.stats.terminated.Add(1)
			_ = msg.TermWithReason("names no record")
			continue
		}
		if readErr != nil {
			b.log.Warn("change cannot be read; marking its record all the same",
				zap.Uint64(v1.LogSequence, meta.Sequence.Stream), zap.Error(readErr))
		}
		good = append(good, msg)
		m := StoredChange{Change: c, Sequence: meta.Sequence.Stream, StoredAt: meta.Timestamp}.Mark()
		key := msg.Subject() + " " + string(m.Lane)
		if i, ok := at[key]; ok {
			m.Force = m.Force || marks[i].Force
			if m.JournalSequence > marks[i].JournalSequence {
				marks[i] = m
			}
			continue
		}
		at[key] = len(marks)
		marks = append(marks, m)
	}
	return marks, good
}

// pause waits, or less when the context ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
