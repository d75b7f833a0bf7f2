package events

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
)

// Worklist is the durable set of records that are due. Peek does not remove entries;
// AckThrough does, up to a sequence that Peek returned.
type Worklist struct {
	*js.Stream
	notifier *notifier
}

func (b *Bus) openWorklist(ctx context.Context) error {
	handle, err := b.EnsureStream(ctx, worklistConfig(b.Config()))
	if err != nil {
		return err
	}
	b.worklist = &Worklist{Stream: b.Use(handle, js.ProbeTo("due.probe")), notifier: newNotifier()}
	if err := b.worklist.notifier.subscribePeers(b.NC); err != nil {
		return err
	}
	b.Own("notification of due retries", func(ctx context.Context) { js.Repeat(ctx, scheduleGrain, b.worklist.notifier.notifyDue) })
	b.Own("notification of workers", func(ctx context.Context) {
		js.Repeat(ctx, notifySweep, func(ctx context.Context) error { return b.worklist.notifier.sweep(ctx, b.worklist.hasEntries) })
	})
	return nil
}

// hasEntries says whether an installation has due entries; yes when the store does not answer.
func (w *Worklist) hasEntries(ctx context.Context, installation string) bool {
	p, err := w.DirectPage(ctx, js.GetRequest{NextFor: "due." + installation + ".>", Batch: 1})
	return err != nil || len(p.Msgs) > 0
}

// Enqueue makes records due and notifies their workers, here and in other processes.
// On an error some may be stored; enqueueing them again is harmless.
func (w *Worklist) Enqueue(ctx context.Context, entries []DueEntry) error {
	if len(entries) == 0 {
		return nil
	}
	entries = w.linkWaiting(ctx, entries)
	msgs := make([]*nats.Msg, 0, len(entries))
	for _, e := range entries {
		msg, err := e.message()
		if err != nil {
			return err
		}
		msgs = append(msgs, msg)
	}
	msgs = lastOfEach(msgs)
	err := w.Call(ctx, "enqueue records", func(ctx context.Context) error { return w.PublishMsgs(ctx, msgs) })
	if err != nil {
		return err
	}
	notified := make(map[string]bool)
	for _, e := range entries {
		if !notified[e.Installation] {
			notified[e.Installation] = true
			w.notifier.notifyAll(w.NC, e.Installation)
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

// PeekMax is the most entries that one Peek returns.
const PeekMax = 500

// Peek returns the oldest entries of a lane, at most max (and TakeMax), in the order of
// their sequences. None is not an error. They stay until AckThrough removes them.
func (w *Worklist) Peek(
	ctx context.Context, installation string, kind v1.Kind, lane Lane, max int,
) ([]DueEntry, error) {
	filter, err := dueFilter(installation, kind, lane)
	if err != nil {
		return nil, err
	}
	if max < 1 {
		return nil, fmt.Errorf("peek entries: at most %d asked for; want 1 or more", max)
	}
	var entries []DueEntry
	err = w.Call(ctx, "peek entries", func(ctx context.Context) error {
		p, err := w.DirectGet(ctx, js.GetRequest{NextFor: filter, Batch: min(max, PeekMax)})
		if err != nil {
			return err
		}
		entries = make([]DueEntry, 0, len(p.Msgs))
		for _, msg := range p.Msgs {
			e, err := readDueEntry(msg.Subject, msg.Data)
			if err != nil {
				return err
			}
			e.Sequence, e.EnqueuedAt = msg.Sequence, msg.Time
			entries = append(entries, e)
		}
		return nil
	})
	return entries, err
}

// AckThrough removes the entries of a lane up to and including a sequence that Peek
// returned. A record enqueued again since then has a higher one and stays due. It may
// be repeated. A caller that finished only some entries acknowledges up to the one
// before the first unfinished one, or enqueues that one again first.
func (w *Worklist) AckThrough(ctx context.Context, installation string, kind v1.Kind, lane Lane, upTo uint64) error {
	filter, err := dueFilter(installation, kind, lane)
	if err != nil {
		return err
	}
	if upTo == 0 {
		return fmt.Errorf("acknowledge entries: no sequence given; acknowledging without one would lose entries")
	}
	return w.Call(ctx, "acknowledge entries", func(ctx context.Context) error { return w.PurgeSubject(ctx, filter, upTo+1) })
}

// Depth is how much of an installation waits, and when the oldest of each began
// to; a zero time = none waits.
type Depth struct {
	Live, Bulk             int // due now
	Scheduled              int // waiting for another attempt
	Apart                  int // due, and sent apart from the others
	OldestLive, OldestBulk time.Time
	OldestScheduled        time.Time
	OldestApart            time.Time
}

// Depth counts without listing: each number is one small answer of the server.
func (w *Worklist) Depth(ctx context.Context, installation string) (Depth, error) {
	if err := js.CheckInstallation(installation); err != nil {
		return Depth{}, err
	}
	var d Depth
	err := w.Call(ctx, "count entries", func(ctx context.Context) error {
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
			{"later." + installation + ".>", &d.Scheduled, &d.OldestScheduled},
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

// Backlogs counts what waits of each installation, due and scheduled, with one answer of the
// server; those of which nothing waits are left out. false when more waits than one answer
// tells: then each is counted by itself.
func (w *Worklist) Backlogs(ctx context.Context) (counts map[string]int, ok bool, err error) {
	err = w.Call(ctx, "count entries of all", func(ctx context.Context) error {
		p, err := w.DirectGet(ctx, js.GetRequest{NextFor: "*.*.>", Batch: js.BatchMax})
		if err != nil || p.Pending > 0 {
			return err
		}
		counts, ok = map[string]int{}, true
		for _, msg := range p.Msgs {
			if parts := strings.SplitN(msg.Subject, ".", 3); len(parts) == 3 {
				counts[parts[1]]++
			}
		}
		return nil
	})
	return counts, ok, err
}

// PurgeKind removes every entry of an installation's records of one kind, due and scheduled.
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

// PurgeInstallation removes every entry of an installation, due and scheduled.
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
