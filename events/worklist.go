package events

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
)

// Worklist is the durable set of records that are due. Taking does not remove;
// Clear does, up to what was taken.
type Worklist struct {
	*js.Stream
	wakes *wakes
}

func (b *Bus) openWorklist(ctx context.Context) error {
	handle, err := b.EnsureStream(ctx, worklistConfig(b.Config()))
	if err != nil {
		return err
	}
	b.worklist = &Worklist{Stream: b.Use(handle, js.ProbeTo("due.probe")), wakes: newWakes()}
	if err := b.worklist.wakes.listen(b.NC); err != nil {
		return err
	}
	b.Own("notification of due retries", func(ctx context.Context) { js.Repeat(ctx, wakeGrain, b.worklist.wakes.wakeDue) })
	b.Own("notification of workers", func(ctx context.Context) {
		js.Repeat(ctx, wakeSweep, func(ctx context.Context) error { return b.worklist.wakes.sweep(ctx, b.worklist.marked) })
	})
	return nil
}

// marked says whether an installation has marks; yes when nobody can tell.
func (w *Worklist) marked(ctx context.Context, installation string) bool {
	p, err := w.DirectPage(ctx, js.GetRequest{NextFor: "due." + installation + ".>", Batch: 1})
	return err != nil || len(p.Msgs) > 0
}

// Mark makes records due and wakes their workers, here and in other processes.
// On an error some may be marked; marking them again is harmless.
func (w *Worklist) Mark(ctx context.Context, marks []Mark) error {
	if len(marks) == 0 {
		return nil
	}
	msgs := make([]*nats.Msg, 0, len(marks))
	for _, m := range marks {
		msg, err := m.message()
		if err != nil {
			return err
		}
		msgs = append(msgs, msg)
	}
	msgs = lastOfEach(msgs)
	err := w.Call(ctx, "mark records", func(ctx context.Context) error { return w.PublishMsgs(ctx, msgs) })
	if err != nil {
		return err
	}
	woken := make(map[string]bool)
	for _, m := range marks {
		if !woken[m.Installation] {
			woken[m.Installation] = true
			w.wakes.wakeAll(w.NC, m.Installation)
		}
	}
	return nil
}

// lastOfEach keeps the last message of each subject: those published side by side
// arrive in any order.
func lastOfEach(msgs []*nats.Msg) []*nats.Msg {
	at := make(map[string]int, len(msgs))
	kept := msgs[:0:0]
	for _, msg := range msgs {
		if i, ok := at[msg.Subject]; ok {
			kept[i] = msg
			continue
		}
		at[msg.Subject] = len(kept)
		kept = append(kept, msg)
	}
	return kept
}

// TakeMax is the most marks that one Take returns.
const TakeMax = 500

// Take returns the oldest marks of a lane, at most max (and TakeMax), in the order of
// their sequences. None is not an error. They stay until they are cleared.
func (w *Worklist) Take(
	ctx context.Context, installation string, kind v1.Kind, lane Lane, max int,
) ([]Mark, error) {
	filter, err := dueFilter(installation, kind, lane)
	if err != nil {
		return nil, err
	}
	if max < 1 {
		return nil, fmt.Errorf("take marks: at most %d asked for; want 1 or more", max)
	}
	var marks []Mark
	err = w.Call(ctx, "take marks", func(ctx context.Context) error {
		p, err := w.DirectGet(ctx, js.GetRequest{NextFor: filter, Batch: min(max, TakeMax)})
		if err != nil {
			return err
		}
		marks = make([]Mark, 0, len(p.Msgs))
		for _, msg := range p.Msgs {
			m, err := readMark(msg.Subject, msg.Data)
			if err != nil {
				return err
			}
			m.Sequence, m.MarkedAt = msg.Sequence, msg.Time
			marks = append(marks, m)
		}
		return nil
	})
	return marks, err
}

// Clear removes the marks of a lane up to a sequence that Take returned, that one
// included. A record marked again since then has a higher one and stays due. It
// may be repeated. A caller that settled only some of what it took clears up to
// the one before the first it did not settle, or marks that one again first.
func (w *Worklist) Clear(ctx context.Context, installation string, kind v1.Kind, lane Lane, upTo uint64) error {
	filter, err := dueFilter(installation, kind, lane)
	if err != nil {
		return err
	}
	if upTo == 0 {
		return fmt.Errorf("clear marks: no sequence given; clearing without one would lose marks")
	}
	return w.Call(ctx, "clear marks", func(ctx context.Context) error { return w.PurgeSubject(ctx, filter, upTo+1) })
}

// Depth is how much of an installation waits, and when the oldest of each began
// to; a zero time = none waits.
type Depth struct {
	Live, Bulk             int // due now
	Later                  int // waiting for another attempt
	Apart                  int // due, and sent apart from the others
	OldestLive, OldestBulk time.Time
	OldestLater            time.Time
	OldestApart            time.Time
}

// Depth counts without listing: each number is one small answer of the server.
func (w *Worklist) Depth(ctx context.Context, installation string) (Depth, error) {
	if err := js.CheckInstallation(installation); err != nil {
		return Depth{}, err
	}
	var d Depth
	err := w.Call(ctx, "count marks", func(ctx context.Context) error {
		// Most of many installations have nothing to do: one answer is enough for those.
		if count, _, err := w.CountMsgs(ctx, "*."+installation+".>"); err != nil || count == 0 {
			return err
		}
		for _, lane := range []struct {
			filter string
			n      *int
			oldest *time.Time
		}{
			{"due." + installation + ".*.live.*", &d.Live, &d.OldestLive},
			{"due." + installation + ".*.bulk.*", &d.Bulk, &d.OldestBulk},
			{"later." + installation + ".>", &d.Later, &d.OldestLater},
			{"due." + installation + ".*.apart.*", &d.Apart, &d.OldestApart},
		} {
			count, first, err := w.CountMsgs(ctx, lane.filter)
			if err != nil {
				return err
			}
			*lane.n = count
			if first != nil {
				*lane.oldest = first.Time
			}
		}
		return nil
	})
	return d, err
}

// PurgeKind removes every mark of an installation's records of one kind, due and later.
func (w *Worklist) PurgeKind(ctx context.Context, installation string, kind v1.Kind) error {
	of, err := scope(installation, kind)
	if err != nil {
		return err
	}
	return w.Call(ctx, "purge worklist", func(ctx context.Context) error {
		if err := w.PurgeSubject(ctx, "later."+of+".>", 0); err != nil {
			return err
		}
		return w.PurgeSubject(ctx, "due."+of+".>", 0)
	})
}

// PurgeInstallation removes every mark of an installation, due and later.
func (w *Worklist) PurgeInstallation(ctx context.Context, installation string) error {
	if err := js.CheckInstallation(installation); err != nil {
		return err
	}
	return w.Call(ctx, "purge worklist", func(ctx context.Context) error {
		if err := w.PurgeSubject(ctx, "later."+installation+".>", 0); err != nil {
			return err
		}
		return w.PurgeSubject(ctx, "due."+installation+".>", 0)
	})
}
