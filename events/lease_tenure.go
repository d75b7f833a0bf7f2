package events

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

// tenure is the time in which this instance works for a shard.
type tenure struct {
	shard  int
	deed   deed
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// lost says that nothing may be written any more.
func (t *tenure) lost() bool { return errors.Is(context.Cause(t.ctx), ErrNotHeld) }

// begin runs the tenant for a shard that was taken just now; false once the instance
// leaves: what is begun after everything was let go nobody would end.
func (l *Leases) begin(ctx context.Context, tenant Tenant, d deed, shard int) bool {
	t := &tenure{shard: shard, deed: d}
	t.ctx, t.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != "" {
		t.cancel(context.Canceled)
		return false
	}
	l.tenures[shard] = t
	l.working.Go(progress.With(t.ctx, nil), "the work for "+shardKey(shard), func(ctx context.Context) error {
		defer l.end(t)
		if err := panics.Try(func() error { tenant.Hold(ctx, shard); return nil }); err != nil {
			l.link.Log.Error("the work for a shard panicked; the shard is given back", zap.Int(v1.LogShard, shard), zap.Error(err), panics.Stack(err))
		}
		return nil
	})
	return true
}

// end gives a shard back that nothing works for any more.
func (l *Leases) end(t *tenure) {
	defer func() {
		t.cancel(context.Canceled)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.tenures, t.shard)
	}()
	if t.lost() {
		return // whoever takes it writes the title
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(t.ctx), l.cfg.TTL/5, errors.New("give a shard back: not in time"))
	defer cancel()
	l.mu.Lock()
	d := t.deed
	l.mu.Unlock()
	if _, err := l.write(ctx, t.shard, title{Epoch: d.Epoch}, d.revision); err != nil {
		l.link.Log.Warn("shard not given back; the next look tries again", zap.Int(v1.LogShard, t.shard), zap.Error(err))
		return
	}
	l.link.Log.Debug("shard given back", zap.Int(v1.LogShard, t.shard), zap.Uint64(v1.LogEpoch, d.Epoch))
	l.changed()
}

// letGo ends every tenure. With ErrNotHeld as its cause they are lost, and nothing
// may be finished; else what is under way is.
func (l *Leases) letGo(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, t := range l.tenures {
		if t.ctx.Err() == nil {
			n++
		}
		t.cancel(cause)
	}
	if n > 0 && errors.Is(cause, ErrNotHeld) {
		l.link.Log.Warn("lease lost: it was not renewed in time", zap.Int(v1.LogCount, n),
			zap.Duration(v1.LogDuration, time.Since(l.renewed)))
	}
}

// giveBack ends the tenures of shards that are to be another's. Those that this
// instance has by name only are given back at once.
func (l *Leases) giveBack(ctx context.Context, shards []int) {
	ending := 0
	for _, shard := range shards {
		l.mu.Lock()
		t, d := l.tenures[shard], l.roster.deeds[shard]
		if t != nil && t.ctx.Err() == nil {
			t.cancel(context.Canceled)
			ending++
		}
		l.mu.Unlock()
		if t != nil {
			continue
		}
		if _, err := l.write(ctx, shard, title{Epoch: d.Epoch}, d.revision); err != nil {
			l.correct(ctx, shard)
			continue
		}
		l.changed()
	}
	if ending > 0 {
		l.link.Log.Info("shards handed over", zap.String(v1.LogInstance, l.id), zap.Int(v1.LogCount, ending))
	}
}

// compare ends the tenures of shards that somebody else took, and returns those
// whose title the table has lost; l.mu is held.
func (l *Leases) compare(deeds map[int]deed) (absent []*tenure) {
	for shard, t := range l.tenures {
		d, there := deeds[shard]
		switch {
		case t.ctx.Err() != nil:
		case !there:
			absent = append(absent, t)
		case d.revision > t.deed.revision:
			t.cancel(ErrNotHeld)
			l.link.Log.Warn("shard lost: another instance took it", zap.Int(v1.LogShard, shard), zap.String(v1.LogInstance, d.Owner))
		}
	}
	return absent
}

// rewrite writes a title anew that the table has lost, before anybody may take the shard.
func (l *Leases) rewrite(ctx context.Context, t *tenure) {
	d, err := l.write(ctx, t.shard, t.deed.title, 0)
	if err != nil {
		if !errors.Is(err, js.ErrConflict) { // there after all: the look read a replica that lags behind
			l.link.Log.Warn("title of a shard not written anew; trying again", zap.Int(v1.LogShard, t.shard), zap.Error(err))
		}
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.deed = d
}

// Under returns a context to write for an installation in: it ends before anybody
// else may. The error is ErrNotHeld when nothing may be begun: the shard is not this
// instance's, or its lease was not renewed within half of its time.
func (l *Leases) Under(ctx context.Context, installation string) (context.Context, context.CancelFunc, error) {
	if !l.Keeps(ShardOf(installation)) {
		return ctx, func() {}, fmt.Errorf("write for installation %s: %w", installation, ErrNotHeld)
	}
	within := l.cfg.TTL * 9 / 20 // under half, so that it ends within the lease whenever in the first half it begins
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("write on the lease: not within %s", within))
	return ctx, cancel, nil
}

// Keeps says whether nobody else can be working for a shard: this instance holds it,
// or finishes what is under way before it gives it back.
func (l *Leases) Keeps(shard int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tenures[shard]
	return t != nil && !t.lost() && l.fresh(time.Now())
}

// Holds says whether this instance works for an installation and is not about to stop.
func (l *Leases) Holds(installation string) bool { return l.HoldsShard(ShardOf(installation)) }

// HoldsShard is Holds for a shard.
func (l *Leases) HoldsShard(shard int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tenures[shard]
	return t != nil && t.ctx.Err() == nil && l.fresh(time.Now())
}

// Held is how many shards this instance holds.
func (l *Leases) Held() int {
	n := 0
	for shard := range Shards {
		if l.HoldsShard(shard) {
			n++
		}
	}
	return n
}

// Owner is the instance that works for a shard, as far as is known here: possibly
// this one, empty when none does.
func (l *Leases) Owner(shard int) string {
	if l.HoldsShard(shard) {
		return l.id
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	owner := l.roster.deeds[shard].Owner
	if owner == l.id || l.roster.dead(owner, time.Now()) {
		return ""
	}
	return owner
}

// Others lists the other instances that may be working.
func (l *Leases) Others() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.roster.alive(time.Now())
}

// declineFor is how long a shard that was declined is left to the others.
const declineFor = 10 * time.Minute

// Decline gives a shard back, since its work stands still here, and leaves it to another
// instance for ten minutes, or until none has taken it. False when there is no other
// instance, or the shard is not this one's: then nothing is done.
func (l *Leases) Decline(shard int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tenures[shard]
	if t == nil || t.ctx.Err() != nil || len(l.roster.staying(time.Now(), true)) == 0 {
		return false
	}
	l.declined[shard] = time.Now()
	t.cancel(context.Canceled)
	l.link.Log.Warn("shard left to another instance: work for it stands still here", zap.Int(v1.LogShard, shard))
	return true
}

// declines are the shards that each member declines; l.mu is held. This one takes back what
// nobody has taken: an older version knows of no declining.
func (l *Leases) declines(now time.Time) map[string][]int {
	for shard, since := range l.declined {
		if now.Sub(since) >= declineFor || now.Sub(since) >= 2*l.cfg.TTL && l.roster.deeds[shard].Owner == "" {
			delete(l.declined, shard)
		}
	}
	all := map[string][]int{l.id: slices.Collect(maps.Keys(l.declined))}
	for id, m := range l.roster.members {
		if id != l.id {
			all[id] = m.Declines
		}
	}
	return all
}
