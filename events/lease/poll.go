package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/events/kv"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

// takesAtOnce is how many shards are taken side by side.
const takesAtOnce = 8

func (l *Leases) pollLoop(ctx context.Context, worker Worker) {
	work, often := progress.Of(ctx), l.cfg.TTL/15
	for ctx.Err() == nil {
		work.Busy(progress.Live)
		if err := l.poll(ctx, worker); err != nil && ctx.Err() == nil {
			l.link.Log.Warn("poll of the other instances failed, retrying", zap.Error(err))
		}
		l.mu.Lock()
		wait := min(often, max(l.membership.nextDeath(time.Now()), often/10))
		l.mu.Unlock()
		work.Move()
		work.Wait(wait)
		_ = lifecycle.SleepUntil(ctx, wait, l.notified)
	}
}

// poll sees how the others and the shards stand, and brings what this instance
// owns in line with the plan.
func (l *Leases) poll(ctx context.Context, worker Worker) error {
	heartbeats, err := l.readHeartbeats(ctx)
	if err != nil {
		return err
	}
	records, err := l.readShardRecords(ctx)
	if err != nil {
		return err
	}
	now, reconnects := time.Now(), l.link.NC.Stats().Reconnects
	l.mu.Lock()
	l.membership.observe(now, heartbeats, records)
	if l.reconnects != reconnects { // the server was out of reach since the last poll
		l.reconnects = reconnects
		l.membership.watchAnew(now)
	}
	absent := l.compare(records)
	var take, release []int
	if l.fresh(now) {
		take, release = plan(l.id, l.membership.staying(now, l.state != ""), l.declines(now), l.shardStates(now))
	}
	l.mu.Unlock()
	for _, t := range absent {
		l.restoreRecord(ctx, t)
	}
	l.release(ctx, release)
	return l.takeAll(ctx, worker, take)
}

// shardStates is how each shard stands; l.mu is held.
func (l *Leases) shardStates(now time.Time) [Shards]shardState {
	var all [Shards]shardState
	for shard := range all {
		all[shard] = shardState{
			working: l.leases[shard] != nil, owned: l.membership.shards[shard].Owner == l.id, free: l.membership.free(shard, now),
		}
	}
	return all
}

// takeAll takes what the plan says, of a dead owner only after its death was made sure
// of. When it returns nothing that it began is under way.
func (l *Leases) takeAll(ctx context.Context, worker Worker, shards []int) error {
	if len(shards) == 0 {
		return nil
	}
	expired := map[string]bool{}
	var group errgroup.Group
	group.SetLimit(takesAtOnce)
	var unsure error
	for _, shard := range shards {
		l.mu.Lock()
		d := l.membership.shards[shard]
		l.mu.Unlock()
		if d.Owner != "" && d.Owner != l.id {
			if _, asked := expired[d.Owner]; !asked {
				is, err := l.confirmExpired(ctx, d.Owner)
				if err != nil {
					unsure = errors.Join(unsure, err)
					is = false // as far as is known; the next poll asks again
				}
				expired[d.Owner] = is
			}
			if !expired[d.Owner] {
				continue
			}
		}
		group.Go(panics.Guard(func() error { return l.take(ctx, worker, shard, d) }))
	}
	err := errors.Join(unsure, group.Wait())
	l.link.Log.Info("shards taken", zap.String(v1.LogInstance, l.id), zap.Int(v1.LogCount, l.Owned()))
	l.publishChange()
	return err
}

// confirmExpired asks the leader itself for the heartbeat of an instance that seems dead:
// what polls read may have come from a replica that lags behind.
func (l *Leases) confirmExpired(ctx context.Context, id string) (expired bool, err error) {
	e, err := l.instances.GetFromLeader(ctx, id)
	now, reconnects := time.Now(), l.link.NC.Stats().Reconnects
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.membership.members[id]
	switch {
	case m == nil:
		return false, nil // forgotten meanwhile: the next poll knows
	case errors.Is(err, js.ErrNotFound):
	case err != nil:
		return false, fmt.Errorf("make sure of instance %s: %w", id, err)
	default:
		b, err := readHeartbeat(e.Value)
		if err != nil {
			b = heartbeat{Count: e.Revision} // as in readHeartbeats
		}
		if b.Count > m.Count {
			m.heartbeat, m.moved, m.there = b, now, true
		}
	}
	return l.membership.dead(id, now) && l.reconnects == reconnects, nil
}

// readHeartbeats reads the signs of life of all instances. One that cannot be read is still one.
func (l *Leases) readHeartbeats(ctx context.Context) (map[string]heartbeat, error) {
	heartbeats := map[string]heartbeat{}
	err := l.instances.Each(ctx, "", func(e kv.Entry) error {
		b, err := readHeartbeat(e.Value)
		if err != nil {
			b = heartbeat{Count: e.Revision}
		}
		heartbeats[e.Key] = b
		return nil
	})
	return heartbeats, err
}

// readShardRecords reads whose the shards are. What names no shard is not ours.
func (l *Leases) readShardRecords(ctx context.Context) (map[int]shardRecord, error) {
	records := map[int]shardRecord{}
	err := l.shards.Each(ctx, "shard", func(e kv.Entry) error {
		shard, err := strconv.Atoi(strings.TrimPrefix(e.Key, "shard."))
		if err != nil || shard < 0 || shard >= Shards {
			return nil //nolint:nilerr // of another version
		}
		d := shardRecord{revision: e.Revision}
		if err := json.Unmarshal(e.Value, &d.ownership); err != nil {
			return fmt.Errorf("decode %s: %w", e.Key, err)
		}
		records[shard] = d
		return nil
	})
	return records, err
}

func shardKey(shard int) string { return fmt.Sprintf("shard.%02d", shard) }

// writeRecord changes the record of a shard that is at the revision the record says.
func (l *Leases) writeRecord(ctx context.Context, shard int, to ownership, at uint64) (shardRecord, error) {
	value, err := json.Marshal(to)
	if err != nil {
		return shardRecord{}, fmt.Errorf("encode shard record: %w", err)
	}
	var revision uint64
	if at == 0 {
		revision, err = l.shards.Create(ctx, shardKey(shard), value)
	} else {
		revision, err = l.shards.Update(ctx, shardKey(shard), value, at)
	}
	if err != nil {
		return shardRecord{}, fmt.Errorf("write record of shard %d: %w", shard, err)
	}
	d := shardRecord{ownership: to, revision: revision}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.membership.keepNewer(shard, d)
	return d, nil
}

// correct reads a record from the leader after it turned out to be another one than was known.
func (l *Leases) correct(ctx context.Context, shard int) {
	e, err := l.shards.GetFromLeader(ctx, shardKey(shard))
	d := shardRecord{revision: e.Revision}
	if err != nil || json.Unmarshal(e.Value, &d.ownership) != nil {
		return // the next poll tries again
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.membership.shards[shard] = d // whatever its revision: the table may have been made anew
}

// take makes a shard this instance's own and begins to work for it.
func (l *Leases) take(ctx context.Context, worker Worker, shard int, d shardRecord) error {
	mine, err := l.writeRecord(ctx, shard, ownership{Owner: l.id, Generation: d.Generation + 1}, d.revision)
	if errors.Is(err, js.ErrConflict) {
		l.correct(ctx, shard) // somebody else was faster
		return nil
	}
	if err != nil {
		return err
	}
	if !l.begin(ctx, worker, mine, shard) {
		_, err = l.writeRecord(ctx, shard, ownership{Generation: mine.Generation}, mine.revision)
		return err
	}
	l.link.Log.Debug("shard taken", zap.Int(v1.LogShard, shard), zap.Uint64(v1.LogGeneration, mine.Generation))
	return nil
}

// lease is the time in which this instance works for a shard.
type lease struct {
	shard  int
	record shardRecord
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// lost says that nothing may be written any more.
func (t *lease) lost() bool { return errors.Is(context.Cause(t.ctx), ErrNotOwned) }

// begin runs the worker for a shard that was taken just now; false once the instance
// leaves: nobody would end what begins after everything was released.
func (l *Leases) begin(ctx context.Context, worker Worker, d shardRecord, shard int) bool {
	t := &lease{shard: shard, record: d}
	t.ctx, t.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != "" {
		t.cancel(context.Canceled)
		return false
	}
	l.leases[shard] = t
	l.working.Go(progress.With(t.ctx, nil), "the work for "+shardKey(shard), func(ctx context.Context) error {
		defer l.end(t)
		if err := panics.Try(func() error { worker.Work(ctx, shard); return nil }); err != nil {
			l.link.Log.Error("the work for a shard panicked; the shard is released", zap.Int(v1.LogShard, shard), zap.Error(err), panics.Stack(err))
		}
		return nil
	})
	return true
}

// end gives a shard back that nothing works for any more.
func (l *Leases) end(t *lease) {
	defer func() {
		t.cancel(context.Canceled)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.leases, t.shard)
	}()
	if t.lost() {
		return // whoever takes it writes the record
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(t.ctx), l.cfg.TTL/5, errors.New("release shard: not in time"))
	defer cancel()
	l.mu.Lock()
	d := t.record
	l.mu.Unlock()
	if _, err := l.writeRecord(ctx, t.shard, ownership{Generation: d.Generation}, d.revision); err != nil {
		l.link.Log.Warn("release shard failed, the next poll retries", zap.Int(v1.LogShard, t.shard), zap.Error(err))
		return
	}
	l.link.Log.Debug("shard released", zap.Int(v1.LogShard, t.shard), zap.Uint64(v1.LogGeneration, d.Generation))
	l.publishChange()
}

// releaseAll ends every lease. With ErrNotOwned as its cause they are lost, and nothing
// may be finished; else what is under way is.
func (l *Leases) releaseAll(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, t := range l.leases {
		if t.ctx.Err() == nil {
			n++
		}
		t.cancel(cause)
	}
	if n > 0 && errors.Is(cause, ErrNotOwned) {
		l.link.Log.Warn("lease lost: it was not renewed in time", zap.Int(v1.LogCount, n),
			zap.Duration(v1.LogDuration, time.Since(l.renewed)))
	}
}

// release ends the leases of shards that are to be another's. Those that this
// instance has by name only are given back at once.
func (l *Leases) release(ctx context.Context, shards []int) {
	ending := 0
	for _, shard := range shards {
		l.mu.Lock()
		t, d := l.leases[shard], l.membership.shards[shard]
		if t != nil && t.ctx.Err() == nil {
			t.cancel(context.Canceled)
			ending++
		}
		l.mu.Unlock()
		if t != nil {
			continue
		}
		if _, err := l.writeRecord(ctx, shard, ownership{Generation: d.Generation}, d.revision); err != nil {
			l.correct(ctx, shard)
			continue
		}
		l.publishChange()
	}
	if ending > 0 {
		l.link.Log.Info("shards handed over", zap.String(v1.LogInstance, l.id), zap.Int(v1.LogCount, ending))
	}
}

// compare ends the leases of shards that somebody else took, and returns those
// whose record the table has lost; l.mu is held.
func (l *Leases) compare(records map[int]shardRecord) (absent []*lease) {
	for shard, t := range l.leases {
		d, there := records[shard]
		switch {
		case t.ctx.Err() != nil:
		case !there:
			absent = append(absent, t)
		case d.revision > t.record.revision:
			t.cancel(ErrNotOwned)
			l.link.Log.Warn("shard lost: another instance took it", zap.Int(v1.LogShard, shard), zap.String(v1.LogInstance, d.Owner))
		}
	}
	return absent
}

// restoreRecord writes a record anew that the table has lost, before anybody may take the shard.
func (l *Leases) restoreRecord(ctx context.Context, t *lease) {
	d, err := l.writeRecord(ctx, t.shard, t.record.ownership, 0)
	if err != nil {
		if !errors.Is(err, js.ErrConflict) { // there after all: the poll read a replica that lags behind
			l.link.Log.Warn("rewrite shard record failed, retrying", zap.Int(v1.LogShard, t.shard), zap.Error(err))
		}
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.record = d
}
