package control

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"channelsync/sync/upstream"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/gate"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/reconcile"
	"channelsync/sync/watch"
)

// saveWithin is how long storing the progress of jobs may hold up a stop.
const saveWithin = 5 * time.Second

// runtime is one installation at work: its clients, its worker, its watchers.
type runtime struct {
	m         *Manager
	id        string
	log       *zap.Logger
	autotask  *autotask.Client
	target    *channelprogram.Client
	rec       *reconcile.Reconciler
	worker    *reconcile.Worker
	watcher   *watch.Watcher
	issues    *issue.Set
	freshness *reconcile.Freshness

	watching   gate.Gate     // the watcher's steps never overlap
	registered atomic.Bool   // the webhooks are as they should be
	tried      atomic.Bool   // the registration was tried at least once
	repaired   atomic.Int64  // records put right that no callback had announced
	catchUp    atomic.Bool   // companies and contacts are to be polled although webhooks work
	pollNow    chan struct{} // asks for a poll
	lastGap    atomic.Pointer[time.Time]
	check      chan struct{} // asks for a check of the registrations
	newJob     chan struct{} // notifies of new jobs
	choices    choices
	comparing  atomic.Bool     // parts are being compared
	loops      lifecycle.Group // whatever runs of it

	connection string                  // what the target's client is bound to
	account    string                  // what the client of Autotask began with, or got last from another instance
	cancel     context.CancelCauseFunc // ends the watchers
	kill       context.CancelFunc      // cuts the batch under way short
	lost       atomic.Bool             // another process may work for the installation
	left       atomic.Bool             // it did not end in time: another one may run beside it
	heartbeats []*progress.Heartbeat   // of what works; closed once it has ended, or was left behind
	task       *lifecycle.Task         // all of it
}

func (m *Manager) newRuntime(in *installation.Installation) *runtime {
	rt := &runtime{
		m: m, id: in.ID, log: m.Log.With(zap.String(v1.LogInstallation, in.ID)), issues: issue.NewSet(m.Now), freshness: &reconcile.Freshness{},
		check: make(chan struct{}, 1), pollNow: make(chan struct{}, 1), newJob: make(chan struct{}, 1),
	}
	rt.autotask = m.autotaskClient(in, rt)
	rt.connection, rt.account = connectionOf(in), accountOf(in)
	hold := m.holdOf(in.ID)
	target, err := m.targetClient(in, hold)
	if err != nil {
		rt.issues.Raise(issue.Issue{Code: "channel_program_url_missing", Detail: err.Error()})
	}
	rt.target = target
	rt.rec = reconcile.New(reconcile.Config{
		ID: in.ID, Installation: func() (*installation.Installation, error) { return m.Store.Get(in.ID) },
		Autotask: rt.autotask, Target: rt.target, ConnectedAt: in.ConnectedAt(), Ledger: m.Ledger, DeadLetters: m.DeadLetters,
		Journal: m.Bus.Journal(), Worklist: m.Bus.Worklist(), Scheduler: m.Bus.Worklist(), Slots: m.slots,
		Freshness: rt.freshness, Now: m.Now, Tracer: m.Tracer, Log: rt.log, Done: rt.reconciled, Cancelled: m.Jobs.Drops,
		Owned: hold,
	})
	rt.worker = reconcile.NewWorker(rt.rec, m.Intervals.Coalesce, rt)
	rt.watcher = watch.New(watch.Config{
		ID: in.ID, Store: m.Store, Autotask: rt.autotask, Journal: m.Bus.Journal(), Ledger: m.Ledger, Catalogue: rt.rec.Rows(),
		Crowded: m.slots.Crowded, Now: m.Now, Log: rt.log,
		PartsEvery: m.Intervals.Parts, PollEvery: m.Intervals.Poll,
	})
	if in.Refused {
		rt.issues.Raise(issue.Issue{Code: "credentials_refused", Detail: in.RefusedFor})
	}
	return rt
}

func (m *Manager) autotaskClient(in *installation.Installation, rt *runtime) *autotask.Client {
	cfg := m.autotaskConfig(in)
	if rt != nil {
		cfg.OnZone, cfg.OnRefused, cfg.Log = rt.zoneMoved, rt.refused, rt.log
	}
	return autotask.New(cfg)
}

func (m *Manager) autotaskConfig(in *installation.Installation) autotask.Config {
	return autotask.Config{
		Credentials: credentialsOf(in), Zone: in.Zone, Hosts: m.Hosts, Discover: m.Discovery.Discover,
		Transport: m.AutotaskTransport, Now: m.Now, Log: m.Log, Observe: m.Metrics.Autotask,
	}
}

func credentialsOf(in *installation.Installation) autotask.Credentials {
	return autotask.Credentials{
		Username: in.Secrets.Username, Secret: v1.Secret(in.Secrets.Secret), TrackingIdentifier: v1.Secret(in.Secrets.TrackingIdentifier),
	}
}

// connectionOf names what a target's client is made for.
func connectionOf(in *installation.Installation) string {
	return in.ConnectionID + " " + in.ConnectedAt().String() + " " + in.Secrets.Token
}

// accountOf names what a client of Autotask is made for.
func accountOf(in *installation.Installation) string {
	s := in.Secrets
	return in.Zone.URL + " " + s.Username + " " + s.Secret + " " + s.TrackingIdentifier
}

func (m *Manager) targetClient(in *installation.Installation, hold hold) (*channelprogram.Client, error) {
	return channelprogram.New(channelprogram.Config{
		BaseURL: m.ChannelProgramURL, ConnectionID: in.ConnectionID, Token: v1.Secret(in.Secrets.Token),
		Transport: m.TargetTransport, Now: m.Now, Log: m.Log, Observe: m.Metrics.Target, Hold: hold,
	})
}

func (rt *runtime) installation() (*installation.Installation, error) { return rt.m.Store.Get(rt.id) }

// run works until ctx ends and the worker has finished; work cuts the worker short. A
// panic of one of the loops ends the others too, and is an error: all are started anew.
func (rt *runtime) run(ctx, work context.Context) error {
	rt.heartbeats[partWorker].Busy(progress.Live)
	due, unwatch := rt.m.Bus.Worklist().Notifications(rt.id)
	defer unwatch()
	rt.m.History.Load(rt.id)
	var loops []*lifecycle.Task
	if rt.target != nil {
		apart := rt.loop(work, partApart, rt.worker.RunApart)
		loops = append(loops, apart, rt.loop(work, partWorker, func(ctx context.Context) {
			if apart != nil {
				defer apart.End(errWorkerEnded) // what is sent apart may hang for long, and is sent again
			}
			rt.worker.Run(ctx, due)
		}))
	} else {
		rt.heartbeats[partWorker].Idle()
	}
	loops = append(loops, rt.loop(ctx, partWebhooks, rt.watchWebhooks), rt.loop(ctx, partPoller, rt.pollLoop), rt.loop(ctx, partJobs, rt.runJobs))
	for _, t := range loops {
		if t != nil {
			<-t.Done()
		}
	}
	_ = rt.loops.Wait(context.WithoutCancel(ctx)) // for the comparison of parts; without an end it has no error
	if rt.left.Load() {
		return nil // what runs now counts and stores
	}
	if !rt.lost.Load() {
		rt.saveCounts(ctx)
	}
	rt.dropHistory(ctx)
	if panics.Of(context.Cause(ctx)) != nil {
		return errLoopPanicked
	}
	return nil
}

var (
	errWorkerEnded  = errors.New("the worker has ended")
	errLoopPanicked = errors.New("one of its loops panicked")
)

// loop runs a part until it ends; nil when the installation is being stopped already.
func (rt *runtime) loop(ctx context.Context, part int, run func(context.Context)) *lifecycle.Task {
	return rt.loops.Go(progress.With(ctx, rt.heartbeats[part]), parts[part].name+" of installation "+rt.id, func(ctx context.Context) error {
		err := panics.Try(func() error { run(ctx); return nil })
		if err != nil {
			rt.log.Error("a loop of an installation panicked",
				zap.String(v1.LogOperation, parts[part].name), zap.Error(err), panics.Stack(err))
			rt.cancel(err)
			rt.worker.Finish()
		}
		return err
	})
}

// What works for an installation, in the order of runtime.heartbeats.
const (
	partWorker = iota
	partWebhooks
	partPoller
	partJobs
	partComparison
	partApart
)

// parts name them, for people and as the label of a metric.
var parts = [...]struct{ name, part string }{
	partWorker: {"worker", "worker"}, partWebhooks: {"check of webhooks", "webhooks"}, partPoller: {"poller", "poller"}, partJobs: {"jobs", "jobs"},
	partComparison: {"comparison of parts", "poller"}, partApart: {"worker of failing records", "worker"},
}

// watch has the watchdog look after what works.
func (rt *runtime) watch() {
	for _, p := range parts {
		rt.heartbeats = append(rt.heartbeats, rt.m.Watchdog.Watch(progress.Work{
			Name: p.name + " of installation " + rt.id, Part: p.part,
			Restart: func(ctx context.Context) error { return rt.m.startAnew(ctx, rt) },
		}))
	}
}

func (rt *runtime) closeHeartbeats() {
	for _, b := range rt.heartbeats {
		b.Close()
	}
}

// saveCounts stores how far the jobs came: only a crash may lose progress.
func (rt *runtime) saveCounts(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), saveWithin, fmt.Errorf("store progress of jobs: not within %s", saveWithin))
	defer cancel()
	if err := rt.m.Jobs.Flush(ctx, rt.id); err != nil {
		rt.log.Warn("progress of jobs not stored", zap.Error(err))
	}
}

func (rt *runtime) close() {
	rt.autotask.Close()
	if rt.target != nil {
		rt.target.Close()
	}
}

// Unavailable notes that an upstream failed; the worker calls it.
func (rt *runtime) Unavailable(failed upstream.Failure, next time.Time) {
	if failed.Code == "credentials_refused" {
		return // told by the client itself, once
	}
	rt.issues.Raise(issue.Issue{Code: failed.Code, Source: string(failed.Upstream), Detail: failed.Err.Error(), Act: failed.NeedsPerson, NextAt: next})
}

// Recovered notes that an upstream works again; the worker calls it.
func (rt *runtime) Recovered(name upstream.Name) { rt.issues.ClearFrom(string(name)) }

// errReplaced says that credentials are not the installation's any more.
var errReplaced = errors.New("the credentials were replaced meanwhile")

// changeOf stores what was learned of credentials, unless others took their place: a call that was under way then may be
// answered after them, and must not speak for them.
func (rt *runtime) changeOf(of autotask.Credentials, edit func(*installation.Installation)) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := rt.m.Store.Change(ctx, rt.id, func(in *installation.Installation) error {
		if credentialsOf(in) != of {
			return errReplaced
		}
		edit(in)
		return nil
	})
	return err
}

// zoneMoved remembers a zone that was found again after the old host refused.
func (rt *runtime) zoneMoved(of autotask.Credentials, zone v1.Zone) {
	err := rt.changeOf(of, func(in *installation.Installation) { in.Zone = zone })
	rt.log.Warn("zone moved", zap.String(v1.LogURL, zone.URL), zap.Error(err))
}

// refused remembers that Autotask refused the credentials, so that not even a
// restart tries them again.
func (rt *runtime) refused(of autotask.Credentials, cause error) {
	// Raised first: whoever replaces the credentials after they are stored as refused clears it.
	rt.issues.Raise(issue.Issue{Code: "credentials_refused", Detail: cause.Error(), Act: true})
	err := rt.changeOf(of, func(in *installation.Installation) { in.Refused, in.RefusedFor = true, cause.Error() })
	if errors.Is(err, errReplaced) {
		if in, err := rt.installation(); err != nil || !in.Refused {
			rt.issues.Clear("credentials_refused")
		}
	}
	rt.log.Warn("credentials refused", zap.NamedError(v1.LogCause, cause), zap.Error(err))
}

// paused says whether nothing may be asked of Autotask now.
func (rt *runtime) paused() bool {
	in, err := rt.installation()
	return err != nil || in.Stopped || in.Uninstalled || in.Refused
}

// every runs step at once and then at each interval, or sooner when asked.
func every(ctx context.Context, interval time.Duration, sooner <-chan struct{}, step func(context.Context)) {
	work := progress.Of(ctx)
	for ctx.Err() == nil {
		step(ctx)
		work.Idle()
		_ = lifecycle.SleepUntil(ctx, interval, sooner)
	}
}

// notify has a loop run sooner; it never blocks.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// failed raises an issue of a watcher's failure.
func (rt *runtime) failed(ctx context.Context, what string, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, installation.ErrNotFound) {
		return
	}
	failed := upstream.FailureOf(err, rt.m.Now())
	rt.log.Warn("watch of an upstream failed, retrying", zap.String(v1.LogOperation, what), zap.Error(err), panics.Stack(err))
	if failed.Code == "credentials_refused" || failed.Upstream != upstream.Autotask && failed.Code != upstream.CodeInternal {
		return
	}
	rt.issues.Raise(issue.Issue{Code: failed.Code, Source: what, Detail: err.Error(), Act: failed.NeedsPerson, NextAt: failed.At})
}

var _ reconcile.Worklist = (*events.Worklist)(nil)
