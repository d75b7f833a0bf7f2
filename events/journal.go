package events

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
	"channelsync/internal/gate"
)

// Journal is the append-only stream of changes, one subject for each record.
type Journal struct {
	*stream
	cfg        Config
	dispatcher jetstream.Consumer
	in         chan *submission
	stopped    chan struct{} // closed when the committer has returned

	room struct {
		gate.Gate
		made    atomic.Uint64 // how often room was made
		refused time.Time     // when there was last none to make; of whoever is inside
	}
}

func (b *Bus) openJournal(ctx context.Context) error {
	handle, err := b.ensureStream(ctx, b.cfg.journalConfig())
	if err != nil {
		return err
	}
	dispatcher, err := b.ensureDispatcher(ctx)
	if err != nil {
		return err
	}
	if err := b.reclaim(ctx, handle, dispatcher); err != nil {
		return err
	}
	b.journal = &Journal{
		stream: b.use(handle, to("change.probe")), cfg: b.cfg, dispatcher: dispatcher,
		in: make(chan *submission, batchMax), stopped: make(chan struct{}),
	}
	b.own(b.journal.commitLoop)
	b.own(b.journal.trimLoop)
	return nil
}

// Publish stores a change and returns when it is durable. A change with a
// message id that was stored within the last 30 minutes is not stored again;
// an empty id is never a duplicate.
//
// The context, and 5 s in any case, bound the wait; a caller that gave up does
// not know whether the change was stored. ErrJournalFull says that it was not.
func (j *Journal) Publish(ctx context.Context, c Change, msgID string) (Receipt, error) {
	if err := checkMessageID(msgID); err != nil {
		return Receipt{}, err
	}
	msg, err := c.message(msgID)
	if err != nil {
		return Receipt{}, err
	}
	var receipt Receipt
	err = j.call(ctx, "publish change", func(ctx context.Context) error {
		receipt, err = j.submit(ctx, msg, msgID)
		return err
	})
	switch {
	case err != nil:
		j.stats.refused.Add(1)
	case receipt.Duplicate:
		j.stats.duplicates.Add(1)
	default:
		j.stats.published.Add(1)
	}
	return receipt, err
}

// PublishAll stores many changes in atomic batches of up to 500, without message
// ids. On an error the batches before the failed one are stored; storing them
// again is harmless.
func (j *Journal) PublishAll(ctx context.Context, changes []Change) error {
	msgs := make([]*nats.Msg, 0, len(changes))
	for _, c := range changes {
		msg, err := c.message("")
		if err != nil {
			return err
		}
		msgs = append(msgs, msg)
	}
	for len(msgs) > 0 {
		n := min(len(msgs), batchMax)
		err := j.call(ctx, "publish changes", func(ctx context.Context) error {
			return j.withRoom(ctx, func() error { return j.publishTogether(ctx, msgs[:n]) })
		})
		if err != nil {
			j.stats.refused.Add(uint64(n))
			return err
		}
		j.stats.published.Add(uint64(n))
		msgs = msgs[n:]
	}
	return nil
}

// publishTogether is publishAtomic, which a single message does not need.
func (s *stream) publishTogether(ctx context.Context, msgs []*nats.Msg) error {
	if len(msgs) == 1 {
		_, err := s.publish(ctx, msgs[0])
		return err
	}
	_, err := s.publishAtomic(ctx, msgs)
	return err
}

// PurgeKind removes every change of one kind of an installation, dispatched or not.
func (j *Journal) PurgeKind(ctx context.Context, installation string, kind v1.Kind) error {
	of, err := scope(installation, kind)
	if err != nil {
		return err
	}
	return j.call(ctx, "purge journal", func(ctx context.Context) error {
		return j.purge(ctx, "change."+of+".>", 0)
	})
}

// Purge removes every change of an installation, dispatched or not.
func (j *Journal) Purge(ctx context.Context, installation string) error {
	if err := checkInstallation(installation); err != nil {
		return err
	}
	return j.call(ctx, "purge journal", func(ctx context.Context) error {
		return j.purge(ctx, "change."+installation+".>", 0)
	})
}

// messageIDMax is the longest message id, in bytes.
const messageIDMax = 256

// checkMessageID keeps a message id from becoming a second header line.
func checkMessageID(id string) error {
	if len(id) > messageIDMax {
		return fmt.Errorf("message id of %d bytes: %w", len(id), ErrBadName)
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return fmt.Errorf("message id %q: %w", id, ErrBadName)
		}
	}
	return nil
}
