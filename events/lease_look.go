package events

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
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

// takesAtOnce is how many shards are taken side by side.
const takesAtOnce = 8

func (l *Leases) lookLoop(ctx context.Context, tenant Tenant) {
	work := progress.Of(ctx)
	for ctx.Err() == nil {
		work.Busy(progress.Live)
		if err := l.look(ctx, tenant); err != nil && ctx.Err() == nil {
			l.link.Log.Warn("other instances not looked at; trying again", zap.Error(err))
		}
		l.mu.Lock()
		wait := min(l.cfg.Look, max(l.roster.nextDeath(time.Now()), l.cfg.Look/10))
		l.mu.Unlock()
		work.Move()
		work.Wait(wait)
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-l.nudge:
		}
		t.Stop()
	}
}

// look sees how the others and the shards stand, and brings what this instance
// holds in line with the plan.
func (l *Leases) look(ctx context.Context, tenant Tenant) error {
	beats, err := l.readBeats(ctx)
	if err != nil {
		return err
	}
	deeds, err := l.readDeeds(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	l.mu.Lock()
	l.roster.look(now, beats, deeds)
	if l.reconnected() {
		l.reconnects = l.link.NC.Stats().Reconnects
		l.roster.watchAnew(now)
	}
	absent := l.compare(deeds)
	var take, giveBack []int
	if l.fresh(now) {
		take, giveBack = plan(l.id, l.roster.staying(now, l.state != ""), l.declines(now), l.places(now))
	}
	l.mu.Unlock()
	for _, t := range absent {
		l.rewrite(ctx, t)
	}
	l.giveBack(ctx, giveBack)
	return l.takeAll(ctx, tenant, take)
}

// reconnected says whether the server was out of reach since the last look; l.mu is held.
func (l *Leases) reconnected() bool { return l.link.NC.Stats().Reconnects != l.reconnects }

// places is how each shard stands; l.mu is held.
func (l *Leases) places(now time.Time) [Shards]place {
	var all [Shards]place
	for shard := range all {
		all[shard] = place{
			held: l.tenures[shard] != nil, mine: l.roster.deeds[shard].Owner == l.id, free: l.roster.free(shard, now),
		}
	}
	return all
}

// takeAll takes what the plan says, of a dead owner only after its death was made sure
// of. When it returns nothing that it began is under way.
func (l *Leases) takeAll(ctx context.Context, tenant Tenant, shards []int) error {
	if len(shards) == 0 {
		return nil
	}
	alive := map[string]bool{}
	var group errgroup.Group
	group.SetLimit(takesAtOnce)
	var unsure error
	for _, shard := range shards {
		l.mu.Lock()
		d := l.roster.deeds[shard]
		l.mu.Unlock()
		if d.Owner != "" && d.Owner != l.id {
			if _, asked := alive[d.Owner]; !asked {
				is, err := l.stillAlive(ctx, d.Owner)
				if err != nil {
					unsure = errors.Join(unsure, err)
					is = true // as far as is known; the next look asks again
				}
				alive[d.Owner] = is
			}
			if alive[d.Owner] {
				continue
			}
		}
		group.Go(panics.Guard(func() error { return l.take(ctx, tenant, shard, d) }))
	}
	err := errors.Join(unsure, group.Wait())
	l.link.Log.Info("shards taken", zap.String(v1.LogInstance, l.id), zap.Int(v1.LogCount, l.Held()))
	l.changed()
	return err
}

// stillAlive asks the leader itself for the beat of an instance that seems dead:
// what looks read may have come from a replica that lags behind.
func (l *Leases) stillAlive(ctx context.Context, id string) (alive bool, err error) {
	err = l.link.Call(ctx, "make sure of instance "+id, func(ctx context.Context) error {
		msg, err := l.instances.LeaderMsg(ctx, l.instances.Prefix+id)
		now := time.Now()
		l.mu.Lock()
		defer l.mu.Unlock()
		m := l.roster.members[id]
		if m == nil {
			alive = true // forgotten meanwhile: the next look knows
			return nil
		}
		if errors.Is(err, js.ErrNotFound) {
			alive = !l.roster.dead(id, now) || l.reconnected()
			return nil
		}
		if err != nil {
			return err
		}
		b, err := readBeat(msg.Data)
		if err != nil {
			b = beat{Count: msg.Sequence} // as in readBeats
		}
		if b.Count != m.Count || b.State != m.State {
			m.beat, m.moved, m.there = b, now, true
		}
		alive = !l.roster.dead(id, now) || l.reconnected()
		return nil
	})
	return alive, err
}

// readBeats reads the signs of life of all instances. One that cannot be read is still one.
func (l *Leases) readBeats(ctx context.Context) (map[string]beat, error) {
	beats := map[string]beat{}
	err := l.instances.Each(ctx, "", func(e kv.Entry) error {
		b, err := readBeat(e.Value)
		if err != nil {
			b = beat{Count: e.Revision}
		}
		beats[e.Key] = b
		return nil
	})
	return beats, err
}

// readDeeds reads whose the shards are. What names no shard is not ours.
func (l *Leases) readDeeds(ctx context.Context) (map[int]deed, error) {
	deeds := map[int]deed{}
	err := l.shards.Each(ctx, "shard", func(e kv.Entry) error {
		shard, err := strconv.Atoi(strings.TrimPrefix(e.Key, "shard."))
		if err != nil || shard < 0 || shard >= Shards {
			return nil //nolint:nilerr // of another version
		}
		d := deed{revision: e.Revision}
		if err := json.Unmarshal(e.Value, &d.title); err != nil {
			return fmt.Errorf("decode %s: %w", e.Key, err)
		}
		deeds[shard] = d
		return nil
	})
	return deeds, err
}

func shardKey(shard int) string { return fmt.Sprintf("shard.%02d", shard) }

// write changes the title of a shard that is at the revision the deed says.
func (l *Leases) write(ctx context.Context, shard int, to title, at uint64) (deed, error) {
	value, err := json.Marshal(to)
	if err != nil {
		return deed{}, fmt.Errorf("encode title: %w", err)
	}
	var revision uint64
	if at == 0 {
		revision, err = l.shards.Create(ctx, shardKey(shard), value)
	} else {
		revision, err = l.shards.Update(ctx, shardKey(shard), value, at)
	}
	if err != nil {
		return deed{}, fmt.Errorf("write title of shard %d: %w", shard, err)
	}
	d := deed{title: to, revision: revision}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.roster.record(shard, d)
	return d, nil
}

// correct reads a deed from the leader after it turned out to be another one than was known.
func (l *Leases) correct(ctx context.Context, shard int) {
	d := deed{}
	err := l.link.Call(ctx, "read title of a shard", func(ctx context.Context) error {
		msg, err := l.shards.LeaderMsg(ctx, l.shards.Prefix+shardKey(shard))
		if err != nil {
			return err
		}
		d.revision = msg.Sequence
		if kv.IsDeletion(msg.Header) {
			return nil
		}
		return json.Unmarshal(msg.Data, &d.title)
	})
	if err != nil {
		return // the next look tries again
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.roster.deeds[shard] = d // whatever its revision: the table may have been made anew
}

// take makes a shard this instance's own and begins to work for it.
func (l *Leases) take(ctx context.Context, tenant Tenant, shard int, d deed) error {
	mine, err := l.write(ctx, shard, title{Owner: l.id, Epoch: d.Epoch + 1}, d.revision)
	if errors.Is(err, js.ErrConflict) {
		l.correct(ctx, shard) // somebody else was faster
		return nil
	}
	if err != nil {
		return err
	}
	if !l.begin(ctx, tenant, mine, shard) {
		_, err = l.write(ctx, shard, title{Epoch: mine.Epoch}, mine.revision)
		return err
	}
	l.link.Log.Debug("shard taken", zap.Int(v1.LogShard, shard), zap.Uint64(v1.LogEpoch, mine.Epoch))
	return nil
}
