package fetch

import (
	"context"
	"errors"
	"slices"
	"time"

	"channelsync/sync/upstream"

	"channelsync/api/autotask"
)

// NotInTime is why a record is asked for apart: Autotask did not tell it in the time that
// others may be kept waiting for it. It is no failure of the record's, and counts nothing.
type NotInTime struct{ cause error }

func (n NotInTime) Error() string { return n.cause.Error() }
func (n NotInTime) Unwrap() error { return n.cause }

type paceKey struct{}

// WithShortWaits makes the reads under ctx give up early what is not answered, and leave it out as
// notInTime: others of the batch wait for them.
func (f *Fetcher) WithShortWaits(ctx context.Context) context.Context {
	return context.WithValue(ctx, paceKey{}, &f.pace)
}

// paceOf is the pace to go by; nil where nobody waits.
func paceOf(ctx context.Context) *upstream.Pace {
	p, _ := ctx.Value(paceKey{}).(*upstream.Pace)
	return p
}

// noAnswer says whether a request was given up since no answer came.
func noAnswer(ctx context.Context, err error) bool {
	return ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded)
}

// spread is how many parts a query without an answer is divided into.
const spread = 8

// limited is a bulk query in a hurry. Where no answer comes for some records, those are
// found by smaller queries and left out, in about four times the patience.
type limited struct {
	pace    *upstream.Pace
	ask     func(ctx context.Context, part []int64) error // a query, whose rows are kept
	failed  func(part []int64, err error) error           // what becomes of one that fails in another way; nil error: nothing
	ping    func(ctx context.Context, cause error) error  // asks for no record at all
	leftOut map[int64]error
}

func (h limited) read(ctx context.Context, part []int64) error {
	for {
		limit := h.pace.Patience()
		err := h.ask(autotask.WithPatience(ctx, limit), part)
		if !noAnswer(ctx, err) {
			return h.failed(part, err)
		}
		if down := h.ping(autotask.WithoutRepeats(ctx), err); down != nil {
			return down
		}
		if h.pace.Patience() < 2*limit { // else Autotask is slow with all of them, and is waited for
			return h.divide(ctx, part, err, limit)
		}
	}
}

// divide reads what was not answered as a whole within limit.
func (h limited) divide(ctx context.Context, part []int64, cause error, limit time.Duration) error {
	if len(part) == 1 {
		h.leftOut[part[0]] = NotInTime{cause}
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
		err := h.ask(autotask.WithPatience(ctx, min(2*limit, upstream.LongestPatience)), part)
		if !noAnswer(ctx, err) {
			return h.failed(part, err)
		}
		for _, id := range part {
			h.leftOut[id] = NotInTime{err}
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
