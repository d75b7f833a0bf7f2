package kv

import (
	"context"
	"errors"
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
	at := make([]uint64, len(entries))
	for i, e := range entries {
		at[i] = e.Revision
	}
	err := t.updateMany(ctx, entries, at)
	if errors.Is(err, js.ErrConflict) {
		moved, failed := t.overNothing(ctx, entries, at)
		if failed != nil {
			return failed
		}
		if moved {
			err = t.updateMany(ctx, entries, at)
		}
	}
	refused := map[string]error{}
	if err := t.refusals(err, refused); err != nil || len(refused) == 0 {
		return err
	}
	return &js.RefusedError{Refused: refused}
}

func (t *Table) updateMany(ctx context.Context, entries []Entry, at []uint64) error {
	msgs := make([]*nats.Msg, 0, len(entries))
	for i, e := range entries {
		msg, err := t.message(e.Key, e.Value)
		if err != nil {
			return err
		}
		msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(at[i], 10))
		msgs = append(msgs, msg)
	}
	return t.Call(ctx, "update many "+t.cfg.Name, func(ctx context.Context) error {
		err := t.PublishTaken(ctx, msgs, func(i int, sequence uint64) { entries[i].Revision = sequence })
		if js.IsConflict(err) {
			return js.ErrConflict
		}
		return err
	})
}

// overNothing sets the expected revision of keys that hold no value to that of their delete marker, or of a message that
// is not authentic, and reports whether there was any. As in Create, neither counts as a value.
func (t *Table) overNothing(ctx context.Context, entries []Entry, at []uint64) (moved bool, err error) {
	indexes := map[string]int{}
	var subjects []string
	for i, e := range entries {
		if e.Revision == 0 {
			indexes[t.Prefix+e.Key] = i
			subjects = append(subjects, t.Prefix+e.Key)
		}
	}
	last, err := t.DirectLast(ctx, subjects)
	if err != nil {
		return false, fmt.Errorf("update many %s: %w", t.cfg.Name, err)
	}
	for _, msg := range last {
		if _, err := t.standing(ctx, msg); errors.Is(err, js.ErrNotFound) {
			at[indexes[msg.Subject]], moved = msg.Sequence, true
		}
	}
	return moved, nil
}
