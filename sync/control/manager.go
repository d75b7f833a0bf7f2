package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"channelsync/sync/slots"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/lease"
	"channelsync/internal/gate"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
	"channelsync/sync/audit"
	"channelsync/sync/deadletter"
	"channelsync/sync/feed"
	"channelsync/sync/history"
	"channelsync/sync/installation"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
	"channelsync/sync/reconcile"
	"channelsync/sync/seal"
)

// Config is what a Manager works with.
type Config struct {
	Bus         *events.Bus
	Vault       *seal.Vault
	Store       *installation.Store
	Ledger      *ledger.Ledger
	DeadLetters *deadletter.Box
	Jobs        *job.Store
	Audit       *audit.Log
	History     *history.Store
	Cluster     *Cluster           // nil: this process is the only one, and works for all installations
	Watchdog    *progress.Watchdog // nil: nobody looks whether work that is due moves

	Hosts             autotask.Hosts
	Discovery         autotask.Discoverer
	ChannelProgramURL string
	PublicURL         string
	Intervals         Intervals
	Version           string

	AutotaskTransport http.RoundTripper // nil = each client its own, for tests to set
	TargetTransport   http.RoundTripper // the same
	Now               func() time.Time
	Log               *zap.Logger
	Metrics           Metrics
	Tracer            trace.Tracer // nil: nothing is traced
}

// Intervals are the clocks of the watchers.
type Intervals struct {
	Poll         time.Duration // contracts; companies and contacts too where no webhook carries them
	Parts        time.Duration
	Sweep        time.Duration
	WebhookCheck time.Duration
	Coalesce     time.Duration
}

// Metrics counts what happened; any of them may be nil.
type Metrics struct {
	Autotask   func(entity, result string, took time.Duration)
	Target     func(operation, result string, took time.Duration)
	Reconciled func(reconcile.Result)
	Freshness  func(took time.Duration)
}

// Manager runs the installations of a process.
type Manager struct {
	Config
	callbacks callbacks
	feeds     feed.Feeds
	slots     *slots.Slots
	totals    totalsCache
	guesses   guesses

	creating gate.Gate  // two requests must not install one account twice
	pending  gate.Keyed // by installation: no pending job is started twice
	changing gate.Keyed // by installation: what starts or stops it, one at a time

	mu       sync.Mutex // guards what follows; never held across a call
	runtimes map[string]*runtime
	aligning map[string]bool                // by installation: it does not run, and that is being looked into
	missing  map[string]*progress.Heartbeat // by installation: it should run and does not
	underWay map[int]int                    // by shard: what operators asked for and is being done
	running  context.Context                // set while Run runs
	working  *lifecycle.Group               // what runs beside the installations; set with running

	taking chan struct{} // holds one for each installation that is being taken over
	tries  atomic.Uint64 // how often that was tried
	asked  atomic.Uint64 // changes that operators asked for

	explains time.Duration // how long either upstream may take to return a record that is explained
}

// New makes a manager; nothing runs before Run.
func New(cfg Config) *Manager {
	return &Manager{
		Config: cfg, slots: slots.New(), runtimes: map[string]*runtime{}, aligning: map[string]bool{}, missing: map[string]*progress.Heartbeat{},
		underWay:  map[int]int{},
		explains:  explainWithin,
		taking:    make(chan struct{}, takesAtOnce),
		callbacks: callbacks{last: map[string]time.Time{}, sequence: map[string]int64{}, doubted: map[string]doubt{}},
	}
}

// drainWithin is how long a batch under way may take to be committed at a stop. It is
// under half of a lease, so that it ends within it.
const drainWithin = 5 * time.Second

// killWithin is how long what runs of an installation may take to end after its context
// has. What does not end by then is left behind: no call that it makes does anything.
const killWithin = 2 * time.Second

// Run runs the installations that this process works for until ctx ends, and returns
// when all have stopped.
func (m *Manager) Run(ctx context.Context) {
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	m.mu.Lock()
	m.running, m.working = running, &lifecycle.Group{}
	working := m.working
	m.mu.Unlock()
	counting, supervisor := m.service("history", m.History.Run), m.service("supervisor of installations", m.supervise)
	counting.Start(running)
	supervisor.Start(running)
	if m.Cluster != nil {
		m.runShared(ctx)
	} else {
		for _, id := range m.Store.Leaving() {
			m.finishLeaving(ctx, id)
		}
		for _, in := range m.Store.List() {
			m.alignApart(in.ID)
		}
		<-ctx.Done()
	}
	m.mu.Lock()
	m.running = nil
	ids := slices.Collect(maps.Keys(m.runtimes))
	m.mu.Unlock()
	m.stopAll(ids)
	end()
	m.ends(counting, supervisor)
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), endWithin, fmt.Errorf("not within %s", endWithin))
	defer cancel()
	if err := working.Stop(ctx, errStopping); err != nil {
		m.Log.Error("work for installations does not stop, abandoning it", zap.Error(err))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.missing {
		m.found(id)
	}
}

// endWithin bounds how long a stop waits for what is beside the installations; its context has ended.
const endWithin = 2 * time.Second

// errStopping is the cause of the end of what a stop ends.
var errStopping = errors.New("the manager stops")

// service is a loop of the manager, which the watchdog starts anew when it stands still.
func (m *Manager) service(name string, loop func(context.Context)) *progress.Service {
	return &progress.Service{Name: name, Part: "installations", Watchdog: m.Watchdog, Log: m.Log, Run: func(ctx context.Context) error {
		loop(ctx)
		return nil
	}}
}

// ends stops loops of the manager, and names those that do not end.
func (m *Manager) ends(services ...*progress.Service) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), endWithin, fmt.Errorf("not within %s", endWithin))
	defer cancel()
	if err := progress.Stop(ctx, errStopping, services...); err != nil {
		m.Log.Error("a loop does not stop, abandoning it", zap.Error(err))
	}
}

// runs runs something beside everything else until it ends by itself, or Run does; false
// when Run has ended.
func (m *Manager) runs(ctx context.Context, name string, run func(context.Context)) bool {
	m.mu.Lock()
	working := m.working
	m.mu.Unlock()
	return working.Go(ctx, name, func(ctx context.Context) error {
		err := panics.Try(func() error { run(ctx); return nil })
		if err != nil {
			m.Log.Error("work for an installation panicked", zap.String(v1.LogOperation, name), zap.Error(err), panics.Stack(err))
		}
		return err
	}) != nil
}

// finishLeaving ends an erasure that was cut short.
func (m *Manager) finishLeaving(ctx context.Context, id string) {
	if err := m.finishErasing(ctx, id); err != nil {
		m.Log.Warn("erasing could not be finished, retrying at the next start",
			zap.String(v1.LogInstallation, id), zap.Error(err))
	}
}

// start runs an installation unless it runs already, is uninstalled or is another process's.
func (m *Manager) start(in *installation.Installation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running == nil || m.runtimes[in.ID] != nil || in.Uninstalled || !m.holds(in.ID) {
		return
	}
	rt := m.newRuntime(in)
	var ctx, work context.Context
	ctx, rt.cancel = context.WithCancelCause(m.running)
	work, rt.kill = context.WithCancel(m.running)
	m.runtimes[in.ID] = rt
	if m.missing[in.ID] != nil {
		m.found(in.ID)
	}
	rt.watch()
	rt.task = lifecycle.New("installation "+in.ID, func(context.Context) error {
		err := panics.Try(func() error { return rt.run(ctx, work) })
		if err != nil {
			m.Log.Error("an installation stopped unexpectedly, the watchdog restarts it",
				zap.String(v1.LogInstallation, in.ID), zap.Error(err), panics.Stack(err))
			rt.heartbeats[partWorker].Busy(progress.Live) // it is due and does not move: nothing runs
			return err
		}
		rt.closeHeartbeats()
		return nil
	})
	rt.task.Start(m.running)
}

// stop ends the goroutines of an installation and waits for them; a batch under way
// may be committed for drainWithin. It returns what ran, whose clients still work; nil
// when nothing did. It is known until it has ended, so that no second one starts beside it.
func (m *Manager) stop(id string) *runtime {
	rt := m.runtime(id)
	if rt == nil {
		return nil
	}
	rt.cancel(errStopping)
	rt.worker.Finish()
	drain, cancel := context.WithTimeoutCause(context.Background(), drainWithin, fmt.Errorf("not within %s", drainWithin))
	defer cancel()
	if rt.task.Wait(drain) != nil {
		rt.kill()
		killed, cancel := context.WithTimeoutCause(context.Background(), killWithin, fmt.Errorf("not within %s", drainWithin+killWithin))
		defer cancel()
		if err := rt.task.Wait(killed); err != nil {
			rt.left.Store(true)
			err = errors.Join(err, rt.loops.Wait(killed)) // names those that run
			m.Log.Error("an installation does not stop, abandoning what still runs of it; its results are ignored",
				zap.String(v1.LogInstallation, id), zap.Error(err))
		}
	}
	rt.kill()
	rt.closeHeartbeats()
	rt.close()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runtimes[id] == rt {
		delete(m.runtimes, id)
	}
	return rt
}

// startAnew lets go of what stands still, for the watchdog: another instance goes on with the
// installation where there is one, else it is started here.
func (m *Manager) startAnew(ctx context.Context, rt *runtime) error {
	if m.runtime(rt.id) != rt {
		return nil // it was started anew for another part of it already
	}
	m.Log.Warn("installation restarted", zap.String(v1.LogInstallation, rt.id))
	if m.Cluster != nil && m.Cluster.Shards.Decline(lease.ShardOf(rt.id)) {
		for m.runtime(rt.id) == rt { // until it has stopped, or was left behind: then the shard is given back
			if err := lifecycle.Sleep(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}
	leave, err := m.changing.Enter(ctx, rt.id)
	if err != nil {
		m.stop(rt.id) // whoever changes the installation may be what stands still
	} else {
		defer leave()
		m.stop(rt.id)
	}
	in, err := m.Store.Get(rt.id)
	if errors.Is(err, installation.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m.start(in)
	return nil
}

// stopAll stops installations side by side.
func (m *Manager) stopAll(ids []string) {
	var stopping sync.WaitGroup
	for _, id := range ids {
		stopping.Go(func() { m.stop(id) })
	}
	stopping.Wait()
}

// runtime returns what runs of an installation; nil when nothing does.
func (m *Manager) runtime(id string) *runtime {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runtimes[id]
}

// get returns an installation, or the 404 that says it is not there.
func (m *Manager) get(id string) (*installation.Installation, error) {
	in, err := m.Store.Get(id)
	if errors.Is(err, installation.ErrNotFound) && m.Cluster != nil {
		in, err = m.loaded(id)
	}
	if errors.Is(err, installation.ErrNotFound) {
		return nil, v1.NotFound("there is no installation " + id)
	}
	return in, err
}
