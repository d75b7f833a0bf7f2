package audit

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	v1 "channelsync/api/v1"
	"channelsync/internal/network"
)

const (
	noiseEvery  = 5 * time.Second
	noiseWithin = 5 * time.Second

	// What a caller is refused again is counted for this long; of an unauthenticated client for longer.
	knownWindow  = time.Minute
	clientWindow = time.Hour
	// kindsOfCaller is how many refusals of one caller are counted apart; his others are one more.
	kindsOfCaller = 32
	// clientsADay is how many entries all unauthenticated clients together may cause in a day, and at once.
	clientsADay = 1000
)

// Noise keeps refusals that repeat from filling the audit: the first is an entry, those that follow are counted in one
// more. Each caller is counted for himself: what one does takes nothing of what is kept of another. Unauthenticated clients,
// known by their networks only and without end, cause a bounded number of entries a day; beyond that one entry an hour says
// how many were left out. It never makes a request wait for the store. Its zero value is not usable.
type Noise struct {
	audit *Log
	log   *zap.Logger
	ready chan v1.AuditEntry

	mu      sync.Mutex
	callers map[caller]map[v1.AuditEntry]*repeats // by the entry without time, request and count
	budget  *rate.Limiter                         // of unauthenticated clients
	leftOut repeats                               // of them, beyond it
}

// caller is a token or a person, by name; or an unauthenticated client, by the network.
type caller struct {
	name      string
	anonymous bool
}

type repeats struct {
	since time.Time
	last  v1.AuditEntry
	count int
}

// NewNoise returns one before an audit.
func NewNoise(audit *Log, log *zap.Logger) *Noise {
	return &Noise{
		audit: audit, log: log, ready: make(chan v1.AuditEntry, 256), callers: map[caller]map[v1.AuditEntry]*repeats{},
		budget: rate.NewLimiter(rate.Every(24*time.Hour/clientsADay), clientsADay),
	}
}

// Refused takes a refusal. It returns at once.
func (n *Noise) Refused(e v1.AuditEntry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.first(e)
	if r == nil {
		return
	}
	select {
	case n.ready <- e:
	default: // Run is behind: it is stored with the repeats
		r.count = 1
	}
}

// callerOf is who is refused. Whom the organisation knows, and who has no role here, is none that is known here: anybody may
// be able to have an account there.
func callerOf(e v1.AuditEntry) caller {
	if e.Who != "" && (e.Action != v1.ActionLogIn || !v1.IsPerson(e.Who)) {
		return caller{name: e.Who}
	}
	addr, _ := netip.ParseAddr(e.Address)
	return caller{name: network.Of(addr), anonymous: true}
}

// kindOf is what refusals that are counted together have in common.
func (c caller) kindOf(e v1.AuditEntry) v1.AuditEntry {
	e.At, e.Request, e.Count = time.Time{}, "", 0
	if c.anonymous {
		e.Address = ""
	}
	return e
}

// first counts a refusal. It returns the count of those that follow when it is the first and an entry of its own; n.mu is held.
func (n *Noise) first(e v1.AuditEntry) *repeats {
	now, who := n.audit.Now(), callerOf(e)
	kinds, kind := n.callers[who], who.kindOf(e)
	r, pooled := kinds[kind], false
	if r == nil && len(kinds) >= kindsOfCaller {
		pooled = true
		e = v1.AuditEntry{At: e.At, Who: e.Who, Address: e.Address, Action: "several", Detail: "several"}
		kind = who.kindOf(e)
		r = kinds[kind]
	}
	if r != nil {
		r.count, r.last = r.count+1, e
		return nil
	}
	if who.anonymous && !n.budget.AllowN(now, 2) { // one that is said at once, and one of those that follow
		if n.leftOut.count == 0 {
			n.leftOut.since = now
		}
		n.leftOut.count++
		n.leftOut.last = v1.AuditEntry{At: e.At, Action: v1.ActionLogIn, Detail: "of many clients, left out here: " + v1.CodeUnauthenticated}
		return nil
	}
	if kinds == nil {
		kinds = map[v1.AuditEntry]*repeats{}
		n.callers[who] = kinds
	}
	r = &repeats{since: now, last: e}
	kinds[kind] = r
	if pooled {
		r.count = 1
		return nil
	}
	return r
}

// Run stores what is refused until ctx ends, and then what was counted.
func (n *Noise) Run(ctx context.Context) {
	t := time.NewTicker(noiseEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), noiseWithin)
			defer cancel()
			n.drain(last)
			n.flush(last, true)
			return
		case e := <-n.ready:
			n.add(ctx, e)
		case <-t.C:
			n.flush(ctx, false)
		}
	}
}

func (n *Noise) drain(ctx context.Context) {
	for {
		select {
		case e := <-n.ready:
			n.add(ctx, e)
		default:
			return
		}
	}
}

// flush stores the counts that are due, or all of them.
func (n *Noise) flush(ctx context.Context, all bool) {
	for _, e := range n.due(all) {
		n.add(ctx, e)
	}
}

// due forgets what was counted long enough, or everything, and returns the entries of it.
func (n *Noise) due(all bool) (due []v1.AuditEntry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.audit.Now()
	take := func(r repeats, window time.Duration) bool {
		if !all && now.Sub(r.since) < window {
			return false
		}
		if r.count > 0 {
			r.last.Count = r.count
			due = append(due, r.last)
		}
		return true
	}
	for who, kinds := range n.callers {
		for kind, r := range kinds {
			window := knownWindow
			if who.anonymous || kind.Action == v1.ActionLogIn { // with a token that has ended, and that somebody may have found
				window = clientWindow
			}
			if take(*r, window) {
				delete(kinds, kind)
			}
		}
		if len(kinds) == 0 {
			delete(n.callers, who)
		}
	}
	if take(n.leftOut, clientWindow) {
		n.leftOut = repeats{}
	}
	return due
}

func (n *Noise) add(ctx context.Context, e v1.AuditEntry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noiseWithin)
	defer cancel()
	if err := n.audit.Add(ctx, e); err != nil {
		n.log.Warn("audit entry lost", zap.String(v1.LogAction, e.Action), zap.Error(err))
	}
}
