package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"channelsync/internal/lifecycle"
)

const (
	// BatchMax is the largest atomic batch we send; the server takes 1,000.
	BatchMax = 500
	// BatchFrom is where one atomic batch is faster than single publishes side by side: a
	// single one is a flush of the disk each, a batch the price of about ten, however large.
	BatchFrom = 16
	// batchesInFlight per stream and process; the server refuses more than 50 in all.
	batchesInFlight = 8
	batchRetry      = 20 * time.Millisecond
)

// Stream is one JetStream stream: writing, purging and (in direct.go) reading.
type Stream struct {
	*Link
	Name    string
	Handle  jetstream.Stream
	Probe   func() *nats.Msg // what Health may write to see whether writes are taken; no reader heeds it
	slots   chan struct{}    // one for each atomic batch in flight
	Failing atomic.Bool      // the last write failed the way writes to a frozen stream do
}

// PublishMsg stores one message, unless it is too large.
func (s *Stream) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := s.tooLarge(msg); err != nil {
		return nil, err
	}
	ack, err := s.JS.PublishMsg(ctx, msg, opts...)
	s.note(err)
	return ack, err
}

// publishAtomic stores all messages or none, in order and without a gap. It
// returns the sequence of the last.
func (s *Stream) publishAtomic(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for a batch slot: %w", ctx.Err())
	}
	for {
		ack, err := jetstreamext.PublishMsgBatch(ctx, s.JS, msgs,
			jetstreamext.BatchFlowControl{AckFirst: !s.Inside, AckTimeout: remaining(ctx)})
		unbatch(msgs)
		s.note(err)
		if err == nil {
			return ack.Sequence, nil
		}
		if !isTooManyBatches(err) {
			return 0, err
		}
		if lifecycle.Sleep(ctx, batchRetry) != nil { // other processes have batches open too
			return 0, err
		}
	}
}

// PublishMsgs stores the messages one by one or in atomic batches, whichever is
// faster. On an error some may be stored.
func (s *Stream) PublishMsgs(ctx context.Context, msgs []*nats.Msg) error {
	if len(msgs) == 1 {
		_, err := s.PublishMsg(ctx, msgs[0])
		return err
	}
	if len(msgs) < BatchFrom {
		errs := make([]error, len(msgs))
		var wg sync.WaitGroup
		for i, msg := range msgs {
			wg.Go(func() { _, errs[i] = s.PublishMsg(ctx, msg) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
	for len(msgs) > 0 {
		n := min(len(msgs), BatchMax)
		if n == 1 {
			_, err := s.PublishMsg(ctx, msgs[0])
			return err
		}
		if _, err := s.publishAtomic(ctx, msgs[:n]); err != nil {
			return err
		}
		msgs = msgs[n:]
	}
	return nil
}

// PurgeSubject removes what matches the subject below the sequence; 0 is no bound.
func (s *Stream) PurgeSubject(ctx context.Context, subject string, below uint64) error {
	var opts []jetstream.StreamPurgeOpt
	if subject != "" {
		opts = append(opts, jetstream.WithPurgeSubject(subject))
	}
	if below > 0 {
		opts = append(opts, jetstream.WithPurgeSequence(below))
	}
	return s.Handle.Purge(ctx, opts...)
}

// note remembers whether the stream takes writes.
func (s *Stream) note(err error) {
	switch {
	case err == nil:
		s.Failing.Store(false)
	case mayBeFrozen(err):
		s.Failing.Store(true)
	}
}

// unbatch takes off what a batch put on the messages, so that they can be sent again.
func unbatch(msgs []*nats.Msg) {
	for _, m := range msgs {
		m.Reply = ""
		m.Header.Del(jetstreamext.BatchIDHeader)
		m.Header.Del(jetstreamext.BatchSeqHeader)
		m.Header.Del(jetstreamext.BatchCommitHeader)
	}
}

func remaining(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(time.Until(end), time.Millisecond)
	}
	return OpTimeout
}
