package events

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/store"
	"channelsync/internal/gate"
)

// Journal is the append-only stream of changes, in rounds that were stored with one flush each.
type Journal struct {
	*js.Stream
	cfg        store.Config
	stats      *counters
	dispatcher jetstream.Consumer
	in         chan *submission
	known      knownChanges

	room struct {
		gate.Gate
		made    atomic.Uint64 // how often room was made
		refused time.Time     // when there was last none to make; of whoever is inside
	}
}

func (b *Bus) openJournal(ctx context.Context) error {
	handle, err := b.EnsureStream(ctx, journalConfig(b.Config()))
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
		Stream: b.Use(handle, js.ProbeTo(journalProbe)), cfg: b.Config(), stats: b.stats, dispatcher: dispatcher,
		in: make(chan *submission, roundMax),
	}
	if err := b.journal.readKnown(ctx); err != nil {
		return err
	}
	b.Own("commit of changes", b.journal.commitLoop)
	b.Own("trim of the journal", b.journal.trimLoop)
	return nil
}

// Publish stores a change and returns when it is durable. The id says which change it
// is: one that this process stored within the last 30 minutes (of the newest 200,000 at
// least, also before a restart) is not stored again. An empty id is never a duplicate.
//
// The context, and 5 s in any case, bound the wait; a caller that gave up does not know
// whether the change was stored. ErrJournalFull and ErrChangeTooLarge say that it was not.
//
// A change that is published in a span that is recorded takes its trace along.
func (j *Journal) Publish(ctx context.Context, c Change, id string) (Receipt, error) {
	if trace.SpanFromContext(ctx).IsRecording() {
		return j.publishTraced(ctx, c, id)
	}
	return j.publish(ctx, c, id, false)
}

func (j *Journal) publish(ctx context.Context, c Change, id string, traced bool) (Receipt, error) {
	if err := checkMessageID(id); err != nil {
		return Receipt{}, err
	}
	s := &submission{installation: c.Installation, key: keyOf(id), traced: traced, done: make(chan result, 1)}
	if receipt, ok := j.known.find(s.key, j.Now()); ok {
		j.stats.duplicates.Add(1)
		return receipt, nil
	}
	var err error
	if s.line, err = j.line(c, s.key); err != nil {
		return Receipt{}, err
	}
	var receipt Receipt
	err = j.Call(ctx, "publish change", func(ctx context.Context) error {
		s.ctx = ctx
		receipt, err = j.submit(s)
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

// PublishAll stores many changes, without ids. On an error some may be stored; storing
// them again is harmless.
func (j *Journal) PublishAll(ctx context.Context, changes []Change) error {
	if trace.SpanFromContext(ctx).IsRecording() {
		return j.publishAllTraced(ctx, changes)
	}
	return j.publishAll(ctx, changes)
}

func (j *Journal) publishAll(ctx context.Context, changes []Change) error {
	all := make([]*submission, len(changes))
	for i, c := range changes {
		text, err := j.line(c, changeKey{})
		if err != nil {
			return err
		}
		all[i] = &submission{installation: c.Installation, line: text}
	}
	return j.publishPacked(ctx, all, "")
}

// publishPacked stores lines in as few rounds as they fill, one after another. kept is
// empty, or says of changes that are written again whether they were dispatched.
func (j *Journal) publishPacked(ctx context.Context, all []*submission, kept string) error {
	for _, r := range j.pack(all) {
		r.kept = kept
		err := j.Call(ctx, "publish changes", func(ctx context.Context) error {
			j.store(ctx, r)
			return r.err
		})
		if err != nil {
			j.stats.refused.Add(uint64(len(r.changes)))
			return err
		}
		j.stats.published.Add(uint64(len(r.changes)))
	}
	return nil
}

// line encodes a change, unless it is too large for any round.
func (j *Journal) line(c Change, key changeKey) ([]byte, error) {
	text, err := encodeLine(c, key, time.Time{})
	if err != nil {
		return nil, err
	}
	if most := j.roundLimit() - lineRoom; len(text) > most {
		return nil, fmt.Errorf("%w: %s %d takes %d bytes, at most %d fit", ErrChangeTooLarge, c.Kind, c.ID, len(text), most)
	}
	return text, nil
}

// headerRoom is what the headers of a message may take at most, in bytes.
const headerRoom = 1 << 10

// roundLimit is how large the body of a round may be: less than roundBytes where the
// server or an operator's limit of the stream takes less.
func (j *Journal) roundLimit() int {
	limit := int64(roundBytes)
	if most := j.NC.MaxPayload(); most > 0 { // 0: never connected
		limit = min(limit, most-headerRoom)
	}
	if most := int64(j.Handle.CachedInfo().Config.MaxMsgSize); most > 0 {
		limit = min(limit, most-headerRoom)
	}
	return int(limit)
}

// messageIDMax is the longest id of a change, in bytes.
const messageIDMax = 256

// checkMessageID keeps what identifies a change short and printable.
func checkMessageID(id string) error {
	if len(id) > messageIDMax {
		return fmt.Errorf("id of a change of %d bytes: %w", len(id), js.ErrBadName)
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return fmt.Errorf("id of a change %q: %w", id, js.ErrBadName)
		}
	}
	return nil
}
