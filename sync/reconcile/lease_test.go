package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"channelsync/sync/fetch"
	"channelsync/sync/upstream"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/lease"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// grip is a hold that a test takes away: after so many writes.
type grip struct {
	mu    sync.Mutex
	left  int // writes that may still be begun; below 0 all
	asked int
	ends  time.Duration // when what is written must end
}

func (g *grip) owned(ctx context.Context) (context.Context, context.CancelFunc, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	if g.left == 0 {
		return ctx, func() {}, lease.ErrNotOwned
	}
	g.left--
	held, release := context.WithTimeout(ctx, g.ends)
	return held, release, nil
}

func (g *grip) set(left int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.asked = left, 0
}

// newOwned is a bench whose reconciler and target ask the grip.
func newOwned(t *testing.T, g *grip) *bench {
	return newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, owned: g.owned})
}

// TestALostHoldEndsTheBatch: wherever in a batch it is lost, nothing more is written,
// no attempt is counted, and with the hold back the record arrives.
func TestALostHoldEndsTheBatch(t *testing.T) {
	g := &grip{left: -1, ends: time.Minute}
	b := newOwned(t, g)
	ids := []int64{b.customer("One"), b.customer("Two")}
	b.batch(v1.KindCompany, ids...)
	g.set(-1)
	for _, id := range ids {
		b.edit("Companies", id, map[string]any{"phone": "518-555-0111"})
	}
	b.batch(v1.KindCompany, ids...)
	writes := g.asked
	if writes < 4 { // what is forgotten before it is sent, the push, the settling, the ledger
		t.Fatalf("the hold was asked %d times", writes)
	}
	for lostAt := range writes {
		for _, id := range ids {
			b.edit("Companies", id, map[string]any{"phone": "518-555-02" + string(rune('0'+lostAt)) + "0"})
		}
		before := b.pushes(ids[0])
		g.set(lostAt)
		err := b.broken(v1.KindCompany, ids...)
		if failure := upstream.FailureOf(err, b.clock.Now()); failure.Upstream != upstream.Own || !errors.Is(err, lease.ErrNotOwned) {
			t.Errorf("lost at write %d: %v", lostAt, err)
		}
		if sent := b.pushes(ids[0]) - before; sent > 1 || sent == 1 && lostAt < 2 {
			t.Errorf("lost at write %d: sent %d times", lostAt, sent)
		}
		g.set(-1)
		for _, id := range ids {
			if e := b.entry(v1.KindCompany, id); e.Attempts != 0 || b.waiting() != 0 {
				t.Errorf("lost at write %d: %d attempts, %d scheduled", lostAt, e.Attempts, b.waiting())
			}
		}
		b.batch(v1.KindCompany, ids...)
		for _, id := range ids {
			if got := b.client(id).Data.Phones; len(got) == 0 || got[0].Value[8:10] != "02" || got[0].Value[10] != byte('0'+lostAt) {
				t.Errorf("lost at write %d: the client has %+v", lostAt, got)
			}
		}
	}
}

// TestAWriteEndsWithTheHold: a target that is slow is not waited for beyond it.
func TestAWriteEndsWithTheHold(t *testing.T) {
	g := &grip{left: -1, ends: time.Minute}
	b := newOwned(t, g)
	id := b.customer("Slow")
	g.mu.Lock()
	g.ends = 300 * time.Millisecond
	g.mu.Unlock()
	b.fault(cpsim.Fault{Kind: cpsim.FaultHang, Operation: "writes"})
	began := time.Now()
	b.batch(v1.KindCompany, id)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	if left := b.apart(v1.KindCompany); len(left) != 1 || left[0].ID != id {
		t.Errorf("sent apart from now on: %+v", left)
	}
}

// TestFinishSettlesWhatIsUnderWay: the batch that was begun is committed as a whole and its
// entries are acknowledged; the rest waits for whoever is next.
func TestFinishSettlesWhatIsUnderWay(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		s.after(time.Second)
		s.list.mu.Lock()
		s.list.taken = func(kind v1.Kind, _ events.Lane, n int) {
			if kind == v1.KindCompany && n > 0 {
				s.w.Finish()
			}
		}
		s.list.mu.Unlock()
		names := make([]string, fetch.MaxBatch+50)
		for i := range names {
			names[i] = fmt.Sprint("client ", i)
		}
		s.customer(events.LaneLive, names...)
		s.after(time.Hour)
		if got := len(s.names()); got != fetch.MaxBatch || s.list.left() != 50 {
			t.Errorf("%d were settled, %d marks are left", got, s.list.left())
		}
		s.w.Finish() // once more is fine
	})
}
