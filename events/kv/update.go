package kv

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	js "channelsync/events/internal/jetstream"
)

// UpdateMany writes entries that are each still at the given revision (0: not there
// at all) as one atomic batch. When one is not it returns ErrConflict and nothing is
// written. The entries get their new revisions, also beside a *RefusedError, which says
// that all are written but those that it names. At most 500 of them, each of another
// key; not for a Secure table.
func (t *Table) UpdateMany(ctx context.Context, entries []Entry) error {
	if len(entries) > js.BatchMax || t.cfg.Secure {
		return fmt.Errorf("update many %s: %d entries; want at most %d, and a table that is not secure", t.cfg.Name, len(entries), js.BatchMax)
	}
	if len(entries) == 0 {
		return nil
	}
	msgs := make([]*nats.Msg, 0, len(entries))
	for _, e := range entries {
		msg, err := t.message(e.Key, e.Value)
		if err != nil {
			return err
		}
		msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(e.Revision, 10))
		msgs = append(msgs, msg)
	}
	err := t.Call(ctx, "update many "+t.cfg.Name, func(ctx context.Context) error {
		err := t.PublishTaken(ctx, msgs, func(i int, sequence uint64) { entries[i].Revision = sequence })
		if js.IsConflict(err) {
			return js.ErrConflict
		}
		return err
	})
	refused := map[string]error{}
	if err := t.refusals(err, refused); err != nil || len(refused) == 0 {
		return err
	}
	return &js.RefusedError{Refused: refused}
}
