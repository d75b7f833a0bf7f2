package callback

import (
	"cmp"
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"channelsync/internal/lifecycle"
)

// Limits bound what is in flight at a time. Requests that are not known to be
// authentic yet count per client, authentic ones per installation: so an unauthenticated
// client can use up its own share only, and never that of an installation. Beyond a limit of
// arrivals the oldest one is cut off, see arrival.
type Limits struct {
	Unsigned        int           // per client, no well-formed signature header: 64
	Signed          int           // per client, with one, until it is verified: 1024
	Arrivals        int           // of all clients, until they are verified: 4096
	ArrivalBytes    int           // of their bodies, of all clients: 64 MiB
	ClientBytes     int           // of their bodies, per client: 16 MiB
	PerInstallation int           // authentic: 512
	Authentic       int           // authentic, of all installations: 4096
	Publish         time.Duration // how long the journal may take: 5 s, Autotask gives up at 10 s
	// Bytes are how many of authentic bodies an installation may send a second, after
	// BytesAtOnce of them: 8 MiB after 16 MiB, some 8,000 callbacks. Those beyond wait for
	// at most BytesWait: 2 s.
	Bytes, BytesAtOnce int
	BytesWait          time.Duration
}

func (l Limits) orDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.Unsigned, 64},
		{&l.Signed, 1024},
		{&l.Arrivals, 4096},
		{&l.ArrivalBytes, 64 << 20},
		{&l.ClientBytes, 16 << 20},
		{&l.PerInstallation, 512},
		{&l.Authentic, 4096},
		{&l.Bytes, 8 << 20},
		{&l.BytesAtOnce, 16 << 20},
	} {
		*f.field = cmp.Or(*f.field, f.value)
	}
	l.Publish = cmp.Or(l.Publish, 5*time.Second)
	l.BytesWait = cmp.Or(l.BytesWait, 2*time.Second)
	return l
}

// pace slows down installations that send more bytes than they may. It lets them wait
// before it rejects them: Autotask sends one after the other, so waiting is all it
// takes, while what is rejected counts towards switching the webhook off.
type pace struct {
	limits Limits
	mu     sync.Mutex
	of     map[string]*rate.Limiter // by installation
}

// remembered is how many installations a pace remembers before it forgets those at rest.
const remembered = 1024

func newPace(limits Limits) *pace {
	return &pace{limits: limits, of: map[string]*rate.Limiter{}}
}

// wait returns once the installation may send n bytes more; false when that would take
// too long, or the context ended.
func (p *pace) wait(ctx context.Context, installation string, n int) bool {
	now := time.Now()
	r := p.limiter(installation, now).ReserveN(now, min(n, p.limits.BytesAtOnce))
	delay := r.DelayFrom(now)
	if delay == 0 {
		return true
	}
	if delay > p.limits.BytesWait {
		r.CancelAt(now)
		return false
	}
	if lifecycle.Sleep(ctx, delay) != nil {
		r.Cancel()
		return false
	}
	return true
}

func (p *pace) limiter(installation string, now time.Time) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.of[installation]
	if l == nil {
		if len(p.of) >= remembered {
			maps.DeleteFunc(p.of, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(l.Burst()) })
		}
		l = rate.NewLimiter(rate.Limit(p.limits.Bytes), p.limits.BytesAtOnce)
		p.of[installation] = l
	}
	return l
}
