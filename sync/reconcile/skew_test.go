package reconcile

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"channelsync/sync/upstream"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
)

// nobodyReads drops what a worker reports.
type nobodyReads struct{}

func (nobodyReads) Unavailable(upstream.Failure, time.Time) {}
func (nobodyReads) Recovered(upstream.Name)                 {}

// TestClocksApartByAMinuteCountEachAttemptOnce: whether the event store's clock is
// ahead of ours or behind, a failing record is tried once and then waits for a minute.
func TestClocksApartByAMinuteCountEachAttemptOnce(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"the store's is ahead": -time.Minute, "the store's is behind": time.Minute} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int64
			var bad int64
			b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, change: func(c *Config) {
				c.Now = func() time.Time { return time.Now().Add(ahead) }
				c.Done = func(s Result) {
					if s.ID == bad {
						tries.Add(1)
					}
				}
			}})
			bad = b.customer("Unreadable")
			other := b.customer("Other")
			b.at.SetFault(spoil(bad, "isActive", `"maybe"`))
			ctx, cancel := context.WithCancel(t.Context())
			notifications, unwatch := b.bus.Worklist().Notifications(inst)
			defer unwatch()
			var wg sync.WaitGroup
			defer wg.Wait()
			defer cancel()
			wg.Go(func() { NewWorker(b.rec, 10*time.Millisecond, nobodyReads{}).Run(ctx, notifications) })
			harness.OK(t, b.bus.Worklist().Enqueue(ctx, b.due(v1.KindCompany, bad)))
			b.until("tried once", func() bool { return b.entry(v1.KindCompany, bad).Attempts > 0 })
			// What is due in three seconds is, and by then nothing has happened to the other.
			err := b.bus.Worklist().Schedule(ctx, b.due(v1.KindCompany, other), func(events.DueEntry) time.Duration { return 3 * time.Second })
			harness.OK(t, err)
			b.until("three seconds later", func() bool { return b.entry(v1.KindCompany, other).Outcome == v1.OutcomePushed })
			e := b.outcome(v1.KindCompany, bad, v1.OutcomeRetrying, "row_unreadable")
			if e.Attempts != 1 || b.waiting() != 1 {
				t.Errorf("%d attempts are counted, %d are scheduled", e.Attempts, b.waiting())
			}
			if n := tries.Load(); n != 1 {
				t.Errorf("it was tried %d times", n)
			}
		})
	}
}
