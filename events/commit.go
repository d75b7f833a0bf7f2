package events

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// gatherFor is how long a round waits at most for those who were in the one before.
const gatherFor = time.Millisecond

// submission is one Publish on its way through the committer.
type submission struct {
	ctx  context.Context
	msg  *nats.Msg
	id   string
	done chan settlement // holds one, so that nobody waits for a caller that left
}

type settlement struct {
	receipt Receipt
	err     error
}

func (s *submission) settle(r Receipt, err error) { s.done <- settlement{r, err} }

// submit hands the message to the committer and waits for its fate.
func (j *Journal) submit(ctx context.Context, msg *nats.Msg, id string) (Receipt, error) {
	s := &submission{ctx: ctx, msg: msg, id: id, done: make(chan settlement, 1)}
	select {
	case j.in <- s:
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	case <-j.stopped:
		return Receipt{}, ErrClosed
	}
	select {
	case r := <-s.done:
		return r.receipt, r.err
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	case <-j.stopped:
	}
	select { // settled in its last round?
	case r := <-s.done:
		return r.receipt, r.err
	default:
		return Receipt{}, ErrClosed
	}
}

// commitLoop is the group commit. A synced server stores single messages one
// fsync at a time, however many wait, but flushes an atomic batch as one. So
// whatever queued up during a round goes out together in the next; there is no
// timer, and a lone change waits for nobody.
func (j *Journal) commitLoop(ctx context.Context) {
	defer close(j.stopped)
	expected := 0 // how many may be about to post again
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-j.in:
			round := j.collect(first, expected)
			j.commit(ctx, round)
			expected = len(round) + len(j.in)
		}
	}
}

// collect takes what waits now, up to a batch. Whoever was answered in the round
// before is about to post again, beside those who came during it: as long as that
// may fill the round it waits a little, a fraction of what the flush takes. So those
// who post side by side share one flush, and do not part into groups that take turns.
// A lone change waits for nobody.
func (j *Journal) collect(first *submission, expected int) []*submission {
	round := []*submission{first}
	var late <-chan time.Time
	for len(round) < batchMax {
		select {
		case s := <-j.in:
			round = append(round, s)
			continue
		default:
		}
		if len(round) >= expected {
			return round
		}
		if late == nil {
			timer := time.NewTimer(gatherFor)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case s := <-j.in:
			round = append(round, s)
		case <-late:
			return round
		}
	}
	return round
}

// commit settles one round, also when the bus begins to close meanwhile. A message
// id that comes twice would fail the whole batch, so its repeats wait and share
// the first one's fate.
func (j *Journal) commit(ctx context.Context, round []*submission) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), lastDeadline(round))
	defer cancel()
	unique := make([]*submission, 0, len(round))
	firstOf := make(map[string]*submission, len(round))
	var repeats []*submission
	for _, s := range round {
		switch {
		case s.ctx.Err() != nil:
			s.settle(Receipt{}, s.ctx.Err())
		case s.id != "" && firstOf[s.id] != nil:
			repeats = append(repeats, s)
		default:
			firstOf[s.id] = s
			unique = append(unique, s)
		}
	}
	var results []settlement
	if len(unique) < batchFrom {
		results = j.commitEach(ctx, unique)
	} else {
		results = j.commitBatch(ctx, unique)
	}
	settled := make(map[*submission]settlement, len(unique))
	for i, s := range unique {
		settled[s] = results[i]
		s.settle(results[i].receipt, results[i].err)
	}
	for _, s := range repeats {
		r := settled[firstOf[s.id]]
		r.receipt.Duplicate = r.err == nil
		s.settle(r.receipt, r.err)
	}
}

// lastDeadline is when nobody waits for the round any more.
func lastDeadline(round []*submission) time.Time {
	var last time.Time
	for _, s := range round {
		if end, ok := s.ctx.Deadline(); ok && end.After(last) {
			last = end
		}
	}
	return last // each has one: call sets it
}

// commitEach stores the messages one by one, side by side.
func (j *Journal) commitEach(ctx context.Context, subs []*submission) []settlement {
	results := make([]settlement, len(subs))
	var wg sync.WaitGroup
	for i, s := range subs {
		one := func() {
			results[i].err = j.withRoom(ctx, func() error {
				ack, err := j.publish(ctx, s.msg)
				if err == nil {
					results[i].receipt = Receipt{Sequence: ack.Sequence, Duplicate: ack.Duplicate}
				}
				return err
			})
		}
		if len(subs) == 1 {
			one()
		} else {
			wg.Go(one)
		}
	}
	wg.Wait()
	return results
}

// commitBatch stores the messages as one atomic batch.
func (j *Journal) commitBatch(ctx context.Context, subs []*submission) []settlement {
	msgs := make([]*nats.Msg, len(subs))
	for i, s := range subs {
		msgs[i] = s.msg
	}
	var last uint64
	err := j.withRoom(ctx, func() (err error) {
		last, err = j.publishAtomic(ctx, msgs)
		return err
	})
	if isDuplicateInBatch(err) {
		return j.commitEach(ctx, subs) // singly, the repeat alone reports as a duplicate
	}
	results := make([]settlement, len(subs))
	for i := range subs {
		if err != nil {
			results[i].err = err
			continue
		}
		results[i].receipt.Sequence = last - uint64(len(subs)-1-i)
	}
	if err == nil {
		j.stats.batches.Add(1)
		j.stats.batched.Add(uint64(len(subs)))
	}
	return results
}
