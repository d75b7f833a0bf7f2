package progress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"channelsync/internal/panics"
)

// Work is what a Heartbeat speaks for.
type Work struct {
	// Name tells it from all other work, for people: "worker of installation 01h…". Work
	// that goes on elsewhere or is started anew keeps its name. It holds no client's name:
	// Check shows it to whoever asks.
	Name string
	// Part is its kind, one of few: the label of a metric.
	Part string
	// Restart starts it anew, or lets another instance go on with it; nil when it cannot be.
	// What it replaces is closed before it returns. It has Limits.Again.
	Restart func(ctx context.Context) error
}

// Limits are the times of a Watchdog; 0 means the default.
type Limits struct {
	Live  time.Duration // how long live work may be due without a move; 2 minutes
	Bulk  time.Duration // the same of bulk work; 5 minutes
	Again time.Duration // how long work that was started anew has to move; 2 minutes
	Every time.Duration // between two observations; a 24th of Live
}

func (l Limits) checked() Limits {
	l.Live, l.Bulk, l.Again = cmp.Or(l.Live, 2*time.Minute), cmp.Or(l.Bulk, 5*time.Minute), cmp.Or(l.Again, 2*time.Minute)
	l.Every = cmp.Or(l.Every, l.Live/24)
	return l
}

func (l Limits) of(p Pace) time.Duration {
	if p == Bulk {
		return l.Bulk
	}
	return l.Live
}

// Config is what a Watchdog works with.
type Config struct {
	Limits Limits
	// Excuse is asked when something stands still: an error is why nothing can move, such as
	// a store that is away. It has a few seconds; without an answer there is no excuse.
	Excuse func(ctx context.Context) error
	// Count receives the part of each piece of work that is found standing still or failing.
	Count func(part string)
	// Observed is called after each observation, Limits.Every apart: the watchdog itself is alive. May be nil.
	Observed func()
	// GiveUp receives why the process should end.
	GiveUp func(error)
	Log    *zap.Logger
}

// Watchdog observes work.
type Watchdog struct {
	cfg Config

	mu         sync.Mutex // guards heartbeats alone
	heartbeats map[*Heartbeat]bool

	standing atomic.Pointer[[]standing] // by name; for Check
	stacks   stacks
	ended    chan restarted
}

// standing is a piece of work that does not move, or fails.
type standing struct{ name, how string }

// restarted is how a new start ended.
type restarted struct {
	name string
	err  error
}

// New makes a watchdog; it observes nothing before Run.
func New(cfg Config) *Watchdog {
	cfg.Limits = cfg.Limits.checked()
	return &Watchdog{cfg: cfg, heartbeats: map[*Heartbeat]bool{}, ended: make(chan restarted, restartsAtOnce), stacks: stacks{log: cfg.Log}}
}

// Watch observes work until its heartbeat is closed. It begins idle. A nil watchdog observes
// nothing.
func (w *Watchdog) Watch(work Work) *Heartbeat {
	if w == nil {
		return nil
	}
	b := &Heartbeat{work: work}
	b.close = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.heartbeats, b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heartbeats[b] = true
	return b
}

// namedMost is how many pieces of work Check names.
const namedMost = 5

// Check says that all work moves; the error names what does not.
func (w *Watchdog) Check(context.Context) (detail string, err error) {
	all := w.standing.Load()
	if all == nil || len(*all) == 0 {
		return "all work that is due moves", nil
	}
	var texts []string
	for _, s := range (*all)[:min(namedMost, len(*all))] {
		texts = append(texts, s.name+" "+s.how)
	}
	if more := len(*all) - namedMost; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return "", errors.New(strings.Join(texts, "; "))
}

// restartsAtOnce is how many pieces of work are started anew side by side, and logMost how
// many are logged one by one of what an observation finds.
const (
	restartsAtOnce = 8
	logMost        = 20
	excuseWithin   = 3 * time.Second
)

// Run observes work until ctx ends.
func (w *Watchdog) Run(ctx context.Context) {
	l := &monitor{Watchdog: w, known: map[string]*known{}}
	tick := time.NewTicker(w.cfg.Limits.Every)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-w.ended:
			l.startedAnew(r)
			l.start(ctx)
		case <-tick.C:
			now := time.Now()
			l.observe(ctx, elapsed(now.Sub(last), w.cfg.Limits.Every))
			last = now
			if w.cfg.Observed != nil {
				w.cfg.Observed()
			}
		}
	}
}

// monitor is what Run remembers; only its goroutine touches it.
type monitor struct {
	*Watchdog
	known      map[string]*known
	restarting int
	queue      []*known // to be started anew
}

// known is what is known of one name.
type known struct {
	record
	heartbeat  *Heartbeat // the last one
	gone       bool       // it is closed
	failure    string
	restarting bool
	broken     error // of its last new start
}

// finding is a piece of work and what follows from an observation.
type finding struct {
	*known
	now     record
	verdict verdict
}

// bad says that something must be done.
func (f finding) bad() bool { return f.verdict > recovered }

func (l *monitor) observe(ctx context.Context, passed time.Duration) {
	l.gather()
	found := l.judge(passed, false)
	if slices.ContainsFunc(found, finding.bad) {
		if err := l.excuse(ctx); err != nil {
			l.cfg.Log.Info("work is stalled, not restarted while the cause lasts", zap.Error(err))
			found = l.judge(passed, true)
		}
	}
	bad := 0
	for _, f := range found {
		f.record = f.now
		if f.bad() {
			bad++
		}
		l.act(f, bad <= logMost)
	}
	l.start(ctx)
	l.publish()
}

// gather finds the heartbeats that are there now.
func (l *monitor) gather() {
	for _, k := range l.known {
		k.gone = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for b := range l.heartbeats {
		k := l.known[b.work.Name]
		if k == nil {
			k = &known{}
			l.known[b.work.Name] = k
		}
		if k.heartbeat != b {
			k.heartbeat, k.moves = b, 0 // what it did since it began is a move
		}
		k.gone = false
	}
}

// judge evaluates an observation of everything.
func (l *monitor) judge(passed time.Duration, excused bool) []finding {
	var all []finding
	now := time.Now()
	for _, k := range l.known {
		if k.restarting {
			continue
		}
		pace, moves, failing := k.heartbeat.observe(now)
		k.failure = failing
		s := seen{due: pace != idle && !k.gone, moves: moves, failing: failing != "" && !k.gone, excused: excused, limit: l.cfg.Limits.of(pace)}
		if k.gone && k.broken != nil { // nothing is left that could move
			s.due = true
		}
		f := finding{known: k}
		f.now, f.verdict = k.record.judge(s, passed, l.cfg.Limits.Again)
		if k.gone && k.broken == nil && f.now.standing { // somebody else goes on with it, or nobody need
			f.now.standing, f.verdict = false, recovered
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b finding) int { return cmp.Compare(a.heartbeat.work.Name, b.heartbeat.work.Name) })
	return all
}

// excuse asks why nothing can move, on a separate goroutine: a check that hangs must not stop
// the watchdog.
func (l *monitor) excuse(ctx context.Context) error {
	if l.cfg.Excuse == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, excuseWithin)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- panics.Try(func() error { return l.cfg.Excuse(ctx) }) }()
	select {
	case err := <-answer:
		if panics.Of(err) != nil {
			return nil
		}
		return err
	case <-ctx.Done():
		return nil
	}
}

// act does what follows from a verdict.
func (l *monitor) act(f finding, log bool) {
	work, k := f.heartbeat.work, f.known
	about := []zap.Field{zap.String("work", work.Name), zap.Duration("limit", l.cfg.Limits.of(Pace(f.heartbeat.pace.Load())))}
	switch f.verdict {
	case nothing:
		if k.gone && !k.anew {
			delete(l.known, work.Name)
		}
	case recovered:
		k.broken = nil
		l.cfg.Log.Info("work moves again", about...)
	case fails:
		l.count(work)
		if log {
			l.cfg.Log.Error("work fails at every attempt, retrying", append(about, zap.String("cause", k.failure))...)
		}
	case stalled:
		l.count(work)
		if log {
			l.cfg.Log.Error("work is due and has not moved, restarting it", about...)
		}
		l.stacks.dump()
		k.restarting = true
		l.queue = append(l.queue, k)
	case lost:
		l.count(work)
		l.cfg.Log.Error("work is stalled after its restart, ending the process for its supervisor to restart",
			append(about, zap.NamedError("cause", k.broken))...)
		l.stacks.dump()
		l.cfg.GiveUp(fmt.Errorf("%s is stalled although it was restarted; the log has the stacks of all goroutines", work.Name))
	}
}

func (l *monitor) count(work Work) {
	if l.cfg.Count != nil {
		l.cfg.Count(work.Part)
	}
}

// start starts anew what waits for it.
func (l *monitor) start(ctx context.Context) {
	for l.restarting < restartsAtOnce && len(l.queue) > 0 {
		k := l.queue[0]
		l.queue = l.queue[1:]
		l.restarting++
		work, within := k.heartbeat.work, l.cfg.Limits.Again
		ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("start %s anew: not within %s", work.Name, within))
		done := make(chan error, 1)
		go func() {
			done <- panics.Try(func() error {
				if work.Restart == nil {
					return errors.New("it cannot be")
				}
				return work.Restart(ctx)
			})
		}()
		go func() {
			defer cancel()
			r := restarted{name: work.Name}
			select {
			case r.err = <-done:
			case <-ctx.Done():
				r.err = context.Cause(ctx)
			}
			l.ended <- r // there is room for each
		}()
	}
}

// startedAnew takes in how a new start ended.
func (l *monitor) startedAnew(r restarted) {
	l.restarting--
	k := l.known[r.name]
	k.restarting, k.broken = false, r.err
	if r.err != nil {
		l.cfg.Log.Error("restart work failed", zap.String("work", r.name), zap.Error(r.err), panics.Stack(r.err))
	}
}

// publish tells Check what does not move.
func (l *monitor) publish() {
	all := []standing{}
	for name, k := range l.known {
		switch {
		case !k.standing:
		case k.failing > 0:
			all = append(all, standing{name, "fails at every attempt; the log has the cause"})
		case k.given:
			all = append(all, standing{name, "is stalled although it was restarted"})
		case k.broken != nil:
			all = append(all, standing{name, "has not moved and cannot be restarted"})
		default:
			all = append(all, standing{name, "has not moved and is started anew"})
		}
	}
	slices.SortFunc(all, func(a, b standing) int { return cmp.Compare(a.name, b.name) })
	l.standing.Store(&all)
}
