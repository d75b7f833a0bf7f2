package reconcile

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"channelsync/sync/fetch"
	"channelsync/sync/slots"
	"channelsync/sync/upstream"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/gate"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

const (
	// busy is how many records a turn must have found for the next one to wait
	// longer: under a burst, fewer and fuller batches cost Autotask fewer requests.
	busy       = 40
	busyFactor = 2.4
	// lookAgain is how often a worker looks without being woken. A wake is only a hint, but
	// whoever has marks is woken again every 15 s: this is for what nobody has thought of.
	lookAgain = 5 * time.Minute
	// minPatience keeps those who wait for a place in the bulk lane from asking all the time.
	minPatience = 100 * time.Millisecond
	// The handshake is asked at most once a minute while a person must act, first after 5 s.
	firstProbe = 5 * time.Second
	nextProbe  = time.Minute
)

// Reports is told how the road of an installation is.
type Reports interface {
	Unavailable(road upstream.Failure, nextAt time.Time)
	Recovered(side upstream.Name)
}

// Worker keeps one installation in line: it takes what is due, live before bulk,
// reconciles it in batches and clears the marks.
type Worker struct {
	r       *Reconciler
	window  time.Duration
	reports Reports

	autotask, target, own upstream.Breaker
	bulk                  upstream.Breaker // for bulk work alone
	kick                  chan struct{}
	finish                chan struct{} // closed by Finish
	finishing             sync.Once

	asking gate.Gate // for whoever asks a target that was away whether it is back

	mu     sync.Mutex
	broken map[upstream.Name]bool
	probes int
}

// NewWorker makes a worker; window is how long a burst of changes is gathered.
func NewWorker(r *Reconciler, window time.Duration, reports Reports) *Worker {
	return &Worker{r: r, window: window, reports: reports, kick: make(chan struct{}, 1), finish: make(chan struct{}), broken: map[upstream.Name]bool{}}
}

// Finish makes Run return once the batch under way is settled, without beginning another.
func (w *Worker) Finish() { w.finishing.Do(func() { close(w.finish) }) }

// finished says whether no other batch is to be begun.
func (w *Worker) finished(ctx context.Context) bool {
	select {
	case <-w.finish:
		return true
	default:
		return ctx.Err() != nil
	}
}

// Kick ends waits on a broken road: the credentials were replaced, or somebody asked.
func (w *Worker) Kick() {
	w.autotask.Trip()
	w.bulk.Trip()
	w.target.Trip()
	w.own.Trip()
	w.wake()
	w.r.poke()
}

// Retry ends the wait on Autotask's broken road: somebody else came through there.
func (w *Worker) Retry() {
	if !w.autotask.RetryAt().IsZero() {
		w.autotask.Trip()
		w.wake()
		w.r.poke()
	}
}

func (w *Worker) wake() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// GoesOnAt is when a broken road is tried again; zero while all is well.
func (w *Worker) GoesOnAt() time.Time {
	var at time.Time
	for _, b := range []*upstream.Breaker{&w.autotask, &w.target, &w.own} {
		if t := b.RetryAt(); t.After(at) {
			at = t
		}
	}
	return at
}

// BulkGoesOnAt is when bulk work that used its share up goes on; zero while it does.
func (w *Worker) BulkGoesOnAt() time.Time { return w.bulk.RetryAt() }

// Run works until ctx ends, which cuts a batch short, or Finish is called. wakes hints
// that something may be due.
func (w *Worker) Run(ctx context.Context, wakes <-chan struct{}) {
	var liveAt, bulkAt time.Time // when to look next
	now := w.r.Now()
	liveAt, bulkAt = now, now
	pause := w.window
	for !w.finished(ctx) {
		if at := w.GoesOnAt(); at.After(w.r.Now()) {
			w.sleep(ctx, at.Sub(w.r.Now()), w.kick, nil)
			liveAt, bulkAt = w.r.Now(), w.r.Now() // the marks that it failed on are still due
			continue
		}
		now := w.r.Now()
		switch {
		case !now.Before(liveAt):
			liveAt = now.Add(lookAgain)
			n, full := w.liveTurn(ctx)
			pause = w.window
			if n >= busy {
				pause = time.Duration(float64(w.window) * busyFactor)
			}
			switch {
			case full:
				liveAt = w.r.Now()
			case n > 0:
				liveAt = w.r.Now().Add(pause)
			}
		case !now.Before(bulkAt):
			bulkAt = now.Add(lookAgain)
			if !w.bulk.RetryAt().After(now) && w.bulkTurn(ctx) {
				bulkAt = w.r.Now()
			}
			if at := w.bulk.RetryAt(); at.After(w.r.Now()) { // the share is used up until then
				bulkAt = earlier(bulkAt, at)
			}
			// Live entries must not wait for the last of the bulk. A hint says nothing of its
			// lane: a bulk entry may have come after the turn had read that lane.
			if woken(wakes) {
				due := now.Add(pause)
				liveAt, bulkAt = earlier(liveAt, due), earlier(bulkAt, due)
			}
		default:
			next := liveAt
			if bulkAt.Before(next) {
				next = bulkAt
			}
			if w.sleep(ctx, next.Sub(now), wakes, w.kick) {
				// The window counts from the first wake and is never extended.
				due := w.r.Now().Add(pause)
				liveAt, bulkAt = earlier(liveAt, due), earlier(bulkAt, due)
			}
		}
	}
}

// liveTurn makes a turn in the live lane.
func (w *Worker) liveTurn(ctx context.Context) (settled int, full bool) {
	work := progress.Of(ctx)
	work.Busy(progress.Live)
	defer work.Idle()
	releaseSlot, ok := w.r.Slots.Acquire(ctx, slots.Request{Installation: w.r.ID, Lane: events.LaneLive})
	if !ok {
		return 0, false
	}
	defer func() { releaseSlot(settled) }()
	return w.turn(ctx, events.LaneLive)
}

// bulkTurn makes a turn in the bulk lane; it says whether there is to be another one.
// It waits for a place no longer than a live change may be left waiting meanwhile.
func (w *Worker) bulkTurn(ctx context.Context) (again bool) {
	work := progress.Of(ctx)
	work.Busy(progress.Bulk)
	defer work.Idle()
	releaseSlot, ok := w.r.Slots.Acquire(ctx, slots.Request{Installation: w.r.ID, Lane: events.LaneBulk, Wait: max(w.window, minPatience)})
	if !ok {
		return true
	}
	n := 0
	defer func() { releaseSlot(n) }()
	n, _ = w.turn(ctx, events.LaneBulk)
	return n > 0
}

// woken says, without waiting, whether a wake has come.
func woken(wakes <-chan struct{}) bool {
	select {
	case <-wakes:
		return true
	default:
		return false
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// sleep waits d, or until one of the channels fires; it says whether one did.
func (w *Worker) sleep(ctx context.Context, d time.Duration, a, b <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.finish:
	case <-t.C:
	case <-a:
		return true
	case <-b:
		return true
	}
	return false
}

// turn reconciles at most one batch of each kind of a lane. Contacts go first:
// they mark companies. It says how many records it settled and whether a batch was full.
func (w *Worker) turn(ctx context.Context, lane events.Lane) (settled int, full bool) {
	in, err := w.r.Installation()
	if err != nil || in.Stopped || in.Uninstalled || in.Refused {
		return 0, false // not asked at all: the marks wait and coalesce
	}
	if lane == events.LaneBulk {
		ctx = autotask.WithBulk(ctx)
	}
	for _, kind := range []v1.Kind{v1.KindContact, v1.KindCompany, v1.KindContract} {
		if w.finished(ctx) {
			break
		}
		n := 0
		err := panics.Try(func() (err error) {
			n, err = w.batch(ctx, kind, lane)
			return err
		})
		settled += n
		full = full || n == fetch.MaxBatch
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, errWaits) {
				w.broke(err, lane)
				if upstream.FailureOf(err, w.r.Now()).Upstream == upstream.Own {
					progress.Of(ctx).Fail(err)
				}
			}
			return settled, full
		}
	}
	return settled, full
}

// batch is take, reconcile, clear. The mark of a record that was marked again
// meanwhile has a higher sequence and survives the clearing.
func (w *Worker) batch(ctx context.Context, kind v1.Kind, lane events.Lane) (int, error) {
	in, err := w.r.Installation()
	if err != nil {
		return 0, err
	}
	due, err := w.r.Worklist.Peek(ctx, in.ID, kind, lane, fetch.MaxBatch)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	if err := w.ready(ctx, lane); err != nil {
		return 0, err
	}
	last := due[len(due)-1].Sequence
	if err := w.r.Batch(ctx, kind, w.wanted(due)); err != nil {
		w.acquit(upstream.FailureOf(err, w.r.Now()).Upstream)
		return 0, err
	}
	w.mended(lane)
	progress.Of(ctx).Fail(nil)
	err = w.r.held(ctx, func(ctx context.Context) error { return w.r.Worklist.AckThrough(ctx, in.ID, kind, lane, last) })
	if err != nil {
		return 0, err
	}
	return len(due), nil
}

// wanted drops the marks of cancelled jobs.
func (w *Worker) wanted(due []events.DueEntry) []events.DueEntry {
	if w.r.Cancelled == nil {
		return due
	}
	return slices.DeleteFunc(slices.Clone(due), func(d events.DueEntry) bool { return d.Job != "" && w.r.Cancelled(d.Job) })
}

// errWaits says that an upstream was found to be away still, and that this is reported.
var errWaits = errors.New("the upstream is away still")

// ready asks a target that was away whether it is back before anything is fetched for
// it: that costs the target a request or two, and Autotask none. Of the two loops of the
// worker one asks, and the other goes by what it learnt.
func (w *Worker) ready(ctx context.Context, lane events.Lane) error {
	leave, err := w.asking.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	w.mu.Lock()
	broken := w.broken[upstream.Target]
	w.mu.Unlock()
	if !broken {
		return nil
	}
	if w.target.RetryAt().After(w.r.Now()) {
		return errWaits
	}
	if err := w.r.recovered(ctx); err != nil {
		if ctx.Err() == nil {
			w.broke(err, lane)
		}
		return errWaits
	}
	return nil
}

// broke opens the breaker of the side whose road failed.
func (w *Worker) broke(err error, lane events.Lane) {
	now := w.r.Now()
	if lane == events.LaneBulk && autotask.KindOf(err) == autotask.KindBudget {
		// The share that bulk work may use is gone; what is left is for live changes, which go on.
		next := w.bulk.Open(now, now.Add(autotask.RetryAfterOf(err)))
		w.reports.Unavailable(upstream.Failure{Upstream: upstream.Bulk, Code: "backfill_throttled", Err: err}, next)
		return
	}
	road := upstream.FailureOf(err, now)
	at := road.At
	if road.Upstream == upstream.Target && road.NeedsPerson {
		w.mu.Lock()
		w.probes++
		wait := nextProbe
		if w.probes == 1 {
			wait = firstProbe
		}
		w.mu.Unlock()
		at = now.Add(wait)
	}
	next := w.breaker(road.Upstream).Open(now, at)
	w.mu.Lock()
	first := !w.broken[road.Upstream]
	w.broken[road.Upstream] = true
	w.mu.Unlock()
	if first {
		w.r.Log.Warn("road broken", zap.String(v1.LogCode, road.Code), zap.Time(v1.LogNextAt, next), zap.Error(err), panics.Stack(err))
	}
	w.reports.Unavailable(road, next)
}

// acquit takes back what is said of the side that worked when a batch failed on
// the other: Autotask is read before Channel Program is written, and one that was
// away had answered the handshake before. The handshake alone closes no breaker.
func (w *Worker) acquit(failed upstream.Name) {
	w.mu.Lock()
	targetWas, autotaskWas := w.broken[upstream.Target], w.broken[upstream.Autotask]
	if failed == upstream.Target {
		delete(w.broken, upstream.Autotask)
	}
	w.mu.Unlock()
	switch {
	case failed == upstream.Target && autotaskWas:
		w.autotask.Close()
		w.reports.Recovered(upstream.Autotask)
	case failed == upstream.Autotask && targetWas:
		w.reports.Recovered(upstream.Target)
	}
}

// mended closes every breaker: a batch went through from end to end.
func (w *Worker) mended(lane events.Lane) {
	if lane == events.LaneBulk && !w.bulk.RetryAt().IsZero() {
		w.bulk.Close()
		w.reports.Recovered(upstream.Bulk)
	}
	w.mu.Lock()
	was := w.broken
	w.broken, w.probes = map[upstream.Name]bool{}, 0
	w.mu.Unlock()
	for side := range was {
		w.breaker(side).Close()
		w.r.Log.Info("road mended", zap.String(v1.LogCause, string(side)))
		w.reports.Recovered(side)
	}
}

func (w *Worker) breaker(s upstream.Name) *upstream.Breaker {
	switch s {
	case upstream.Autotask:
		return &w.autotask
	case upstream.Target:
		return &w.target
	default:
		return &w.own
	}
}
