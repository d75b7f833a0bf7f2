package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
)

const (
	trimEvery = time.Minute
	// trimRounds bounds the steps towards the wanted size: sequences are not
	// bytes, so each step is an estimate.
	trimRounds = 16
	// roomPause is how long a failed attempt to make room stands for the next.
	roomPause = time.Second
)

// ErrJournalFull: the journal is at its cap (or the disk is) and holds nothing
// that was dispatched already. The change was not stored.
var ErrJournalFull = errors.New("the journal is full of changes that are not dispatched yet")

func (j *Journal) trimLoop(ctx context.Context) {
	js.Repeat(ctx, trimEvery, func(ctx context.Context) error {
		err := j.Trim(ctx)
		if err != nil && ctx.Err() == nil {
			j.Log.Warn("trim of the journal failed; the next try is in a minute", zap.String(v1.LogStream, j.Name), zap.Error(err))
		}
		return err
	})
}

// Trim removes changes that are older than the retention, and the oldest beyond
// the cap, but never one that dispatch has not acknowledged. The bus does so
// every minute by itself.
func (j *Journal) Trim(ctx context.Context) error {
	_, err := j.trim(ctx, false)
	return err
}

// withRoom runs a publish; where it finds the journal full, it makes room once
// and tries again.
func (j *Journal) withRoom(ctx context.Context, publish func() error) error {
	before := j.room.made.Load()
	err := publish()
	if js.IsFull(err) && j.makeRoom(ctx, before) {
		err = publish()
	}
	if js.IsFull(err) {
		return fmt.Errorf("%w: %w", ErrJournalFull, err)
	}
	return err
}

// makeRoom says whether a publish is worth another try: room was made since the
// caller's first, or is made now. While nothing can give way it asks the server
// once a second, not once for each publish.
func (j *Journal) makeRoom(ctx context.Context, before uint64) bool {
	leave, err := j.room.Enter(ctx)
	if err != nil {
		return false
	}
	defer leave()
	if j.room.made.Load() != before {
		return true
	}
	if j.Now().Sub(j.room.refused) < roomPause {
		return false
	}
	freed, err := j.trim(ctx, true)
	if err != nil {
		j.Log.Warn("no room made in the journal", zap.String(v1.LogStream, j.Name), zap.Error(err))
	}
	if freed {
		j.room.made.Add(1)
	} else {
		j.room.refused = j.Now()
	}
	return freed
}

// trim says whether it removed anything.
func (j *Journal) trim(ctx context.Context, full bool) (freed bool, err error) {
	err = j.Call(ctx, "trim journal", func(ctx context.Context) error {
		info, err := j.dispatcher.Info(ctx)
		if err != nil {
			return fmt.Errorf("ask how far dispatch is: %w", err)
		}
		keep := info.AckFloor.Stream + 1 // the first sequence that must stay
		stream, err := j.Handle.Info(ctx)
		if err != nil {
			return fmt.Errorf("ask the journal's size: %w", err)
		}
		before := stream.State
		after, err := j.trimAge(ctx, before, retained{keep, stream.TimeStamp.Add(-j.cfg.Retention)})
		if err == nil {
			after, err = j.trimSize(ctx, after, keep, full)
		}
		if freed = after.FirstSeq > before.FirstSeq; freed {
			j.Log.Info("journal trimmed", zap.String(v1.LogStream, j.Name),
				zap.Uint64(v1.LogCount, before.Msgs-min(before.Msgs, after.Msgs)))
		}
		return err
	})
	return freed, err
}

func (j *Journal) state(ctx context.Context) (jetstream.StreamState, error) {
	info, err := j.Handle.Info(ctx)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("ask the journal's size: %w", err)
	}
	return info.State, nil
}

// retained is what must stay in the journal.
type retained struct {
	from  uint64    // this sequence and all later ones
	since time.Time // what was stored from then on, by the clock that says when: the server's
}

// trimAge removes what is older than the retention and was dispatched.
func (j *Journal) trimAge(ctx context.Context, s jetstream.StreamState, keep retained) (jetstream.StreamState, error) {
	cutoff := keep.since
	if j.cfg.Retention == 0 || s.Msgs == 0 || !s.FirstTime.Before(cutoff) {
		return s, nil
	}
	upTo := s.LastSeq + 1
	if !s.LastTime.Before(cutoff) {
		p, err := j.DirectGet(ctx, js.GetRequest{NextFor: ">", StartTime: &cutoff, Batch: 1})
		if err != nil {
			return s, fmt.Errorf("find the first change to keep: %w", err)
		}
		if len(p.Msgs) == 0 {
			return s, nil // a replica that lags; it will know next time
		}
		upTo = p.Msgs[0].Sequence
	}
	if upTo = min(upTo, keep.from); upTo <= s.FirstSeq {
		return s, nil
	}
	if err := j.PurgeSubject(ctx, "", upTo); err != nil {
		return s, fmt.Errorf("remove old changes: %w", err)
	}
	return j.state(ctx)
}

// trimSize removes the oldest below keep until a tenth of the cap is free; a
// fifth when a publish found it full, so that it does not meet the cap at every
// step. A store that is full while the journal has no cap gets a fifth of it.
func (j *Journal) trimSize(
	ctx context.Context, s jetstream.StreamState, keep uint64, full bool,
) (jetstream.StreamState, error) {
	limit := uint64(j.cfg.JournalMaxBytes)
	target := limit / 10 * 9
	if full && limit == 0 {
		limit = s.Bytes
	}
	if full {
		target = limit / 5 * 4
	}
	if limit == 0 {
		return s, nil
	}
	for range trimRounds {
		if s.Bytes <= target || s.Msgs == 0 || s.FirstSeq >= keep {
			break
		}
		span := s.LastSeq - s.FirstSeq + 1
		drop := uint64(float64(span)*float64(s.Bytes-target)/float64(s.Bytes)) + 1
		if err := j.PurgeSubject(ctx, "", min(s.FirstSeq+drop, keep)); err != nil {
			return s, fmt.Errorf("remove the oldest changes: %w", err)
		}
		next, err := j.state(ctx)
		if err != nil {
			return s, err
		}
		s = next
	}
	return s, nil
}
