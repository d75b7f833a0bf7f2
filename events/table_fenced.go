package events

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// PutFenced writes the entries and the fence as one atomic batch, if the fence is
// still at the given revision; else it writes nothing and returns ErrConflict. It
// returns the fence's new revision. So of several writers the one that wrote the
// fence last alone can write, however late a message of another arrives. At most 499
// entries; not for a Secure table.
func (t *Table) PutFenced(ctx context.Context, entries []KeyValue, fence KeyValue, revision uint64) (uint64, error) {
	if len(entries) >= batchMax || t.cfg.Secure {
		return 0, fmt.Errorf("put fenced %s: %d entries; want fewer than %d, and a table that is not secure", t.cfg.Name, len(entries), batchMax)
	}
	msgs := make([]*nats.Msg, 0, len(entries)+1)
	for _, e := range append([]KeyValue{fence}, entries...) {
		if err := checkKey(e.Key); err != nil {
			return 0, err
		}
		msg := nats.NewMsg(t.put + e.Key)
		msg.Data = e.Value
		msgs = append(msgs, msg)
	}
	msgs[0].Header.Set(jetstream.ExpectedLastSubjSeqHeader, fmt.Sprint(revision))
	var next uint64
	err := t.call(ctx, "put fenced "+t.cfg.Name, func(ctx context.Context) error {
		last, err := t.publishAtomic(ctx, msgs)
		if isConflict(err) {
			return ErrConflict
		}
		next = last - uint64(len(entries))
		return err
	})
	return next, err
}
