package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
	"channelsync/sync/upstream"
)

const (
	// apartMost is how many suspects are sent side by side, each alone.
	apartMost = spread
	// apartAgain is how soon what could not be decided is sent again.
	apartAgain = 5 * time.Second
	// apartStopped is how often a stopped installation is polled.
	apartStopped = 15 * time.Second
)

// suspects are records that failed alone while the upstream worked, until they are well.
// What is known of them is in memory only: after a restart they are found anew.
type suspects struct {
	mu sync.Mutex
	in map[recordKey]bool
}

func (s *suspects) add(kind v1.Kind, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == nil {
		s.in = map[recordKey]bool{}
	}
	s.in[recordKey{kind, id}] = true
}

func (s *suspects) drop(kind v1.Kind, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.in, recordKey{kind, id})
}

func (s *suspects) has(kind v1.Kind, id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in[recordKey{kind, id}]
}

// setApart takes those out of the batch that are sent apart, since they failed alone
// before, and returns their entries.
func (b *batch) setApart() []events.DueEntry {
	var apart []events.DueEntry
	kept := b.items[:0:0]
	for _, it := range b.items {
		failing := it.before.Outcome == v1.OutcomeRetrying || it.before.Outcome == v1.OutcomeDead
		if failing && slices.Contains(it.before.Reasons, CodeTargetFailed) || b.suspects.has(b.kind, it.due.ID) {
			apart = append(apart, it.due)
		} else {
			kept = append(kept, it)
		}
	}
	b.items = kept
	return apart
}

// leave makes those due in the lane apart that this batch did not decide, beside those
// that follow. It is durable before the batch's own entries are acknowledged.
func (b *batch) leave(ctx context.Context, follow []events.DueEntry) error {
	for _, it := range b.items {
		switch {
		case it.outcome == "" && (it.suspected || b.apart):
			follow = append(follow, it.due)
		case b.apart && it.failure == nil:
			b.suspects.drop(b.kind, it.due.ID)
		}
	}
	if len(follow) == 0 {
		return nil
	}
	for i := range follow {
		follow[i].Lane = events.LaneApart
	}
	err := b.whileOwned(ctx, func(ctx context.Context) error { return b.Worklist.Enqueue(ctx, follow) })
	if err != nil {
		return fmt.Errorf("enqueue records to be sent apart: %w", err)
	}
	if b.apart {
		b.undecided.Add(int64(len(follow)))
		b.Log.Info("records that fail alone could not be judged yet, trying again",
			zap.String(v1.LogKind, string(b.kind)), zap.Int(v1.LogCount, len(follow)), zap.Duration(v1.LogDuration, apartAgain))
	} else {
		b.notifyApart()
	}
	return nil
}

// notifyApart asks for a pass over the lane of those that are sent apart.
func (r *Reconciler) notifyApart() {
	select {
	case r.apartDue <- struct{}{}:
	default:
	}
}

// RunApart sends suspects, beside Run, until ctx ends, which cuts them short: they are sent
// again then, like after a crash. A request of theirs may hang for its whole time, and
// nobody else waits for it.
func (w *Worker) RunApart(ctx context.Context) {
	for ctx.Err() == nil {
		wait := w.apartPass(ctx)
		if at := w.ResumesAt(); at.After(w.r.Now()) {
			wait = at.Sub(w.r.Now())
		}
		if wait < 0 {
			continue
		}
		w.apartSleep(ctx, wait)
	}
}

// apartPass sends some of what is due, and says how long to wait for more: below 0 not at
// all, 0 until somebody asks.
func (w *Worker) apartPass(ctx context.Context) (wait time.Duration) {
	work := progress.Of(ctx)
	work.Busy(progress.Live)
	defer work.Idle()
	if w.ResumesAt().After(w.r.Now()) {
		return 0
	}
	in, err := w.r.Installation()
	if err != nil || in.Stopped || in.Uninstalled || in.Refused {
		return apartStopped
	}
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
		var taken int
		var left bool
		err := panics.Try(func() (err error) {
			taken, left, err = w.apartBatch(ctx, in.ID, kind)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return 0
		case errors.Is(err, errWaits):
			return apartAgain
		case err != nil:
			w.failed(err, events.LaneApart)
			if upstream.FailureOf(err, w.r.Now()).Upstream == upstream.Own {
				work.Fail(err)
			}
			return apartAgain
		case left:
			wait = apartAgain
		case taken == apartMost && wait == 0:
			wait = -1
		}
	}
	return wait
}

// apartBatch is batch for suspects. left says that some could not be decided; they stay due.
func (w *Worker) apartBatch(ctx context.Context, id string, kind v1.Kind) (taken int, left bool, err error) {
	due, err := w.r.Worklist.Peek(ctx, id, kind, events.LaneApart, apartMost)
	if err != nil || len(due) == 0 {
		return 0, false, err
	}
	if err := w.ready(ctx, events.LaneApart); err != nil {
		return 0, false, err
	}
	last, before := due[len(due)-1].Sequence, w.r.undecided.Load()
	if err := w.r.Batch(ctx, kind, w.wanted(due)); err != nil {
		w.acquit(upstream.FailureOf(err, w.r.Now()).Upstream)
		return 0, false, err
	}
	w.recovered(events.LaneApart)
	progress.Of(ctx).Fail(nil)
	err = w.r.whileOwned(ctx, func(ctx context.Context) error {
		return w.r.Worklist.AckThrough(ctx, id, kind, events.LaneApart, last)
	})
	return len(due), w.r.undecided.Load() > before, err
}

// apartSleep waits, or until somebody asks; 0: only that.
func (w *Worker) apartSleep(ctx context.Context, wait time.Duration) {
	var passed <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		passed = t.C
	}
	select {
	case <-ctx.Done():
	case <-passed:
	case <-w.r.apartDue:
	}
}

// recordKey names a record of the installation.
type recordKey struct {
	kind v1.Kind
	id   int64
}

// inProgress are the records that somebody is at work on: a batch, or a probe. None is ever
// in two of them, so that no two requests write the same record at once.
type inProgress struct {
	mu sync.Mutex
	in map[recordKey]bool
}

// claim takes those of the records that nobody has.
func (h *inProgress) claim(kind v1.Kind, ids ...int64) (taken, busy []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.in == nil {
		h.in = map[recordKey]bool{}
	}
	for _, id := range ids {
		if key := (recordKey{kind, id}); h.in[key] {
			busy = append(busy, id)
		} else {
			h.in[key] = true
			taken = append(taken, id)
		}
	}
	return taken, busy
}

func (h *inProgress) release(kind v1.Kind, ids ...int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		delete(h.in, recordKey{kind, id})
	}
}
