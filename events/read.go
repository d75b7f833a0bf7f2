package events

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/internal/lifecycle"
)

// ReadFrom chooses what of the journal to read. Only the installation is required.
type ReadFrom struct {
	Installation string
	Kind         v1.Kind // empty = every kind
	ID           int64   // 0 = every record (company 0 never syncs)
	FromSequence uint64
	FromTime     time.Time // of storing, inclusive; zero = from the first
	ToTime       time.Time // of storing, inclusive; zero = what was stored when the reading began
}

// errEnough ends a reading that has seen all it wants.
var errEnough = errors.New("enough")

// Read hands the wanted changes to fn and returns fn's error as it is: those that were
// stored alone, oldest first, then those that share rounds with other installations'. It ends at what was stored when it began, so that a replay cannot chase
// what it causes, and misses nothing of it: a server that has just come back, and
// does not have all of it yet, is waited for. It leaves nothing behind on the server.
func (j *Journal) Read(ctx context.Context, from ReadFrom, fn func(StoredChange) error) error {
	filters, err := from.filters()
	if err != nil {
		return err
	}
	wanted := func(msg *jetstream.RawStreamMsg) error {
		if !from.ToTime.IsZero() && msg.Time.After(from.ToTime) && msg.Header.Get(keptHeader) == "" {
			return nil
		}
		return j.changesOf(msg, from.Installation, func(c StoredChange) error {
			if !from.wants(c) {
				return nil
			}
			return fn(c)
		})
	}
	var parts []*reading
	for _, filter := range filters {
		r := &reading{ReadFrom: from, journal: j, filter: filter, fn: wanted}
		if r.end, _, err = r.newest(ctx); err != nil {
			return err
		}
		parts = append(parts, r)
	}
	for _, r := range parts {
		if err := r.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wants says whether a change was wanted.
func (f ReadFrom) wants(c StoredChange) bool {
	return (f.Kind == "" || c.Kind == f.Kind) && (f.ID == 0 || c.ID == f.ID) &&
		!c.StoredAt.Before(f.FromTime) && (f.ToTime.IsZero() || !c.StoredAt.After(f.ToTime))
}

// filters are the subjects of the messages that may hold what was wanted, the older ones
// first: before format 2 each change was a message with a subject of its own.
func (f ReadFrom) filters() ([]string, error) {
	if err := js.CheckInstallation(f.Installation); err != nil {
		return nil, err
	}
	kind, id := "*", "*"
	if f.Kind != "" {
		if err := checkKind(f.Kind); err != nil {
			return nil, err
		}
		kind = string(f.Kind)
	}
	if f.ID < 0 {
		return nil, fmt.Errorf("id %d: %w", f.ID, js.ErrBadName)
	}
	if f.ID > 0 {
		id = strconv.FormatInt(f.ID, 10)
	}
	subject := roundSubject(f.Installation)
	return []string{subject + "." + kind + "." + id, subject, sharedSubject}, nil
}

// changesOf hands on the changes of a message; of one installation alone, unless only is empty. What names no record is logged and left out.
func (j *Journal) changesOf(msg *jetstream.RawStreamMsg, only string, fn func(StoredChange) error) (failed error) {
	err := readMessage(msg.Subject, msg.Header, msg.Data, msg.Time, only, func(c StoredChange, err error) {
		if err != nil {
			j.Log.Warn("read change of the journal failed",
				zap.Uint64(v1.LogSequence, msg.Sequence), zap.Int(v1.LogPlace, c.Place), zap.Error(err))
		}
		if c.Installation == "" || failed != nil {
			return
		}
		c.Sequence = msg.Sequence
		failed = fn(c)
	})
	if errors.Is(err, errUnknownRound) {
		return fmt.Errorf("read message %d of the journal: %w", msg.Sequence, err)
	}
	if err != nil {
		j.Log.Warn("journal message names no record, skipping it", zap.Uint64(v1.LogSequence, msg.Sequence), zap.Error(err))
	}
	return failed
}

// reading is one pass over the messages of one filter.
type reading struct {
	ReadFrom
	journal *Journal
	filter  string
	fn      func(*jetstream.RawStreamMsg) error
	seen    uint64 // the last sequence that was read
	end     uint64 // the last sequence to read
	failed  error  // of fn
}

func (r *reading) run(ctx context.Context) error {
	req := js.GetRequest{NextFor: r.filter, Seq: r.FromSequence}
	if r.FromSequence == 0 && !r.FromTime.IsZero() {
		req.StartTime = &r.FromTime
	}
	waited := 0
	for r.seen < r.end {
		before := r.seen
		err := r.journal.DirectEach(ctx, req, r.page)
		switch {
		case r.failed != nil:
			return r.failed
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return fmt.Errorf("read journal: %w", err)
		case r.seen >= r.end:
			return nil
		}
		// Whoever answered lags behind, unless the last one was removed meanwhile.
		now, early, err := r.newest(ctx)
		if err != nil || early {
			return err
		}
		r.end = min(r.end, now)
		if waited++; r.seen > before {
			waited = 0
			req.StartTime, req.Seq = nil, r.seen+1
		}
		if waited > int(js.OpTimeout/js.AskAgain) {
			return fmt.Errorf("read journal: the server that answers has it to %d of %d", r.seen, r.end)
		}
		_ = lifecycle.Sleep(ctx, js.AskAgain)
	}
	return nil
}

// newest is the sequence of the last message to read, as the journal's leader has it; 0 when there is none. Early says
// that it was stored before the time to read from.
func (r *reading) newest(ctx context.Context) (sequence uint64, early bool, err error) {
	err = r.journal.Call(ctx, "read journal", func(ctx context.Context) error {
		msg, err := r.journal.LeaderMsg(ctx, r.filter)
		switch {
		case errors.Is(err, js.ErrNotFound):
			return nil
		case err != nil:
			return err
		case msg.Sequence >= r.FromSequence:
			sequence, early = msg.Sequence, msg.Time.Before(r.FromTime)
		}
		return nil
	})
	return sequence, early, err
}

// page hands on the messages up to the end.
func (r *reading) page(msgs []*jetstream.RawStreamMsg) error {
	for _, msg := range msgs {
		if msg.Sequence > r.end {
			return errEnough
		}
		r.seen = msg.Sequence
		if msg.Time.Before(r.FromTime) {
			continue
		}
		if r.failed = r.fn(msg); r.failed != nil {
			return r.failed
		}
	}
	return nil
}
