package control

import (
	"context"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/lease"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

// superviseEvery is how often what runs is compared with what should.
const superviseEvery = 2 * time.Second

// supervise has the watchdog look after each installation that should run here and does
// not, whatever the reason: what does not run has no worker that could be found standing
// still. An instance that shares the installations starts them in Hold; a single one here.
func (m *Manager) supervise(ctx context.Context) {
	work := progress.Of(ctx)
	for ctx.Err() == nil {
		work.Busy(progress.Live)
		for _, id := range m.expectAll() {
			if m.Cluster == nil {
				m.alignApart(id)
			}
		}
		work.Idle()
		_ = lifecycle.Sleep(ctx, superviseEvery)
	}
}

// expectAll returns what should run here and does not. What an operator changes at the
// moment need not run: that change is watched itself.
func (m *Manager) expectAll() (ids []string) {
	all := m.Store.List()
	due := make(map[string]bool, len(all))
	for _, in := range all {
		due[in.ID] = !in.Uninstalled && m.holds(in.ID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range due {
		if due[id] = due[id] && m.running != nil && m.runtimes[id] == nil && m.underWay[lease.ShardOf(id)]+m.underWay[admitting] == 0; due[id] {
			m.expect(id)
			ids = append(ids, id)
		}
	}
	for id := range m.missing {
		if !due[id] {
			m.found(id)
		}
	}
	return ids
}

// expect is the heartbeat of an installation that is to run here and does not yet; m.mu is held.
func (m *Manager) expect(id string) *progress.Heartbeat {
	work, ok := m.missing[id]
	if !ok {
		work = m.Watchdog.Watch(progress.Work{
			Name: "start of installation " + id, Part: "installations",
			Restart: func(ctx context.Context) error { return m.startMissing(ctx, id) },
		})
		work.Busy(progress.Live)
		m.missing[id] = work
	}
	return work
}

// found ends what expect began: the installation runs, or need not; m.mu is held.
func (m *Manager) found(id string) {
	m.missing[id].Close()
	delete(m.missing, id)
}

// startMissing lets another instance go on with an installation that does not come to run
// here; where there is none it is started, past whoever may be what stands still.
func (m *Manager) startMissing(ctx context.Context, id string) error {
	shard := lease.ShardOf(id)
	if m.Cluster != nil && m.Cluster.Shards.Decline(shard) {
		if err := m.awaitRelease(ctx, id); err != nil {
			return err
		}
	} else if err := m.tryTakeOver(ctx, id, m.Jobs.Load); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runtimes[id] == nil && m.missing[id] != nil {
		m.found(id) // when it is missing still, it is expected anew
	}
	return nil
}

// awaitRelease waits until another instance may work for an installation whose shard was declined.
func (m *Manager) awaitRelease(ctx context.Context, id string) error {
	for {
		_, cancel, err := m.Cluster.Shards.Under(ctx, id)
		cancel()
		if err != nil {
			return nil //nolint:nilerr // it is not this instance's any more
		}
		if err := lifecycle.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// alignApart brings an installation that does not run in line with the store, beside
// whatever else is done: one that cannot be started keeps no other waiting.
func (m *Manager) alignApart(id string) {
	m.mu.Lock()
	running := m.running
	begins := running != nil && m.runtimes[id] == nil && !m.aligning[id]
	if begins {
		m.aligning[id] = true
	}
	m.mu.Unlock()
	if !begins {
		return
	}
	end := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.aligning, id)
	}
	if !m.runs(running, "start of installation "+id, func(ctx context.Context) {
		defer end()
		m.align(ctx, id)
	}) {
		end()
	}
}

// takeOver makes this process the only one that writes for an installation and runs
// it. It tries until it works or the installation is no longer this process's.
func (m *Manager) takeOver(ctx context.Context, id string) {
	for m.holds(id) && ctx.Err() == nil {
		m.mu.Lock()
		work := m.expect(id)
		m.mu.Unlock()
		err := m.tryTakeOver(progress.With(ctx, work), id, m.loadInTurn)
		if work.Move(); err == nil {
			return
		}
		work.Fail(err)
		m.Log.Warn("take over installation failed, retrying", zap.String(v1.LogInstallation, id), zap.Error(err), panics.Stack(err))
		_ = lifecycle.Sleep(ctx, time.Second)
	}
}

func (m *Manager) tryTakeOver(ctx context.Context, id string, load func(context.Context, string) error) error {
	if m.Cluster != nil {
		if err := load(ctx, id); err != nil {
			return err
		}
		m.Ledger.Claim(id)
	}
	in, err := m.Store.Get(id)
	if err != nil {
		return nil //nolint:nilerr // it is gone: nothing is to be run
	}
	return panics.Try(func() error { m.start(in); return nil })
}

// loadInTurn reads the jobs of an installation, takesAtOnce of them side by side.
func (m *Manager) loadInTurn(ctx context.Context, id string) error {
	served := progress.Of(ctx).Queued(&m.tries)
	select {
	case m.taking <- struct{}{}:
		served()
	case <-ctx.Done():
		served()
		return context.Cause(ctx)
	}
	defer func() {
		<-m.taking
		m.tries.Add(1)
	}()
	return m.Jobs.Load(ctx, id)
}
