package audit

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

const (
	noiseWindow = time.Minute // what is refused again within it is counted
	noiseEvery  = 5 * time.Second
	noiseMost   = 1000 // callers and requests that are counted separately; all others are one
	noiseWithin = 5 * time.Second
)

// Noise keeps refusals that repeat from filling the audit: the first is an entry, those of the next minute are counted
// in one more. It never makes a request wait for the store. Its zero value is not usable.
type Noise struct {
	audit *Log
	log   *zap.Logger
	ready chan v1.AuditEntry

	mu   sync.Mutex
	seen map[v1.AuditEntry]*repeats // by the entry without time, request and count
}

type repeats struct {
	since time.Time
	last  v1.AuditEntry
	count int
}

// NewNoise returns one before an audit.
func NewNoise(audit *Log, log *zap.Logger) *Noise {
	return &Noise{audit: audit, log: log, ready: make(chan v1.AuditEntry, 256), seen: map[v1.AuditEntry]*repeats{}}
}

// Refused takes a refusal. It returns at once.
func (n *Noise) Refused(e v1.AuditEntry) {
	if !n.first(e) {
		return
	}
	select {
	case n.ready <- e:
	default: // Run is behind: it is counted with the repeats
		n.mu.Lock()
		defer n.mu.Unlock()
		if r := n.seen[kindOf(e)]; r != nil {
			r.count, r.last = r.count+1, e
		}
	}
}

// first says whether an entry is none that is counted only.
func (n *Noise) first(e v1.AuditEntry) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	kind := kindOf(e)
	r := n.seen[kind]
	if r == nil && len(n.seen) >= noiseMost {
		kind = v1.AuditEntry{Action: e.Action, Detail: "of many callers: " + v1.CodeUnauthenticated}
		e = v1.AuditEntry{At: e.At, Action: kind.Action, Detail: kind.Detail}
		if r = n.seen[kind]; r == nil {
			n.seen[kind] = &repeats{since: n.audit.Now(), last: e, count: 1}
			return false
		}
	}
	if r == nil {
		n.seen[kind] = &repeats{since: n.audit.Now(), last: e}
		return true
	}
	r.count, r.last = r.count+1, e
	return false
}

// kindOf is what refusals that are counted together have in common.
func kindOf(e v1.AuditEntry) v1.AuditEntry {
	e.At, e.Request, e.Count = time.Time{}, "", 0
	return e
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
			n.flush(last, 0)
			return
		case e := <-n.ready:
			n.add(ctx, e)
		case <-t.C:
			n.flush(ctx, noiseWindow)
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

// flush stores the counts that are older than an age.
func (n *Noise) flush(ctx context.Context, age time.Duration) {
	var due []v1.AuditEntry
	n.mu.Lock()
	for kind, r := range n.seen {
		if n.audit.Now().Sub(r.since) < age {
			continue
		}
		delete(n.seen, kind)
		if r.count > 0 {
			r.last.Count = r.count
			due = append(due, r.last)
		}
	}
	n.mu.Unlock()
	for _, e := range due {
		n.add(ctx, e)
	}
}

func (n *Noise) add(ctx context.Context, e v1.AuditEntry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noiseWithin)
	defer cancel()
	if err := n.audit.Add(ctx, e); err != nil {
		n.log.Warn("audit entry lost", zap.String(v1.LogAction, e.Action), zap.Error(err))
	}
}
