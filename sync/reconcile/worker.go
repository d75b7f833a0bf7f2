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
	// busy is how many records a pass must have found for the next one to wait
	// longer: under a burst, fewer and fuller batches cost Autotask fewer requests.
	busy       = 40
	busyFactor = 2.4
	// pollEvery is how often a worker polls without a notification. Installations with due
	// entries are notified every 15 s; this poll is the safety net.
	pollEvery = 5 * time.Minute
	// minPatience keeps those who wait for a slot in the bulk lane from asking all the time.
	minPatience = 100 * time.Millisecond
	// The handshake is asked at most once a minute while a person must act, first after 5 s.
	firstProbe = 5 * time.Second
	nextProbe  = time.Minute
)

// Reports receives the state of the upstreams of an installation.
type Reports interface {
	Unavailable(failure upstream.Failure, nextAt time.Time)
	Recovered(name upstream.Name)
}

// Worker keeps one installation in line: it takes what is due, live before bulk,
// reconciles it in batches and acknowledges the entries.
type Worker struct {
	r       *Reconciler
	window  time.Duration
	reports Reports

	autotask, target, own upstream.Breaker
	bulk                  upstream.Breaker // for bulk work alone
	retryNow              chan struct{}
	finish                chan struct{} // closed by Finish
	finishing             sync.Once

	asking gate.Gate // for whoever asks a target that was away whether it is back

	mu          sync.Mutex
	unavailable map[upstream.Name]bool
	probes      int
}

// NewWorker makes a worker; window is how long a burst of changes is gathered.
func NewWorker(r *Reconciler, window time.Duration, reports Reports) *Worker {
	return &Worker{r: r, window: window, reports: reports, retryNow: make(chan struct{}, 1), finish: make(chan struct{}), unavailable: map[upstream.Name]bool{}}
}

// Finish makes Run return once the batch under way is committed, without beginning another.
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

// RetryNow ends the waits for unavailable upstreams: the credentials were replaced, or somebody asked.
func (w *Worker) RetryNow() {
	w.autotask.Trip()
	w.bulk.Trip()
	w.target.Trip()
	w.own.Trip()
	notify(w.retryNow)
	notify(w.r.apartDue)
}

// Retry ends the wait for Autotask: another installation was answered.
func (w *Worker) Retry() {
	if !w.autotask.RetryAt().IsZero() {
		w.autotask.Trip()
		notify(w.retryNow)
		notify(w.r.apartDue)
	}
}

// notify leaves a hint for a loop, unless one waits for it already.
func notify(loop chan<- struct{}) {
	select {
	case loop <- struct{}{}:
	default:
	}
}

// ResumesAt is when an unavailable upstream is called again; zero while all is well.
func (w *Worker) ResumesAt() time.Time {
	return newest(w.autotask.RetryAt(), w.target.RetryAt(), w.own.RetryAt())
}

// BulkResumesAt is when bulk work that used its share up resumes; zero while it does.
func (w *Worker) BulkResumesAt() time.Time { return w.bulk.RetryAt() }

// Run works until ctx ends, which cuts a batch short, or Finish is called. notifications
// hints that something may be due.
func (w *Worker) Run(ctx context.Context, notifications <-chan struct{}) {
	liveAt := w.r.Now() // when to poll next
	bulkAt := liveAt
	gather := w.window
	for !w.finished(ctx) {
		if at := w.ResumesAt(); at.After(w.r.Now()) {
			w.sleep(ctx, at.Sub(w.r.Now()), w.retryNow, nil)
			liveAt, bulkAt = w.r.Now(), w.r.Now() // the entries that it failed on are still due
			continue
		}
		now := w.r.Now()
		switch {
		case !now.Before(liveAt):
			liveAt = now.Add(pollEvery)
			n, full := w.livePass(ctx)
			gather = w.window
			if n >= busy {
				gather = time.Duration(float64(w.window) * busyFactor)
			}
			switch {
			case full:
				liveAt = w.r.Now()
			case n > 0:
				liveAt = w.r.Now().Add(gather)
			}
		case !now.Before(bulkAt):
			bulkAt = now.Add(pollEvery)
			if !w.bulk.RetryAt().After(now) && w.bulkPass(ctx) {
				bulkAt = w.r.Now()
			}
			if at := w.bulk.RetryAt(); at.After(w.r.Now()) { // the share is used up until then
				bulkAt = earlier(bulkAt, at)
			}
			// Live entries must not wait for the last of the bulk. A hint says nothing of its
			// lane: a bulk entry may have come after the pass had read that lane.
			if notified(notifications) {
				due := now.Add(gather)
				liveAt, bulkAt = earlier(liveAt, due), earlier(bulkAt, due)
			}
		default:
			if w.sleep(ctx, earlier(liveAt, bulkAt).Sub(now), notifications, w.retryNow) {
				// The window counts from the first notification and is never extended.
				due := w.r.Now().Add(gather)
				liveAt, bulkAt = earlier(liveAt, due), earlier(bulkAt, due)
			}
		}
	}
}

// livePass makes a pass over the live lane.
func (w *Worker) livePass(ctx context.Context) (done int, full bool) {
	work := progress.Of(ctx)
	work.Busy(progress.Live)
	defer work.Idle()
	releaseSlot, ok := w.r.Slots.Acquire(ctx, slots.Request{Installation: w.r.ID, Lane: events.LaneLive})
	if !ok {
		return 0, false
	}
	defer func() { releaseSlot(done) }()
	return w.pass(ctx, events.LaneLive)
}

// bulkPass makes a pass over the bulk lane; it says whether there is to be another one.
// It waits for a slot no longer than a live change may be left waiting meanwhile.
func (w *Worker) bulkPass(ctx context.Context) (again bool) {
	work := progress.Of(ctx)
	work.Busy(progress.Bulk)
	defer work.Idle()
	releaseSlot, ok := w.r.Slots.Acquire(ctx, slots.Request{Installation: w.r.ID, Lane: events.LaneBulk, Wait: max(w.window, minPatience)})
	if !ok {
		return true
	}
	n := 0
	defer func() { releaseSlot(n) }()
	n, _ = w.pass(ctx, events.LaneBulk)
	return n > 0
}

// notified says, without waiting, whether a notification has come.
func notified(notifications <-chan struct{}) bool {
	select {
	case <-notifications:
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
	select {
	case <-ctx.Done():
	case <-w.finish:
	case <-time.After(d):
	case <-a:
		return true
	case <-b:
		return true
	}
	return false
}

// pass reconciles at most one batch of each kind of a lane. Contacts go first:
// they enqueue companies. It says how many records it reconciled and whether a batch was full.
func (w *Worker) pass(ctx context.Context, lane events.Lane) (done int, full bool) {
	in, err := w.r.Installation()
	if err != nil || in.Stopped || in.Uninstalled || in.Refused {
		return 0, false // not asked at all: the entries wait and coalesce
	}
	if lane == events.LaneBulk {
		ctx = autotask.WithBulk(ctx)
	}
	for _, kind := range []v1.Kind{v1.KindContact, v1.KindCompany, v1.KindContract} {
		if w.finished(ctx) {
			break
		}
		n, err := w.try(ctx, kind, lane, fetch.MaxBatch)
		done += n
		full = full || n == fetch.MaxBatch
		if err != nil {
			return done, full
		}
	}
	return done, full
}

// try is batch, and reports what it failed with.
func (w *Worker) try(ctx context.Context, kind v1.Kind, lane events.Lane, most int) (n int, err error) {
	err = panics.Try(func() (err error) {
		n, err = w.batch(ctx, kind, lane, most)
		return err
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, errWaits) {
		w.failed(err, lane)
		if upstream.FailureOf(err, w.r.Now()).Upstream == upstream.Own {
			progress.Of(ctx).Fail(err)
		}
	}
	return n, err
}

// batch is peek, reconcile, acknowledge. The entry of a record that was enqueued again
// meanwhile has a higher sequence and survives the acknowledgement.
func (w *Worker) batch(ctx context.Context, kind v1.Kind, lane events.Lane, most int) (int, error) {
	in, err := w.r.Installation()
	if err != nil {
		return 0, err
	}
	due, err := w.r.Worklist.Peek(ctx, in.ID, kind, lane, most)
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
	w.recovered(lane)
	progress.Of(ctx).Fail(nil)
	err = w.r.whileOwned(ctx, func(ctx context.Context) error { return w.r.Worklist.AckThrough(ctx, in.ID, kind, lane, last) })
	if err != nil {
		return 0, err
	}
	return len(due), nil
}

// wanted drops the entries of cancelled jobs.
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
	broken := w.unavailable[upstream.Target]
	w.mu.Unlock()
	if !broken {
		return nil
	}
	if w.target.RetryAt().After(w.r.Now()) {
		return errWaits
	}
	if err := w.r.recovered(ctx); err != nil {
		if ctx.Err() == nil {
			w.failed(err, lane)
		}
		return errWaits
	}
	return nil
}

// failed opens the breaker of the upstream that failed.
func (w *Worker) failed(err error, lane events.Lane) {
	now := w.r.Now()
	if lane == events.LaneBulk && autotask.KindOf(err) == autotask.KindBudget {
		// The share that bulk work may use is gone; what is left is for live changes, which go on.
		next := w.bulk.Open(now, now.Add(autotask.RetryAfterOf(err)))
		w.reports.Unavailable(upstream.Failure{Upstream: upstream.Bulk, Code: "backfill_throttled", Err: err}, next)
		return
	}
	failure := upstream.FailureOf(err, now)
	at := failure.At
	if failure.Upstream == upstream.Target && failure.NeedsPerson {
		w.mu.Lock()
		w.probes++
		wait := nextProbe
		if w.probes == 1 {
			wait = firstProbe
		}
		w.mu.Unlock()
		at = now.Add(wait)
	}
	next := w.breakerOf(failure.Upstream).Open(now, at)
	w.mu.Lock()
	first := !w.unavailable[failure.Upstream]
	w.unavailable[failure.Upstream] = true
	w.mu.Unlock()
	if first {
		w.r.Log.Warn("upstream unavailable, calls wait", zap.String(v1.LogCode, failure.Code), zap.Time(v1.LogNextAt, next), zap.Error(err), panics.Stack(err))
	}
	w.reports.Unavailable(failure, next)
}

// acquit takes back what is said of the upstream that worked when a batch failed on
// the other: Autotask is read before Channel Program is written, and one that was
// away had answered the handshake before. The handshake alone closes no breaker.
func (w *Worker) acquit(failed upstream.Name) {
	w.mu.Lock()
	targetWas, autotaskWas := w.unavailable[upstream.Target], w.unavailable[upstream.Autotask]
	if failed == upstream.Target {
		delete(w.unavailable, upstream.Autotask)
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

// recovered closes every breaker: a batch went through from end to end.
func (w *Worker) recovered(lane events.Lane) {
	if lane == events.LaneBulk && !w.bulk.RetryAt().IsZero() {
		w.bulk.Close()
		w.reports.Recovered(upstream.Bulk)
	}
	w.mu.Lock()
	was := w.unavailable
	w.unavailable, w.probes = map[upstream.Name]bool{}, 0
	w.mu.Unlock()
	for name := range was {
		w.breakerOf(name).Close()
		w.r.Log.Info("upstream recovered", zap.String(v1.LogCause, string(name)))
		w.reports.Recovered(name)
	}
}

func (w *Worker) breakerOf(s upstream.Name) *upstream.Breaker {
	switch s {
	case upstream.Autotask:
		return &w.autotask
	case upstream.Target:
		return &w.target
	default:
		return &w.own
	}
}
