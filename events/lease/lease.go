package lease

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/events/kv"
	"channelsync/internal/gate"
	"channelsync/internal/lifecycle"
	"channelsync/internal/progress"
)

// ErrNotOwned says that this instance may not, or may no longer, write for the installation.
var ErrNotOwned = errors.New("this instance does not own the installation")

// Config is how an instance takes part. The TTL must be the same on all
// instances; only tests change it.
type Config struct {
	Version  string             // published to the others
	TTL      time.Duration      // how long a heartbeat vouches for its instance: there are five in that time; 0 means 15 s
	Watchdog *progress.Watchdog // nil: nobody watches heartbeats and polls
	// Authenticator distinguishes what instances wrote from what others on the NATS network did; nil accepts everything.
	Authenticator *kv.Authenticator
}

// DefaultTTL is how long a sign of life vouches for an instance.
const DefaultTTL = 15 * time.Second

// The tables that instances share the work out by.
const (
	InstancesTable = "instances"
	ShardsTable    = "shards"
)

// heartbeatsKept is how long the last heartbeat of an instance that is gone stays to be seen.
const heartbeatsKept = 10 * time.Minute

// Worker works for shards.
type Worker interface {
	// Work works for the installations of a shard until ctx ends, and returns once
	// nothing works for them any more; it bounds how long it waits for what does not end.
	// When the cause of the end is ErrNotOwned the lease is lost: nothing may be finished
	// then. Else what is under way may be.
	Work(ctx context.Context, shard int)
}

// Leases shares the shards out among the instances on one NATS.
//
// Each instance shows a heartbeat in InstancesTable; each shard has a record in ShardsTable,
// which changes with its owner alone and by compare-and-set alone.
// Both lie on disk: a single server forgets tables in memory when it restarts, and
// what it forgot nobody could judge by. An instance owns its shards for one TTL from when it began
// to write its last heartbeat that was stored, and begins nothing in the second half of
// that. Others take them over once they have seen no heartbeat for a whole TTL.
type Leases struct {
	link         *js.Link
	cfg          Config
	id           string
	started      time.Time
	instances    *kv.Table
	shards       *kv.Table
	notified     chan struct{} // asks for a poll: somebody changed something
	heartbeating gate.Gate     // one heartbeat at a time, so that counts are stored in order

	mu         sync.Mutex // guards what follows; never held across a call, a look at the connection included
	membership *membership
	reconnects uint64    // of the connection, as of the last poll
	renewed    time.Time // when the last heartbeat that was stored was begun
	count      uint64
	state      string // not empty once it leaves: nothing is begun any more
	leases     map[int]*lease
	declined   map[int]time.Time // shards that another instance should have, and since when
	working    lifecycle.Group   // one task for each lease
}

// Open makes the tables that they need. Nothing is owned before Run.
func Open(ctx context.Context, link *js.Link, cfg Config) (*Leases, error) {
	cfg.TTL = cmp.Or(cfg.TTL, DefaultTTL)
	instances, err := kv.Open(ctx, link, kv.Config{Name: InstancesTable, TTL: heartbeatsKept, Authenticator: cfg.Authenticator})
	if err != nil {
		return nil, fmt.Errorf("open leases: %w", err)
	}
	shards, err := kv.Open(ctx, link, kv.Config{Name: ShardsTable, Authenticator: cfg.Authenticator})
	if err != nil {
		return nil, fmt.Errorf("open leases: %w", err)
	}
	l := &Leases{
		link: link, cfg: cfg, id: ulid.Make().String(), started: time.Now().UTC(),
		instances: instances, shards: shards, notified: make(chan struct{}, 1), leases: map[int]*lease{}, declined: map[int]time.Time{},
		reconnects: link.NC.Stats().Reconnects,
	}
	l.membership = newMembership(l.id, l.cfg.TTL, shards.New())
	return l, nil
}

// ID is this instance's name among the instances: random, new with each start.
func (l *Leases) ID() string { return l.id }

// releaseWithin bounds how long a stop waits for the worker to release everything. What
// does not end by then is left behind: its context has ended.
const releaseWithin = 10 * time.Second

// errStopping is the cause of the end of what a stop ends.
var errStopping = errors.New("the instance stops")

// Run takes part until ctx ends, then releases everything and returns. It keeps
// the lease alive until the worker has released every shard.
func (l *Leases) Run(ctx context.Context, worker Worker) {
	base := context.WithoutCancel(ctx)
	unsubscribe, err := l.subscribe()
	if err != nil {
		l.link.Log.Warn("subscribe to changes of leases failed, polling only", zap.Error(err))
	}
	defer unsubscribe()
	l.link.Log.Info("instance joins", zap.String(v1.LogInstance, l.id), zap.String(v1.LogVersion, l.cfg.Version))
	heartbeats := l.service("lease heartbeats", l.heartbeatLoop)
	expiry := l.service("lease expiry", l.expiryLoop)
	membership := l.service("lease membership", func(ctx context.Context) { l.pollLoop(ctx, worker) })
	for _, s := range []*progress.Service{heartbeats, expiry, membership} {
		s.Start(base)
	}
	<-ctx.Done()
	within, cancel := context.WithTimeoutCause(base, releaseWithin, fmt.Errorf("not within %s", releaseWithin))
	defer cancel()
	stopped := []error{membership.Stop(within, errStopping)}
	l.mu.Lock()
	l.state = stateLeaving
	l.mu.Unlock()
	_ = l.heartbeat(base) // a failed one is repeated by the loop
	l.releaseAll(context.Canceled)
	stopped = append(stopped, l.working.Wait(within), heartbeats.Stop(within, errStopping), expiry.Stop(within, errStopping))
	if err := errors.Join(stopped...); err != nil {
		l.link.Log.Warn("release of leases timed out, abandoning what still runs", zap.Error(err))
	}
	l.mu.Lock()
	l.state = stateGone
	l.mu.Unlock()
	if err := l.heartbeat(base); err != nil {
		l.link.Log.Warn("publish leave failed, peers wait for lease expiry", zap.Error(err))
	}
	l.publishChange()
}

// service is one of the loops, which the watchdog starts anew when it stands still.
func (l *Leases) service(name string, loop func(context.Context)) *progress.Service {
	return &progress.Service{Name: name, Part: "leases", Watchdog: l.cfg.Watchdog, Log: l.link.Log, Run: func(ctx context.Context) error {
		loop(ctx)
		return nil
	}}
}

// heartbeatLoop shows signs of life, sooner again after one that failed.
func (l *Leases) heartbeatLoop(ctx context.Context) {
	work := progress.Of(ctx)
	for ctx.Err() == nil {
		work.Busy(progress.Live)
		wait := l.cfg.TTL / 5
		if err := l.heartbeat(ctx); err != nil && ctx.Err() == nil {
			wait /= 3
			l.link.Log.Warn("renew lease failed, retrying", zap.Error(err))
		}
		work.Move()
		work.Wait(wait)
		_ = lifecycle.Sleep(ctx, wait)
	}
}

// heartbeat stores one sign of life. Its time counts from before it was sent: whoever
// sees it saw it later.
func (l *Leases) heartbeat(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, l.cfg.TTL/5, fmt.Errorf("renew the lease: not within %s", l.cfg.TTL/5))
	defer cancel()
	leave, err := l.heartbeating.Enter(ctx)
	if err != nil {
		return fmt.Errorf("renew the lease: %w", err)
	}
	defer leave()
	l.mu.Lock()
	l.count++
	b := heartbeat{Count: l.count, Version: l.cfg.Version, Speaks: speaks, StartedAt: l.started, State: l.state, Declines: slices.Sorted(maps.Keys(l.declined))}
	l.mu.Unlock()
	value, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode heartbeat: %w", err)
	}
	began := time.Now()
	if _, err := l.instances.Put(ctx, l.id, value); err != nil {
		return fmt.Errorf("renew the lease: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fresh(time.Now()) {
		l.pollSoon() // it may take shards (again)
	}
	l.renewed = began
	return nil
}

// expiryLoop drops everything once the lease was not renewed for half of its time.
func (l *Leases) expiryLoop(ctx context.Context) {
	work := progress.Of(ctx)
	t := time.NewTicker(max(l.cfg.TTL/50, time.Millisecond))
	defer t.Stop()
	for {
		work.Move()
		work.Wait(l.cfg.TTL)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		l.mu.Lock()
		lost := !l.fresh(time.Now())
		l.mu.Unlock()
		if lost {
			l.releaseAll(ErrNotOwned)
		}
	}
}

// fresh says whether something new may be begun on the lease.
func (l *Leases) fresh(now time.Time) bool {
	return !l.renewed.IsZero() && now.Sub(l.renewed) < l.cfg.TTL/2
}

const changedSubject = "lease.changed"

// publishChange asks the other instances for a poll. It is a hint: they poll by themselves too.
func (l *Leases) publishChange() { _ = l.link.NC.Publish(changedSubject, []byte(l.id)) }

func (l *Leases) subscribe() (stop func(), err error) {
	sub, err := l.link.NC.Subscribe(changedSubject, func(msg *nats.Msg) {
		if string(msg.Data) != l.id {
			l.pollSoon()
		}
	})
	if err != nil {
		return func() {}, fmt.Errorf("listen for changes of leases: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

func (l *Leases) pollSoon() {
	select {
	case l.notified <- struct{}{}:
	default:
	}
}

// Under returns a context to write for an installation in: it ends before anybody
// else may. The error is ErrNotOwned when nothing may be begun: the shard is not this
// instance's, or its lease was not renewed within half of its time.
func (l *Leases) Under(ctx context.Context, installation string) (context.Context, context.CancelFunc, error) {
	if !l.Keeps(ShardOf(installation)) {
		return ctx, func() {}, fmt.Errorf("write for installation %s: %w", installation, ErrNotOwned)
	}
	within := l.cfg.TTL * 9 / 20 // under half, so that it ends within the lease whenever in the first half it begins
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("write on the lease: not within %s", within))
	return ctx, cancel, nil
}

// Keeps says whether nobody else can be working for a shard: this instance owns it,
// or finishes what is under way before it gives it back.
func (l *Leases) Keeps(shard int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.leases[shard]
	return t != nil && !t.lost() && l.fresh(time.Now())
}

// Owns says whether this instance works for an installation and is not about to stop.
func (l *Leases) Owns(installation string) bool { return l.OwnsShard(ShardOf(installation)) }

// OwnsShard is Owns for a shard.
func (l *Leases) OwnsShard(shard int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.leases[shard]
	return t != nil && t.ctx.Err() == nil && l.fresh(time.Now())
}

// Owned is how many shards this instance owns.
func (l *Leases) Owned() int {
	n := 0
	for shard := range Shards {
		if l.OwnsShard(shard) {
			n++
		}
	}
	return n
}

// Owner is the instance that works for a shard, as far as is known here: possibly
// this one, empty when none does.
func (l *Leases) Owner(shard int) string {
	if l.OwnsShard(shard) {
		return l.id
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	owner := l.membership.shards[shard].Owner
	if owner == l.id || l.membership.dead(owner, time.Now()) {
		return ""
	}
	return owner
}

// Others lists the other instances that may be working.
func (l *Leases) Others() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.membership.alive(time.Now())
}

// declineFor is how long a shard that was declined is left to the others.
const declineFor = 10 * time.Minute

// Decline gives a shard back, since its work stands still here, and leaves it to another
// instance for ten minutes, or until none has taken it. False when there is no other
// instance, or the shard is not this one's: then nothing is done.
func (l *Leases) Decline(shard int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.leases[shard]
	if t == nil || t.ctx.Err() != nil || len(l.membership.staying(time.Now(), true)) == 0 {
		return false
	}
	l.declined[shard] = time.Now()
	t.cancel(context.Canceled)
	l.link.Log.Warn("shard left to another instance: its work does not progress here", zap.Int(v1.LogShard, shard))
	return true
}

// declines are the shards that each member declines; l.mu is held. This one takes back what
// nobody has taken: an older version knows of no declining.
func (l *Leases) declines(now time.Time) map[string][]int {
	for shard, since := range l.declined {
		if now.Sub(since) >= declineFor || now.Sub(since) >= 2*l.cfg.TTL && l.membership.shards[shard].Owner == "" {
			delete(l.declined, shard)
		}
	}
	all := map[string][]int{l.id: slices.Collect(maps.Keys(l.declined))}
	for id, m := range l.membership.members {
		if id != l.id {
			all[id] = m.Declines
		}
	}
	return all
}
