package events

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// UpdateMany writes entries that are each still at the given revision (0: not there
// at all) as one atomic batch. When one is not it returns ErrConflict and nothing is
// written. The entries get their new revisions. At most 500 of them, each of another
// key; not for a Secure table.
func (t *Table) UpdateMany(ctx context.Context, entries []Entry) error {
	if len(entries) > batchMax || t.cfg.Secure {
		return fmt.Errorf("update many %s: %d entries; want at most %d, and a table that is not secure", t.cfg.Name, len(entries), batchMax)
	}
	if len(entries) == 0 {
		return nil
	}
	msgs := make([]*nats.Msg, 0, len(entries))
	for _, e := range entries {
		if err := checkKey(e.Key); err != nil {
			return err
		}
		msg := nats.NewMsg(t.put + e.Key)
		msg.Data = e.Value
		msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(e.Revision, 10))
		msgs = append(msgs, msg)
	}
	var last uint64
	err := t.call(ctx, "update many "+t.cfg.Name, func(ctx context.Context) (err error) {
		if len(msgs) == 1 {
			var ack *jetstream.PubAck
			if ack, err = t.publish(ctx, msgs[0]); err == nil {
				last = ack.Sequence
			}
		} else {
			last, err = t.publishAtomic(ctx, msgs)
		}
		if isConflict(err) {
			return ErrConflict
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := range entries {
		entries[i].Revision = last - uint64(len(entries)-1-i)
	}
	return nil
}
