package events

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
)

// PurgeKind removes every change of one kind of an installation, dispatched or not. What
// else is in the same rounds is written again first, with the times it has, and is
// dispatched again only if it was not. A call that was cut short may be repeated; some of
// what stays may be there twice then.
func (j *Journal) PurgeKind(ctx context.Context, installation string, kind v1.Kind) error {
	of, err := scope(installation, kind)
	if err != nil {
		return err
	}
	erased := func(c StoredChange) bool { return c.Installation == installation && c.Kind == kind }
	last, err := j.keepOthers(ctx, roundSubject(installation), erased, nil)
	if err == nil && last > 0 {
		err = j.purgeJournal(ctx, roundSubject(installation), last+1)
	}
	if err == nil {
		err = j.eraseShared(ctx, erased)
	}
	if err == nil {
		err = j.purgeJournal(ctx, "change."+of+".>", 0) // of format 1
	}
	return err
}

// Purge removes every change of an installation, dispatched or not, as PurgeKind does.
func (j *Journal) Purge(ctx context.Context, installation string) error {
	if err := js.CheckInstallation(installation); err != nil {
		return err
	}
	err := j.purgeJournal(ctx, roundSubject(installation), 0)
	if err == nil {
		err = j.eraseShared(ctx, func(c StoredChange) bool { return c.Installation == installation })
	}
	if err == nil {
		err = j.purgeJournal(ctx, roundSubject(installation)+".>", 0) // of format 1
	}
	return err
}

func (j *Journal) purgeJournal(ctx context.Context, subject string, below uint64) error {
	return j.Call(ctx, "purge journal", func(ctx context.Context) error { return j.PurgeSubject(ctx, subject, below) })
}

// eraseShared writes shared rounds that hold what is erased again without it, and deletes
// them. The other shared rounds stay as they are.
func (j *Journal) eraseShared(ctx context.Context, erased func(StoredChange) bool) error {
	_, err := j.keepOthers(ctx, sharedSubject, erased, func(sequence uint64) error {
		return j.Call(ctx, "delete from journal", func(ctx context.Context) error {
			err := j.Handle.SecureDeleteMsg(ctx, sequence)
			if errors.Is(err, jetstream.ErrMsgNotFound) || js.HasCode(err, js.CodeMsgNotFound) { // trimmed meanwhile
				return nil
			}
			return err
		})
	})
	return err
}

// keepOthers writes again the changes that are not erased from the rounds under a subject. It
// calls remove with the sequence of each round that held an erased change, once the rest of that
// round is stored. Without remove it writes the rest of every round again, and the caller removes
// everything up to the returned sequence, which is 0 when nothing is erased.
func (j *Journal) keepOthers(
	ctx context.Context, subject string, erased func(StoredChange) bool, remove func(sequence uint64) error,
) (last uint64, err error) {
	k := &keeping{journal: j, erased: erased, remove: remove, state: keptDispatched}
	r := &reading{journal: j, filter: subject, fn: k.findErased}
	if r.end, _, err = r.newest(ctx); err != nil {
		return 0, err
	}
	end := r.end
	if err := r.run(ctx); err != nil && !errors.Is(err, errEnough) {
		return 0, err
	}
	if !k.holds {
		return 0, nil
	}
	info, err := j.dispatcher.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask how far dispatch is: %w", err)
	}
	k.floor = info.AckFloor.Stream
	r = &reading{journal: j, filter: subject, fn: func(msg *jetstream.RawStreamMsg) error { return k.keep(ctx, msg) }, end: end}
	if err := r.run(ctx); err != nil {
		return 0, err
	}
	return end, k.flush(ctx)
}

// keeping is one keepOthers under way.
type keeping struct {
	journal *Journal
	erased  func(StoredChange) bool
	remove  func(sequence uint64) error
	holds   bool   // something is to be erased
	floor   uint64 // what dispatch has acknowledged all up to

	state string // of the lines that wait
	lines []*submission
	gone  []uint64 // rounds whose rest is among the lines
}

// findErased finds out whether anything is to be erased.
func (k *keeping) findErased(msg *jetstream.RawStreamMsg) error {
	return k.journal.changesOf(msg, "", func(c StoredChange) error {
		if k.erased(c) {
			k.holds = true
			return errEnough
		}
		return nil
	})
}

// keep takes what stays of a round.
func (k *keeping) keep(ctx context.Context, msg *jetstream.RawStreamMsg) error {
	state := keptWaiting
	if msg.Sequence <= k.floor || msg.Header.Get(keptHeader) == keptDispatched {
		state = keptDispatched
	}
	if state != k.state || len(k.lines) >= roundMax {
		if err := k.flush(ctx); err != nil {
			return err
		}
		k.state = state
	}
	var rest []*submission
	holds := false
	err := k.journal.changesOf(msg, "", func(c StoredChange) error {
		if k.erased(c) {
			holds = true
			return nil
		}
		text, err := encodeLine(c.Change, changeKey{}, c.StoredAt) // as long as it was, and a time
		rest = append(rest, &submission{installation: c.Installation, line: text})
		return err
	})
	if err == nil && (holds || k.remove == nil) {
		k.lines = append(k.lines, rest...)
		k.gone = append(k.gone, msg.Sequence)
	}
	return err
}

// flush stores what stays, then removes the rounds that it was in.
func (k *keeping) flush(ctx context.Context) error {
	lines, gone := k.lines, k.gone
	k.lines, k.gone = nil, nil
	if err := k.journal.publishPacked(ctx, lines, k.state); err != nil {
		return err
	}
	if k.remove == nil {
		return nil
	}
	for _, sequence := range gone {
		if err := k.remove(sequence); err != nil {
			return err
		}
	}
	return nil
}
