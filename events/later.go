package events

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
)

// Later makes records due at a time each, on the live lane: the server keeps the
// schedule, across restarts of either. It replaces the record's earlier schedule;
// a mark that the record has already stays. Times have the grain of a second and
// may fire up to one second early; a time that is past fires at once.
func (w *Worklist) Later(ctx context.Context, marks []Mark, at func(Mark) time.Time) error {
	if len(marks) == 0 {
		return nil
	}
	msgs := make([]*nats.Msg, 0, len(marks))
	due := make([]time.Time, 0, len(marks))
	for _, m := range marks {
		when := wholeSecond(at(m))
		msg, err := m.schedule(when)
		if err != nil {
			return err
		}
		msgs, due = append(msgs, msg), append(due, when)
	}
	msgs = lastOfEach(msgs)
	err := w.call(ctx, "schedule marks", func(ctx context.Context) error { return w.publishAll(ctx, msgs) })
	if err != nil {
		return err
	}
	for i, m := range marks {
		w.wakes.wakeAt(m.Installation, due[i])
	}
	return nil
}

// schedule is the message that the server turns into the mark when its time comes.
func (m Mark) schedule(at time.Time) (*nats.Msg, error) {
	subject, err := laterSubject(m.Installation, m.Kind, m.ID)
	if err != nil {
		return nil, err
	}
	target, err := dueSubject(m.Installation, m.Kind, LaneLive, m.ID)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode mark: %w", err)
	}
	msg := nats.NewMsg(subject)
	msg.Data = body
	msg.Header.Set(jetstream.ScheduleHeader, "@at "+at.UTC().Format(time.RFC3339))
	msg.Header.Set(jetstream.ScheduleTargetHeader, target)
	return msg, nil
}

// wholeSecond rounds up: the server's timer has the grain of a second.
func wholeSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}

// CancelLater drops the schedules of records that were settled meanwhile. Ids
// without one are fine, and cost no write.
func (w *Worklist) CancelLater(ctx context.Context, installation string, kind v1.Kind, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	subjects := make([]string, 0, len(ids))
	for _, id := range ids {
		s, err := laterSubject(installation, kind, id)
		if err != nil {
			return err
		}
		subjects = append(subjects, s)
	}
	scheduled, err := w.last(ctx, subjects)
	if err != nil {
		return fmt.Errorf("cancel schedules: %w", err)
	}
	for _, msg := range scheduled {
		err := w.call(ctx, "cancel schedule", func(ctx context.Context) error {
			return w.purge(ctx, msg.Subject, msg.Sequence+1) // a newer schedule stays
		})
		if err != nil {
			return err
		}
	}
	return nil
}
