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
// what it causes. It leaves nothing behind on the server.
func (j *Journal) Read(ctx context.Context, from ReadFrom, fn func(StoredChange) error) error {
	filter, err := from.filter()
	if err != nil {
		return err
	}
	var end uint64
	err = j.call(ctx, "read journal", func(ctx context.Context) error {
		state, err := j.state(ctx)
		end = state.LastSeq
		return err
	})
	if err != nil {
		return err
	}
	req := getRequest{NextFor: filter, Seq: from.FromSequence}
	if from.FromSequence == 0 && !from.FromTime.IsZero() {
		req.StartTime = &from.FromTime
	}
	var failed error
	err = j.each(ctx, req, func(msgs []*jetstream.RawStreamMsg) error {
		for _, msg := range msgs {
			if msg.Sequence > end || !from.ToTime.IsZero() && msg.Time.After(from.ToTime) {
				return errEnough
			}
			if msg.Time.Before(from.FromTime) {
				continue
			}
			if failed = fn(j.stored(msg)); failed != nil {
				return failed
			}
		}
		return nil
	})
	switch {
	case failed != nil:
		return failed
	case err == nil || errors.Is(err, errEnough):
		return nil
	}
	return fmt.Errorf("read journal: %w", err)
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
