package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/internal/natstest"
	"channelsync/events/kv"
	"channelsync/internal/lifecycle"
	"channelsync/test/harness"
	"channelsync/test/harness/codes"
	"channelsync/test/harness/servers"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const testTTL = 3 * time.Second

// yard is several instances on one server. It watches that no shard is worked for by two.
type yard struct {
	t   *testing.T
	srv *server.Server
	ttl time.Duration

	mu     sync.Mutex
	worker map[int]string // shard → who works for it now
	twice  []string
	begun  int // how often work for a shard was begun
}

// authenticator has the key that all instances have.
func authenticator(t testing.TB) *kv.Authenticator {
	t.Helper()
	return kv.NewAuthenticator(kv.AuthenticatorConfig{Keys: codes.Keys(t, 1)})
}

func newYard(t *testing.T) *yard {
	return &yard{t: t, ttl: testTTL, srv: servers.Listening(t, &server.Options{StoreDir: t.TempDir()}), worker: map[int]string{}}
}

// newPair is a yard with two instances that share the shards.
func newPair(t *testing.T) (*yard, *hand, *hand) {
	t.Helper()
	y := newYard(t)
	a, b := y.join("1"), y.join("1")
	y.shared(3*time.Second, a, b)
	return y, a, b
}

// hand is one instance and its worker.
type hand struct {
	*Leases
	yard  *yard
	link  *js.Link
	drain time.Duration // how long it takes to release
	stop  context.CancelFunc
	done  chan struct{}
	dead  chan struct{} // closed by kill: what a killed process did is nobody's business
}

func (y *yard) join(version string) *hand {
	y.t.Helper()
	link, _ := natstest.Reach(y.t, y.srv.ClientURL(), 1)
	l, err := Open(y.t.Context(), link, Config{TTL: y.ttl, Version: version, Authenticator: authenticator(y.t)})
	harness.OK(y.t, err)
	h := &hand{Leases: l, yard: y, link: link, done: make(chan struct{}), dead: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	go func() {
		defer close(h.done)
		l.Run(ctx, h)
	}()
	y.t.Cleanup(h.leave)
	return h
}

func (h *hand) leave() {
	h.stop()
	<-h.done
}

// kill ends an instance as a crash does: it publishes nothing more.
func (h *hand) kill() {
	close(h.dead)
	h.link.NC.Close()
	y := h.yard
	y.mu.Lock()
	defer y.mu.Unlock()
	for shard, who := range y.worker {
		if who == h.ID() {
			delete(y.worker, shard)
		}
	}
	h.stop()
}

// Work is the worker: it notes who works.
func (h *hand) Work(ctx context.Context, shard int) {
	y := h.yard
	y.mu.Lock()
	if other := y.worker[shard]; other != "" {
		y.twice = append(y.twice, fmt.Sprintf("shard %d: %s while %s", shard, h.ID(), other))
	}
	y.worker[shard] = h.ID()
	y.begun++
	y.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-h.dead:
		return
	}
	if h.drain > 0 && !errors.Is(context.Cause(ctx), ErrNotOwned) {
		_ = lifecycle.Sleep(context.Background(), h.drain)
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.worker[shard] == h.ID() {
		delete(y.worker, shard)
	}
}

// shared waits until every shard is worked for, by just these instances, each with at least a few.
func (y *yard) shared(within time.Duration, hands ...*hand) {
	y.t.Helper()
	harness.Until(y.t, fmt.Sprintf("%d instances share all shards", len(hands)), within, func() bool {
		y.mu.Lock()
		defer y.mu.Unlock()
		count := map[string]int{}
		for _, who := range y.worker {
			count[who]++
		}
		if len(y.worker) != Shards || len(count) != len(hands) {
			return false
		}
		for _, h := range hands {
			if count[h.ID()] < Shards/len(hands)/3 || h.Owned() != count[h.ID()] {
				return false
			}
		}
		return true
	})
	y.exclusive()
}

func (y *yard) exclusive() {
	y.t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.twice) > 0 {
		y.t.Fatalf("worked for by two: %v", y.twice)
	}
}

func TestLeasesAreSharedOutAndMove(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	a := y.join("1")
	y.shared(2*time.Second, a) // a new table: nobody need be waited for
	b := y.join("2")
	b.drain = 50 * time.Millisecond
	y.shared(3*time.Second, a, b)
	harness.Until(t, "both know the same owners", testTTL, func() bool {
		for shard := range Shards {
			if a.Owner(shard) != b.Owner(shard) || a.Owner(shard) == "" {
				return false
			}
		}
		return true
	})
	if got := a.Others(); len(got) != 1 || got[0] != b.ID() {
		t.Errorf("the others are %v", got)
	}
	c := y.join("2")
	y.shared(3*time.Second, a, b, c)

	// One that leaves hands over at once, and is waited for by nobody.
	began := time.Now()
	b.leave()
	y.shared(testTTL, a, c)
	if took := time.Since(began); took >= testTTL {
		t.Errorf("handed over in %s", took)
	}
	harness.Until(t, "the one that left is known to be gone", testTTL, func() bool {
		got := a.Others()
		return len(got) == 1 && got[0] == c.ID()
	})

	// One that dies is waited for.
	began = time.Now()
	c.kill()
	y.shared(3*testTTL, a)
	if took := time.Since(began); took < testTTL/2 || took > 2*testTTL {
		t.Errorf("taken over after %s", took)
	}
}

// Somebody on the NATS network who writes heartbeats and shard records, or deletes them, moves no shard: the owner goes
// on, and puts right what he finds.
func TestWhatOthersWriteMovesNoShard(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	y.ttl = DefaultTTL // no lease may end by itself because the machine is slow
	a, b := y.join("1"), y.join("1")
	y.shared(y.ttl, a, b)
	begun := func() int {
		y.mu.Lock()
		defer y.mu.Unlock()
		return y.begun
	}
	before, owners := begun(), map[int]string{}
	records, err := a.readShardRecords(t.Context())
	harness.OK(t, err)
	for shard, d := range records {
		owners[shard] = d.Owner
	}
	msg := func(table, key, value, operation string) {
		m := nats.NewMsg("$KV." + table + "." + key)
		m.Data = []byte(value)
		if operation != "" {
			m.Header.Set("KV-Operation", operation)
		}
		if _, err := a.link.JS.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 3 {
		for _, h := range []*hand{a, b} {
			msg(InstancesTable, h.ID(), `{"count":1000000,"version":"1","speaks":1,"state":"gone"}`, "")
			msg(InstancesTable, h.ID(), "", "PURGE")
		}
		msg(InstancesTable, "01hzx3q8r9k2m4n6p8s0t2v4w6", fmt.Sprintf(`{"count":%d,"version":"1","speaks":1}`, round), "")
		for shard := range Shards {
			switch round {
			case 0:
				msg(ShardsTable, shardKey(shard), `{"owner":"01hzx3q8r9k2m4n6p8s0t2v4w6","epoch":99}`, "")
			case 1:
				msg(ShardsTable, shardKey(shard), `{"owner":"","epoch":99}`, "")
			case 2:
				msg(ShardsTable, shardKey(shard), "", "PURGE")
			}
		}
		harness.Until(t, "every record is its owner's again", 2*y.ttl, func() bool {
			records, err := a.readShardRecords(t.Context())
			if err != nil || len(records) != Shards {
				return false
			}
			for shard, d := range records {
				if d.Owner != owners[shard] {
					return false
				}
			}
			return true
		})
	}
	harness.Until(t, "both know the same owners, and nobody else", y.ttl, func() bool {
		for shard := range Shards {
			if a.Owner(shard) != owners[shard] || b.Owner(shard) != owners[shard] {
				return false
			}
		}
		return len(a.Others()) == 1 && len(b.Others()) == 1
	})
	y.exclusive()
	if after := begun(); after != before {
		t.Errorf("work for %d shards was begun anew", after-before)
	}
}

// An instance that starts again after a crash waits for its own past self, for it cannot know that it is dead.
func TestLeasesAfterACrashOfTheOnlyInstance(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	a := y.join("1")
	y.shared(2*time.Second, a)
	a.kill()
	began := time.Now()
	y.shared(3*testTTL, y.join("1"))
	if took := time.Since(began); took < testTTL-testTTL/5-testTTL/15 {
		t.Errorf("taken over after %s", took)
	}
}

// While the server is away nothing may be written; afterwards everybody has what he had.
func TestLeasesWithoutAServer(t *testing.T) {
	t.Parallel()
	y, a, b := newPair(t)
	held := a.Owned()
	where, dir := servers.Port(y.srv), y.srv.JetStreamConfig().StoreDir
	y.srv.Shutdown()
	y.srv.WaitForShutdown()
	harness.Until(t, "the leases to be lost", testTTL, func() bool { return a.Owned() == 0 && b.Owned() == 0 })
	if _, cancel, err := a.Under(t.Context(), natstest.Installation); !errors.Is(err, ErrNotOwned) {
		cancel()
		t.Errorf("under a lost lease: %v", err)
	}
	y.srv = servers.Listening(t, &server.Options{StoreDir: dirOf(dir), Port: where})
	y.shared(10*time.Second, a, b)
	if a.Owned() != held {
		t.Errorf("%d shards, it had %d", a.Owned(), held)
	}
}

// dirOf is the store directory that a server was given: it adds its own to it.
func dirOf(dir string) string { return dir[:len(dir)-len("/jetstream")] }

func TestUnder(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	a := y.join("1")
	if _, cancel, err := a.Under(t.Context(), natstest.Installation); !errors.Is(err, ErrNotOwned) {
		cancel()
		t.Errorf("before anything is held: %v", err)
	}
	y.shared(2*time.Second, a)
	ctx, cancel, err := a.Under(t.Context(), natstest.Installation)
	harness.OK(t, err)
	defer cancel()
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > testTTL/2 {
		t.Errorf("it ends at %v", end)
	}
	a.leave()
	if _, cancel, err := a.Under(t.Context(), natstest.Installation); !errors.Is(err, ErrNotOwned) {
		cancel()
		t.Errorf("after it was given back: %v", err)
	}
}

// worker records which shards it works for.
type worker struct{ holds chan int }

func (w worker) Work(ctx context.Context, shard int) {
	w.holds <- shard
	<-ctx.Done()
}

// TestATakeOverThatFailsWaitsForTheTakesItBegan: else one of them begins to work after
// everything was released, and the stop waits for it for ever.
func TestATakeOverThatFailsWaitsForTheTakesItBegan(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	link, _ := natstest.Reach(t, y.srv.ClientURL(), 1)
	l, err := Open(t.Context(), link, Config{TTL: testTTL})
	harness.OK(t, err)
	// A shard whose owner died and cannot be asked about, after some that are free.
	last := takesAtOnce - 1
	l.membership.observe(time.Now().Add(-time.Hour), map[string]heartbeat{"dead": {Count: 1}}, map[int]shardRecord{last: {ownership: ownership{Owner: "dead"}, revision: 1}})
	harness.OK(t, link.JS.DeleteStream(t.Context(), l.instances.Name))
	shards := make([]int, last+1)
	for i := range shards {
		shards[i] = i
	}
	w := worker{holds: make(chan int, Shards)}
	if err := l.takeAll(t.Context(), w, shards); err == nil {
		t.Fatal("the owner of the last shard could not be asked about, and there is no error")
	}
	l.mu.Lock()
	n := len(l.leases)
	l.mu.Unlock()
	if n != last {
		t.Errorf("%d of %d shards were taken when it returned", n, last)
	}
	l.releaseAll(context.Canceled)
	harness.OK(t, l.working.Wait(t.Context()))
}

// TestNothingBeginsOnceAnInstanceLeaves: a shard that was taken too late is given back.
func TestNothingBeginsOnceAnInstanceLeaves(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	link, _ := natstest.Reach(t, y.srv.ClientURL(), 1)
	l, err := Open(t.Context(), link, Config{TTL: testTTL})
	harness.OK(t, err)
	l.state = stateLeaving
	l.releaseAll(context.Canceled)
	w := worker{holds: make(chan int, Shards)}
	harness.OK(t, l.take(t.Context(), w, 7, shardRecord{}))
	if len(l.leases) > 0 || len(w.holds) > 0 {
		t.Error("it works for a shard although it leaves")
	}
	records, err := l.readShardRecords(t.Context())
	if err != nil || records[7].Owner != "" || records[7].Generation != 1 {
		t.Errorf("the shard was not given back: %+v, %v", records[7], err)
	}
	l.releaseAll(context.Canceled)
	harness.OK(t, l.working.Wait(t.Context()))
}

// TestAShardThatStandsStillIsLeftToAnother: and not taken back at once.
func TestAShardThatStandsStillIsLeftToAnother(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	a := y.join("1")
	y.shared(2*time.Second, a)
	if a.Decline(0) {
		t.Error("declined although there is nobody else")
	}
	b := y.join("1")
	y.shared(5*time.Second, a, b)
	shard := -1
	for s := range Shards {
		if a.OwnsShard(s) {
			shard = s
			break
		}
	}
	if !a.Decline(shard) || a.Decline(shard) {
		t.Error("not declined once")
	}
	harness.Until(t, "the other has it", 3*testTTL, func() bool { return b.OwnsShard(shard) })
	_ = lifecycle.Sleep(t.Context(), testTTL)
	if a.OwnsShard(shard) || !b.OwnsShard(shard) {
		t.Error("it was taken back")
	}
	y.exclusive()
	b.leave()
	harness.Until(t, "it is taken when nobody else is there", 3*testTTL, func() bool { return a.OwnsShard(shard) })
}
