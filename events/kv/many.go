package kv

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	js "channelsync/events/internal/jetstream"
)

// KeyValue is one write of PutMany.
type KeyValue struct {
	Key   string
	Value []byte
}

// GetMany returns the entries of the keys that are there.
func (t *Table) GetMany(ctx context.Context, keys []string) (map[string]Entry, error) {
	found := make(map[string]Entry, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	subjects := make([]string, 0, len(keys))
	for _, k := range keys {
		if err := checkKey(k); err != nil {
			return nil, err
		}
		subjects = append(subjects, t.Prefix+k)
	}
	msgs, err := t.DirectLast(ctx, subjects)
	if err != nil {
		return nil, fmt.Errorf("get many %s: %w", t.cfg.Name, err)
	}
	for _, msg := range msgs {
		msg, err := t.standing(ctx, msg)
		if errors.Is(err, js.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("get many %s: %w", t.cfg.Name, err)
		}
		e := t.entry(msg)
		found[e.Key] = e
	}
	return found, nil
}

// PutMany writes the entries in their order, in atomic batches of up to 500: on an
// error the batches before the failed one are written, of the failed one nothing. Only
// a *RefusedError says that all are written but those that it names.
func (t *Table) PutMany(ctx context.Context, entries []KeyValue) error {
	msgs := make([]*nats.Msg, 0, len(entries))
	for _, e := range entries {
		msg, err := t.message(e.Key, e.Value)
		if err != nil {
			return err
		}
		msgs = append(msgs, msg)
	}
	refused := map[string]error{}
	for len(msgs) > 0 {
		n := min(len(msgs), js.BatchMax)
		err := t.Call(ctx, "put many "+t.cfg.Name, func(ctx context.Context) error {
			return t.PublishTaken(ctx, msgs[:n], func(int, uint64) {})
		})
		if err := t.refusals(err, refused); err != nil {
			return err
		}
		msgs = msgs[n:]
	}
	if len(refused) > 0 {
		return &js.RefusedError{Refused: refused}
	}
	if !t.cfg.Secure {
		return nil
	}
	for _, e := range entries {
		err := t.Call(ctx, "overwrite "+t.cfg.Name, func(ctx context.Context) error {
			return t.wipeReplaced(ctx, e.Key, 0)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refusals adds what is refused to a list by key; every other error stays one.
func (t *Table) refusals(err error, to map[string]error) error {
	refused, ok := errors.AsType[*js.RefusedError](err)
	if !ok {
		return err
	}
	for subject, err := range refused.Refused {
		key := strings.TrimPrefix(subject, t.put)
		if large, ok := errors.AsType[*js.TooLargeError](err); ok {
			err = &js.TooLargeError{Key: key, Size: large.Size, Max: large.Max}
		}
		to[key] = err
	}
	return nil
}

// Each hands every present entry whose key begins with the prefix to fn, oldest
// write first, and returns fn's error as it is. The prefix is whole tokens: "a.b"
// means the keys "a.b.…"; empty means all. An entry written while it runs may come
// twice, or only as it was written; none that stands still is missed.
func (t *Table) Each(ctx context.Context, prefix string, fn func(Entry) error) error {
	return t.each(ctx, prefix, func(msg *jetstream.RawStreamMsg) error { return fn(t.entry(msg)) })
}

func (t *Table) each(ctx context.Context, prefix string, fn func(*jetstream.RawStreamMsg) error) error {
	filter, err := t.filter(prefix)
	if err != nil {
		return err
	}
	var failed error
	err = t.DirectEach(ctx, js.GetRequest{NextFor: filter}, func(msgs []*jetstream.RawStreamMsg) error {
		if msgs, err = t.present(ctx, msgs); err != nil {
			return err
		}
		for _, msg := range msgs {
			if failed = fn(msg); failed != nil {
				return failed
			}
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", t.cfg.Name, err)
	}
	return nil
}

// present drops deletions, what is not ours and, where the table keeps more than one
// revision of a key, all but the last.
func (t *Table) present(ctx context.Context, msgs []*jetstream.RawStreamMsg) ([]*jetstream.RawStreamMsg, error) {
	last := make(map[string]uint64, len(msgs))
	if t.cfg.History > 1 {
		subjects := make([]string, 0, len(msgs))
		for _, msg := range msgs {
			if _, ok := last[msg.Subject]; !ok {
				last[msg.Subject] = 0
				subjects = append(subjects, msg.Subject)
			}
		}
		lasts, err := t.DirectLast(ctx, subjects)
		if err != nil {
			return nil, err
		}
		for _, msg := range lasts {
			last[msg.Subject] = msg.Sequence
		}
	}
	kept := make([]*jetstream.RawStreamMsg, 0, len(msgs))
	for _, msg := range msgs {
		if t.cfg.History > 1 && last[msg.Subject] != msg.Sequence {
			continue
		}
		msg, err := t.standing(ctx, msg)
		if errors.Is(err, js.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		kept = append(kept, msg)
	}
	return kept, nil
}

// PurgePrefix removes every key that begins with the prefix (whole tokens, not
// empty). Watchers get no event of it.
func (t *Table) PurgePrefix(ctx context.Context, prefix string) error {
	if err := checkKey(prefix); err != nil {
		return err
	}
	return t.Call(ctx, "purge "+t.cfg.Name, func(ctx context.Context) error {
		filter := t.Prefix + prefix + ".>"
		if t.cfg.Secure {
			if err := t.overwrite(ctx, filter, 0); err != nil {
				return err
			}
		}
		return t.PurgeSubject(ctx, filter, 0)
	})
}

func (t *Table) filter(prefix string) (string, error) {
	if prefix == "" {
		return t.Prefix + ">", nil
	}
	if err := checkKey(prefix); err != nil {
		return "", err
	}
	return t.Prefix + prefix + ".>", nil
}
