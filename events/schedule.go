package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
)

// Schedule makes records due after a wait each, on the live lane: the server keeps the
// schedule, across restarts of either. It replaces the record's earlier schedule;
// an entry that is due already stays. Waits have the grain of a second and
// may end up to one second early; one of zero or less ends at once.
//
// A schedule names a time of the server's, so the wait is counted from what the
// server's clock says: by ours it would end at once on a server that is ahead.
func (w *Worklist) Schedule(ctx context.Context, entries []DueEntry, wait func(DueEntry) time.Duration) error {
	if len(entries) == 0 {
		return nil
	}
	waits := make([]time.Duration, len(entries))
	err := w.Call(ctx, "schedule entries", func(ctx context.Context) error {
		now, err := w.serverTime(ctx)
		if err != nil {
			return err
		}
		msgs := make([]*nats.Msg, len(entries))
		for i, e := range entries {
			waits[i] = wait(e)
			if msgs[i], err = e.schedule(wholeSecond(now.Add(waits[i]))); err != nil {
				return err
			}
		}
		return w.PublishMsgs(ctx, lastOfEach(msgs))
	})
	if err != nil {
		return err
	}
	began := time.Now()
	for i, e := range entries {
		w.notifier.notifyAt(e.Installation, wholeSecond(began.Add(waits[i])))
	}
	return nil
}

// serverTime is what the clock says of the server that keeps the stream's schedules.
func (w *Worklist) serverTime(ctx context.Context) (time.Time, error) {
	info, err := w.Handle.Info(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the server's time: %w", err)
	}
	if info.TimeStamp.IsZero() {
		return time.Time{}, errors.New("ask the server's time: its answer has none")
	}
	return info.TimeStamp, nil
}

// schedule is the message that the server turns into the due entry when its time comes.
func (e DueEntry) schedule(at time.Time) (*nats.Msg, error) {
	subject, err := scheduleSubject(e.Installation, e.Kind, e.ID)
	if err != nil {
		return nil, err
	}
	target, err := dueSubject(e.Installation, e.Kind, LaneLive, e.ID)
	if err != nil {
		return nil, err
	}
	msg, err := e.messageTo(subject)
	if err != nil {
		return nil, err
	}
	msg.Header.Set(jetstream.ScheduleHeader, "@at "+at.UTC().Format(time.RFC3339))
	msg.Header.Set(jetstream.ScheduleTargetHeader, target)
	return msg, nil
}

// wholeSecond rounds up: the server's timer has the grain of a second.
func wholeSecond(t time.Time) time.Time {
	if truncated := t.Truncate(time.Second); !truncated.Equal(t) {
		return truncated.Add(time.Second)
	}
	return t
}

// Unschedule drops the schedules of records that were committed meanwhile. Ids
// without one are fine, and cost no write.
func (w *Worklist) Unschedule(ctx context.Context, installation string, kind v1.Kind, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	subjects := make([]string, 0, len(ids))
	for _, id := range ids {
		s, err := scheduleSubject(installation, kind, id)
		if err != nil {
			return err
		}
		subjects = append(subjects, s)
	}
	scheduled, err := w.DirectLast(ctx, subjects)
	if err != nil {
		return fmt.Errorf("cancel schedules: %w", err)
	}
	for _, msg := range scheduled {
		err := w.Call(ctx, "cancel schedule", func(ctx context.Context) error {
			return w.PurgeSubject(ctx, msg.Subject, msg.Sequence+1) // a newer schedule stays
		})
		if err != nil {
			return err
		}
	}
	return nil
}
