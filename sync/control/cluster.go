package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/lease"
	"channelsync/internal/lifecycle"
	"channelsync/internal/progress"
	"channelsync/sync/installation"
)

// Shards shares the installations out among the instances.
type Shards interface {
	// Run has the worker work for the shards that it gets until ctx ends and all are released.
	Run(ctx context.Context, worker lease.Worker)
	// Owns says whether this instance owns an installation and is not about to stop.
	Owns(installation string) bool
	// Decline releases a shard for another instance to go on with; false when there is none.
	Decline(shard int) bool
	// Under returns a context that ends before anybody else may work for the
	// installation; the error says that somebody may already.
	Under(ctx context.Context, installation string) (context.Context, context.CancelFunc, error)
}

// Peers asks the other instances how what they work for stands. One that does not
// answer within a moment is left out.
type Peers interface {
	Installations(ctx context.Context) []v1.Installation
	OpenIssues(ctx context.Context) []v1.InstallationStatus
}

// Cluster is what a process needs that shares the installations with others.
type Cluster struct {
	Shards Shards
	Peers  Peers
	// Admits says whether this is the one instance that may make new installations:
	// the one that keeps shard 0.
	Admits        func() bool
	Installations installation.Watched
	Audit         installation.Watched
	Guard         Guard // of what only one installation may have
}

type hold = func(context.Context) (context.Context, context.CancelFunc, error)

// holds says whether this process works for an installation.
func (m *Manager) holds(id string) bool { return m.Cluster == nil || m.Cluster.Shards.Owns(id) }

// holdOf is what is asked before anything is written for an installation; nil: nothing need be.
func (m *Manager) holdOf(id string) hold {
	if m.Cluster == nil {
		return nil
	}
	return func(ctx context.Context) (context.Context, context.CancelFunc, error) {
		return m.Cluster.Shards.Under(ctx, id)
	}
}

// runShared runs what is this instance's until ctx ends and all of it is given back.
func (m *Manager) runShared(ctx context.Context) {
	following, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	installations := m.service("watch of installations", func(ctx context.Context) {
		m.Store.Follow(ctx, m.Cluster.Installations, m.changedElsewhere, m.Log)
	})
	audit := m.service("watch of the audit", func(ctx context.Context) { m.Audit.Follow(ctx, m.Cluster.Audit, m.Log) })
	installations.Start(following)
	audit.Start(following)
	if err := m.listen(following); err != nil {
		m.Log.Warn("subscribe to peer events failed, polling finds the changes of others", zap.Error(err))
	}
	m.Cluster.Shards.Run(ctx, m)
	m.ends(installations, audit)
}

// changedElsewhere brings what runs in line with a change that another instance made.
func (m *Manager) changedElsewhere(id string) {
	m.mu.Lock()
	running := m.running
	m.mu.Unlock()
	if running != nil {
		m.runs(running, "change of installation "+id, func(ctx context.Context) { m.align(ctx, id) })
	}
}

// Work works for the installations of a shard until ctx ends, and returns when
// nothing works for them any more.
func (m *Manager) Work(ctx context.Context, shard int) {
	m.refresh(ctx)
	for _, id := range m.Store.Leaving() {
		if lease.ShardOf(id) == shard && ctx.Err() == nil {
			m.finishLeaving(ctx, id)
		}
	}
	for ctx.Err() == nil {
		m.alignIdle(shard)
		_ = lifecycle.Sleep(ctx, alignEvery)
	} // from now on nothing of the shard is started any more
	m.leaveShard(shard, errors.Is(context.Cause(ctx), lease.ErrNotOwned))
}

// alignEvery is how often it is looked whether something of a shard does not run: while
// the lease is late, and not lost yet, whatever is aligned is stopped, and nothing started.
const alignEvery = 2 * time.Second

// alignIdle aligns what does not run of a shard.
func (m *Manager) alignIdle(shard int) {
	for _, in := range m.Store.List() {
		if lease.ShardOf(in.ID) == shard && !in.Uninstalled {
			m.alignApart(in.ID)
		}
	}
}

// refresh sees to it that the store knows what the instance before stored last.
func (m *Manager) refresh(ctx context.Context) {
	for range 3 {
		err := m.Store.Refresh(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		m.Log.Warn("compare installations with the store failed, retrying", zap.Error(err))
		_ = lifecycle.Sleep(ctx, time.Second)
	}
}

// align brings what runs of an installation, and what is remembered of it, in line
// with the store and with whose it is.
func (m *Manager) align(ctx context.Context, id string) {
	leave, err := m.changing.Enter(ctx, id)
	if err != nil {
		return
	}
	defer leave()
	in, err := m.Store.Get(id)
	if err != nil || !m.holds(id) {
		m.stop(id)
		m.forget(id)
		return
	}
	rt := m.runtime(id)
	switch {
	case rt == nil:
		m.takeOver(ctx, id)
	case in.Uninstalled:
		m.stop(id)
	case rt.connection != connectionOf(in):
		m.stop(id)
		m.start(in)
	case rt.account != accountOf(in):
		rt.account = accountOf(in)
		rt.autotask.SetCredentials(credentialsOf(in), in.Zone)
		rt.issues.Clear("credentials_refused")
		rt.resume()
	}
}

// takesAtOnce is how many installations are taken over side by side: all of an
// instance that died come at once.
const takesAtOnce = 16

// begin notes that something an operator asked for is being done; the shard is not
// given back before done is called, or drainWithin is over.
func (m *Manager) begin(shard int) (done func()) {
	work := m.Watchdog.Watch(progress.Work{Name: fmt.Sprintf("change %d that an operator asked for", m.asked.Add(1)), Part: "installations"})
	work.Busy(progress.Bulk) // whatever it waits for: the admin API gives a request 2 minutes
	m.mu.Lock()
	defer m.mu.Unlock()
	m.underWay[shard]++
	return func() {
		work.Close()
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.underWay[shard]--; m.underWay[shard] == 0 {
			delete(m.underWay, shard)
		}
	}
}

// finished waits until what operators asked for is done: half of it must not be done
// beside another instance that works for the installation already.
func (m *Manager) finished(shard int) {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	for ctx.Err() == nil {
		m.mu.Lock()
		n := m.underWay[shard]
		m.mu.Unlock()
		if n == 0 {
			return
		}
		_ = lifecycle.Sleep(ctx, 20*time.Millisecond)
	}
}

// leaveShard stops what runs of a shard. When it is lost nothing is finished.
func (m *Manager) leaveShard(shard int, lost bool) {
	m.mu.Lock()
	var ids []string
	for id, rt := range m.runtimes {
		if lease.ShardOf(id) != shard {
			continue
		}
		ids = append(ids, id)
		if lost {
			rt.lost.Store(true)
			rt.cancel(lease.ErrNotOwned)
			rt.kill()
		}
	}
	m.mu.Unlock()
	var finishing sync.WaitGroup
	if !lost {
		finishing.Go(func() { m.finished(shard) })
	}
	m.stopAll(ids)
	finishing.Wait()
	for _, in := range m.Store.List() {
		if lease.ShardOf(in.ID) == shard {
			m.forget(in.ID)
		}
	}
}

// forget drops what is remembered of an installation that another process works for.
func (m *Manager) forget(id string) {
	m.Ledger.Release(id)
	m.Jobs.Forget(id)
}

// loadWithin bounds a look for an installation that another instance may have just made.
const loadWithin = 2 * time.Second

func (m *Manager) loaded(id string) (*installation.Installation, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), loadWithin, fmt.Errorf("look for installation: not within %s", loadWithin))
	defer cancel()
	if err := m.Store.Load(ctx, id); err != nil {
		return nil, err
	}
	return m.Store.Get(id)
}

// mine is get for what changes an installation or asks its vendors: only the
// instance that works for it may.
func (m *Manager) mine(id string) (*installation.Installation, error) {
	in, err := m.get(id)
	if err == nil && !m.holds(id) {
		err = nobodys()
	}
	return in, err
}

func nobodys() *v1.Problem {
	return v1.Unavailable("No instance of channelsync works for this installation right now.", "Try again in some seconds: another one takes over.")
}

// What instances publish to each other. All of it is a hint, or shown and not relied on.
const (
	topicFeed      = "feed"      // an outcome, sealed: it names a client
	topicDelivered = "delivered" // an authentic callback came in at another instance
	topicCheck     = "check"     // the registrations should be looked at
)

// delivery is what is published of a callback.
type delivery struct {
	GUID     string    `json:"guid"`
	Sequence *int64    `json:"sequence,omitempty"`
	At       time.Time `json:"at"`
}

// listen receives what the other instances publish, until ctx ends.
func (m *Manager) listen(ctx context.Context) error {
	return errors.Join(
		m.Bus.Peers().Subscribe(ctx, topicFeed, "*", func(id string, data []byte) { m.receiveFeed(ctx, id, data) }),
		m.Bus.Peers().Subscribe(ctx, topicDelivered, "*", func(id string, data []byte) {
			var d delivery
			if m.holds(id) && json.Unmarshal(data, &d) == nil {
				m.delivered(id, d)
			}
		}),
		m.Bus.Peers().Subscribe(ctx, topicCheck, "*", func(id string, _ []byte) {
			if rt := m.runtime(id); rt != nil {
				notify(rt.check)
			}
		}),
	)
}

// publishTo sends a hint to the instance that owns an installation; the ordinary checks find
// what is lost.
func (m *Manager) publishTo(topic, id string, what any) {
	data, err := json.Marshal(what)
	if err == nil {
		err = m.Bus.Peers().Publish(topic, id, data)
	}
	if err != nil {
		m.Log.Debug("publish hint to other instances failed, the next check finds it", zap.String(v1.LogInstallation, id), zap.String(v1.LogOperation, topic), zap.Error(err))
	}
}
