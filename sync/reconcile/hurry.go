package reconcile

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	"channelsync/api/transport"
	v1 "channelsync/api/v1"
)

// pace is how long the requests to an upstream take at present, the slow ones for a while.
type pace struct {
	mu sync.Mutex
	at time.Duration
}

func (p *pace) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = max(d, p.at*9/10)
}

// patience is how long a request is waited for that others wait behind.
func (p *pace) patience() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(leastPatience, slowness*p.at), longestPatience)
}

// longestPatience is how long any answer is waited for.
const longestPatience = transport.Silence

// notInTime is why a record is asked for apart: Autotask did not tell it in the time that
// others may be kept waiting for it. It is no failure of the record's, and counts nothing.
type notInTime struct{ cause error }

func (n notInTime) Error() string { return n.cause.Error() }
func (n notInTime) Unwrap() error { return n.cause }

type hurryKey struct{}

// hurry makes the reads under ctx give up early what is not answered, and leave it out as
// notInTime: others of the batch wait for them.
func (f *fetcher) hurry(ctx context.Context) context.Context {
	return context.WithValue(ctx, hurryKey{}, &f.pace)
}

// inHurry is the pace to go by; nil where nobody waits.
func inHurry(ctx context.Context) *pace {
	p, _ := ctx.Value(hurryKey{}).(*pace)
	return p
}

// noAnswer says whether a request was given up since no answer came.
func noAnswer(ctx context.Context, err error) bool {
	return ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded)
}

// hurried is a bulk query in a hurry. Where no answer comes for some records, those are
// found by smaller queries and left out, in about four times the patience.
type hurried struct {
	pace    *pace
	ask     func(ctx context.Context, part []int64) error // a query, whose rows are kept
	failed  func(part []int64, err error) error           // what becomes of one that fails in another way; nil error: nothing
	away    func(ctx context.Context, cause error) error  // asks for no record at all
	leftOut map[int64]error
}

func (h hurried) read(ctx context.Context, part []int64) error {
	for {
		limit := h.pace.patience()
		err := h.ask(autotask.WithPatience(ctx, limit), part)
		if !noAnswer(ctx, err) {
			return h.failed(part, err)
		}
		if away := h.away(autotask.WithoutRepeats(ctx), err); away != nil {
			return away
		}
		if h.pace.patience() < 2*limit { // else Autotask is slow with all of them, and is waited for
			return h.divide(ctx, part, err, limit)
		}
	}
}

// divide reads what was not answered as a whole within limit.
func (h hurried) divide(ctx context.Context, part []int64, cause error, limit time.Duration) error {
	if len(part) == 1 {
		h.leftOut[part[0]] = notInTime{cause}
		return nil
	}
	var left [][]int64
	groups := slices.Collect(slices.Chunk(part, (len(part)+spread-1)/spread))
	for _, group := range groups {
		err := h.ask(autotask.WithPatience(ctx, limit), group)
		if noAnswer(ctx, err) {
			left = append(left, group)
			continue
		}
		if err := h.failed(group, err); err != nil {
			return err
		}
	}
	if len(left) == len(groups) { // one record does not do that
		err := h.ask(autotask.WithPatience(ctx, min(2*limit, longestPatience)), part)
		if !noAnswer(ctx, err) {
			return h.failed(part, err)
		}
		for _, id := range part {
			h.leftOut[id] = notInTime{err}
		}
		return nil
	}
	for _, group := range left {
		if err := h.divide(ctx, group, cause, limit); err != nil {
			return err
		}
	}
	return nil
}

// unreadable settles a record whose rows cannot be read, or has it asked for apart if
// nothing came of them in time.
func (b *batch) unreadable(it *item, code string, err error) {
	if _, late := errors.AsType[notInTime](err); !late {
		it.fail(code, unreadText(it.named(), err, b.Now()), false)
		return
	}
	it.outcome, it.failure, it.suspected = "", nil, true
	b.suspects.add(b.kind, it.due.ID)
	b.Log.Warn("no answer for one record although Autotask works, asking for it apart from now on",
		zap.String(v1.LogKind, string(b.kind)), zap.Int64(v1.LogRecord, it.due.ID), zap.Error(err))
}
