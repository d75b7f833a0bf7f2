package reconcile

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/progress"
)

const (
	// apartMost is how many suspects are sent side by side, each alone.
	apartMost = spread
	// apartAgain is how soon what could not be decided is sent again.
	apartAgain = 5 * time.Second
	// apartStopped is how often a stopped installation is polled.
	apartStopped = 15 * time.Second
)

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
		notify(b.apartDue)
	}
	return nil
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
		undecided := w.r.undecided.Load()
		taken, err := w.try(ctx, kind, events.LaneApart, apartMost)
		switch {
		case ctx.Err() != nil:
			return 0
		case err != nil:
			return apartAgain
		case w.r.undecided.Load() > undecided: // those stay due
			wait = apartAgain
		case taken == apartMost && wait == 0:
			wait = -1
		}
	}
	return wait
}

// apartSleep waits, or until somebody asks; 0: only that.
func (w *Worker) apartSleep(ctx context.Context, wait time.Duration) {
	var passed <-chan time.Time
	if wait > 0 {
		passed = time.After(wait)
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

// records is a set of records.
type records struct {
	mu sync.Mutex
	in map[recordKey]bool
}

// add says which of the records were not in the set yet, and which were.
func (s *records) add(kind v1.Kind, ids ...int64) (added, there []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == nil {
		s.in = map[recordKey]bool{}
	}
	for _, id := range ids {
		if key := (recordKey{kind, id}); s.in[key] {
			there = append(there, id)
		} else {
			s.in[key] = true
			added = append(added, id)
		}
	}
	return added, there
}

func (s *records) drop(kind v1.Kind, ids ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.in, recordKey{kind, id})
	}
}

func (s *records) has(kind v1.Kind, id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in[recordKey{kind, id}]
}
