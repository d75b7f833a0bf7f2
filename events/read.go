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

// Read hands the chosen changes to fn, oldest first, and returns fn's error as it
// is. It ends at what was stored when it began, so that a replay cannot chase
// what it causes, and misses nothing of it: a server that has just come back, and
// does not have all of it yet, is waited for. It leaves nothing behind on the server.
func (j *Journal) Read(ctx context.Context, from ReadFrom, fn func(StoredChange) error) error {
	filter, err := from.filter()
	if err != nil {
		return err
	}
	r := &reading{ReadFrom: from, journal: j, fn: fn}
	if r.end, _, err = r.newest(ctx, filter); err != nil {
		return err
	}
	req := getRequest{NextFor: filter, Seq: from.FromSequence}
	if from.FromSequence == 0 && !from.FromTime.IsZero() {
		req.StartTime = &from.FromTime
	}
	waited := 0
	for r.seen < r.end {
		before := r.seen
		err := j.each(ctx, req, r.page)
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
		now, early, err := r.newest(ctx, filter)
		if err != nil || early {
			return err
		}
		r.end = min(r.end, now)
		if waited++; r.seen > before {
			waited = 0
			req.StartTime, req.Seq = nil, r.seen+1
		}
		if waited > int(opTimeout/askAgain) {
			return fmt.Errorf("read journal: the server that answers has it to %d of %d", r.seen, r.end)
		}
		pause(ctx, askAgain)
	}
	return nil
}

// reading is one Read under way.
type reading struct {
	ReadFrom
	journal *Journal
	fn      func(StoredChange) error
	seen    uint64 // the last sequence that was read
	end     uint64 // the last sequence to read
	failed  error  // of fn
}

// newest is the sequence of the last change to read, as the journal's leader has it; 0 when there is none. Early says
// that it was stored before the time to read from.
func (r *reading) newest(ctx context.Context, filter string) (sequence uint64, early bool, err error) {
	err = r.journal.call(ctx, "read journal", func(ctx context.Context) error {
		msg, err := r.journal.leader(ctx, filter)
		switch {
		case errors.Is(err, ErrNotFound):
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

// page hands on what was chosen of some messages.
func (r *reading) page(msgs []*jetstream.RawStreamMsg) error {
	for _, msg := range msgs {
		if msg.Sequence > r.end || !r.ToTime.IsZero() && msg.Time.After(r.ToTime) {
			return errEnough
		}
		r.seen = msg.Sequence
		if msg.Time.Before(r.FromTime) {
			continue
		}
		if r.failed = r.fn(r.journal.stored(msg)); r.failed != nil {
			return r.failed
		}
	}
	return nil
}

// stored is the change of a message. One whose body cannot be read still names
// its record, and that is what a replay needs.
func (j *Journal) stored(msg *jetstream.RawStreamMsg) StoredChange {
	c, err := readChange(msg.Subject, msg.Header, msg.Data)
	if err != nil {
		j.log.Warn("journal holds a change that cannot be read",
			zap.Uint64(v1.LogSequence, msg.Sequence), zap.Error(err))
	}
	return StoredChange{Change: c, Sequence: msg.Sequence, StoredAt: msg.Time}
}

func (f ReadFrom) filter() (string, error) {
	if err := checkInstallation(f.Installation); err != nil {
		return "", err
	}
	kind, id := "*", "*"
	if f.Kind != "" {
		if err := checkKind(f.Kind); err != nil {
			return "", err
		}
		kind = string(f.Kind)
	}
	if f.ID < 0 {
		return "", fmt.Errorf("id %d: %w", f.ID, ErrBadName)
	}
	if f.ID > 0 {
		id = strconv.FormatInt(f.ID, 10)
	}
	return "change." + f.Installation + "." + kind + "." + id, nil
}
