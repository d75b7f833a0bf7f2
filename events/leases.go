package events

import (
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

// ErrNotHeld says that this instance may not, or may no longer, write for the installation.
var ErrNotHeld = errors.New("this instance does not hold the installation")

// LeaseConfig is how an instance takes part. The times must be the same on all
// instances; only tests change them.
type LeaseConfig struct {
	Version string        // told to the others
	TTL     time.Duration // how long a beat vouches for its instance; 0 means 15 s
	Beat    time.Duration // between two beats; 0 means a fifth of the TTL
	Look    time.Duration // between two looks at the others; 0 means a fifteenth of the TTL

	Watchdog *progress.Watchdog // nil: nobody looks whether heartbeats and polls go on
}

// LeaseTTL is how long a sign of life vouches for an instance.
const LeaseTTL = 15 * time.Second

func (c LeaseConfig) checked() LeaseConfig {
	if c.TTL == 0 {
		c.TTL = LeaseTTL
	}
	if c.Beat == 0 {
		c.Beat = c.TTL / 5
	}
	if c.Look == 0 {
		c.Look = c.TTL / 15
	}
	return c
}

// beatsKept is how long the last beat of an instance that is gone stays to be seen.
const beatsKept = 10 * time.Minute

// Tenant works for shards.
type Tenant interface {
	// Hold works for the installations of a shard until ctx ends, and returns once
	// nothing works for them any more; it bounds how long it waits for what does not end.
	// When the cause of the end is ErrNotHeld the lease is lost: nothing may be finished
	// then. Else what is under way may be.
	Hold(ctx context.Context, shard int)
}

// Leases shares the shards out among the instances on one NATS.
//
// Each instance shows a beat in the table "instances"; each shard has a title in the
// table "shards", which changes with its owner alone and by compare-and-set alone.
// Both lie on disk: a single server forgets tables in memory when it restarts, and
// what it forgot nobody could judge by. An instance holds its shards for one TTL from when it began
// to write its last beat that was stored, and begins nothing in the second half of
// that. Others take them over once they have seen no beat for a whole TTL.
type Leases struct {
	link      *js.Link
	cfg       LeaseConfig
	id        string
	started   time.Time
	instances *kv.Table
	shards    *kv.Table
	nudge     chan struct{} // asks for a look: somebody changed something
	beating   gate.Gate     // one heartbeat at a time, so that counts are stored in order

	mu         sync.Mutex // guards what follows; never held across a call
	roster     *roster
	reconnects uint64    // of the connection, as of the last look
	renewed    time.Time // when the last beat that was stored was begun
	count      uint64
	state      string // not empty once it leaves: nothing is begun any more
	tenures    map[int]*tenure
	declined   map[int]time.Time // shards that another instance should have, and since when
	working    lifecycle.Group   // one task for each tenure
}

// OpenLeases makes the tables that they need. Nothing is held before Run.
func (b *Bus) OpenLeases(ctx context.Context, cfg LeaseConfig) (*Leases, error) {
	instances, err := b.Table(ctx, kv.Config{Name: "instances", TTL: beatsKept})
	if err != nil {
		return nil, fmt.Errorf("open leases: %w", err)
	}
	shards, err := b.Table(ctx, kv.Config{Name: "shards"})
	if err != nil {
		return nil, fmt.Errorf("open leases: %w", err)
	}
	l := &Leases{
		link: b.Link, cfg: cfg.checked(), id: ulid.Make().String(), started: time.Now().UTC(),
		instances: instances, shards: shards, nudge: make(chan struct{}, 1), tenures: map[int]*tenure{}, declined: map[int]time.Time{},
		reconnects: b.NC.Stats().Reconnects,
	}
	l.roster = newRoster(l.id, l.cfg.TTL, shards.New())
	return l, nil
}

// ID is this instance's name among the instances: random, new with each start.
func (l *Leases) ID() string { return l.id }

// releaseWithin bounds how long a stop waits for the tenant to let go of everything. What
// does not end by then is left behind: its context has ended.
const releaseWithin = 10 * time.Second

// errStopping is the cause of the end of what a stop ends.
var errStopping = errors.New("the instance stops")

// Run takes part until ctx ends, then gives everything back and returns. It keeps
// the lease alive until the tenant has let go of every shard.
func (l *Leases) Run(ctx context.Context, tenant Tenant) {
	base := context.WithoutCancel(ctx)
	unhear, err := l.hear()
	if err != nil {
		l.link.Log.Warn("changes of other instances are seen by looking only", zap.Error(err))
	}
	defer unhear()
	l.link.Log.Info("instance joins", zap.String(v1.LogInstance, l.id), zap.String(v1.LogVersion, l.cfg.Version))
	heartbeats := l.service("lease heartbeats", l.beatLoop)
	guard := l.service("lease guard", l.guardLoop)
	membership := l.service("lease membership", func(ctx context.Context) { l.lookLoop(ctx, tenant) })
	for _, s := range []*progress.Service{heartbeats, guard, membership} {
		s.Start(base)
	}
	<-ctx.Done()
	within, cancel := context.WithTimeoutCause(base, releaseWithin, fmt.Errorf("not within %s", releaseWithin))
	defer cancel()
	stopped := []error{membership.Stop(within, errStopping)}
	l.mu.Lock()
	l.state = stateLeaving
	l.mu.Unlock()
	_ = l.beat(base) // a failed one is repeated by the loop
	l.letGo(context.Canceled)
	stopped = append(stopped, l.working.Wait(within), heartbeats.Stop(within, errStopping), guard.Stop(within, errStopping))
	if err := errors.Join(stopped...); err != nil {
		l.link.Log.Warn("leases do not end in time; what still runs is left behind", zap.Error(err))
	}
	l.mu.Lock()
	l.state = stateGone
	l.mu.Unlock()
	if err := l.beat(base); err != nil {
		l.link.Log.Warn("the other instances are not told that this one is gone; they find out", zap.Error(err))
	}
	l.changed()
}

// service is one of the loops, which the watchdog starts anew when it stands still.
func (l *Leases) service(name string, loop func(context.Context)) *progress.Service {
	return &progress.Service{Name: name, Part: "leases", Watchdog: l.cfg.Watchdog, Log: l.link.Log, Run: func(ctx context.Context) error {
		loop(ctx)
		return nil
	}}
}

// beatLoop shows signs of life, sooner again after one that failed.
func (l *Leases) beatLoop(ctx context.Context) {
	work := progress.Of(ctx)
	for ctx.Err() == nil {
		work.Busy(progress.Live)
		wait := l.cfg.Beat
		if err := l.beat(ctx); err != nil && ctx.Err() == nil {
			wait /= 3
			l.link.Log.Warn("lease not renewed; trying again", zap.Error(err))
		}
		work.Move()
		work.Wait(wait)
		_ = lifecycle.Sleep(ctx, wait)
	}
}

// beat stores one sign of life. Its time counts from before it was sent: whoever
// sees it saw it later.
func (l *Leases) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, l.cfg.TTL/5, fmt.Errorf("renew the lease: not within %s", l.cfg.TTL/5))
	defer cancel()
	leave, err := l.beating.Enter(ctx)
	if err != nil {
		return fmt.Errorf("renew the lease: %w", err)
	}
	defer leave()
	l.mu.Lock()
	l.count++
	b := beat{Count: l.count, Version: l.cfg.Version, Speaks: speaks, StartedAt: l.started, State: l.state, Declines: slices.Sorted(maps.Keys(l.declined))}
	l.mu.Unlock()
	value, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode beat: %w", err)
	}
	began := time.Now()
	if _, err := l.instances.Put(ctx, l.id, value); err != nil {
		return fmt.Errorf("renew the lease: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fresh(time.Now()) {
		l.lookSoon() // it may take shards (again)
	}
	l.renewed = began
	return nil
}

// guardLoop drops everything once the lease was not renewed for half of its time.
func (l *Leases) guardLoop(ctx context.Context) {
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
			l.letGo(ErrNotHeld)
		}
	}
}

// fresh says whether something new may be begun on the lease.
func (l *Leases) fresh(now time.Time) bool {
	return !l.renewed.IsZero() && now.Sub(l.renewed) < l.cfg.TTL/2
}

const nudgeSubject = "lease.changed"

// changed asks the other instances for a look. It is a hint: they look by themselves too.
func (l *Leases) changed() { _ = l.link.NC.Publish(nudgeSubject, []byte(l.id)) }

func (l *Leases) hear() (stop func(), err error) {
	sub, err := l.link.NC.Subscribe(nudgeSubject, func(msg *nats.Msg) {
		if string(msg.Data) != l.id {
			l.lookSoon()
		}
	})
	if err != nil {
		return func() {}, fmt.Errorf("listen for changes of leases: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

func (l *Leases) lookSoon() {
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}
