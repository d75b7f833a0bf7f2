package kv

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	js "channelsync/events/internal/jetstream"
)

// Erase makes a key's value unreadable: every stored revision is overwritten on
// disk, then the key is removed without a trace. What was replaced before (in a
// table that is not Secure) is no longer known to the store and may still stand
// in its files; so what must be erasable belongs into a Secure table.
func (t *Table) Erase(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return t.Call(ctx, "erase "+t.cfg.Name, func(ctx context.Context) error {
		if err := t.overwrite(ctx, t.Prefix+key, 0); err != nil {
			return err
		}
		return t.PurgeSubject(ctx, t.Prefix+key, 0)
	})
}

// wipeReplaced overwrites what a write to a secure table replaced: everything
// below the revision, or below the last one when that is 0.
func (t *Table) wipeReplaced(ctx context.Context, key string, revision uint64) error {
	if !t.cfg.Secure {
		return nil
	}
	if revision == 0 {
		msg, err := t.LastMsg(ctx, t.Prefix+key)
		if err != nil {
			return err
		}
		revision = msg.Sequence
	}
	return t.overwrite(ctx, t.Prefix+key, revision)
}

// overwrite erases the stored revisions of a filter's keys below the given one; 0
// means all.
func (t *Table) overwrite(ctx context.Context, filter string, below uint64) error {
	return t.DirectEach(ctx, js.GetRequest{NextFor: filter}, func(msgs []*jetstream.RawStreamMsg) error {
		for _, msg := range msgs {
			if below > 0 && msg.Sequence >= below {
				continue
			}
			err := t.Handle.SecureDeleteMsg(ctx, msg.Sequence)
			if err != nil && !t.erased(ctx, msg.Sequence) {
				return fmt.Errorf("overwrite revision %d: %w", msg.Sequence, err)
			}
		}
		return nil
	})
}

// erased says whether a revision that could not be deleted is gone all the same:
// another writer of the key overwrote it first.
func (t *Table) erased(ctx context.Context, sequence uint64) bool {
	_, err := t.Handle.GetMsg(ctx, sequence)
	return errors.Is(err, jetstream.ErrMsgNotFound)
}
