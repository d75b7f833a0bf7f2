package events

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	js "channelsync/events/internal/jetstream"
	"channelsync/internal/progress"
)

// gatherFor is how long a round waits at most for those who were in the one before.
const gatherFor = time.Millisecond

// submission is one change on its way through the committer.
type submission struct {
	ctx          context.Context
	installation string
	line         []byte
	key          changeKey
	traced       bool        // its context has the span of its publication
	done         chan result // holds one, so that nobody waits for a caller that left
}

type result struct {
	receipt Receipt
	err     error
}

func (s *submission) complete(r Receipt, err error) { s.done <- result{r, err} }

// submit hands a change to the committer and waits for its fate.
func (j *Journal) submit(s *submission) (Receipt, error) {
	select {
	case j.in <- s:
	case <-s.ctx.Done():
		return Receipt{}, s.ctx.Err()
	case <-j.Ended():
		return Receipt{}, js.ErrClosed
	}
	select {
	case r := <-s.done:
		return r.receipt, r.err
	case <-s.ctx.Done():
		return Receipt{}, s.ctx.Err()
	case <-j.Ended():
	}
	select { // completed in its last round?
	case r := <-s.done:
		return r.receipt, r.err
	default:
		return Receipt{}, js.ErrClosed
	}
}

// commitLoop is the group commit. The flush of the disk is what a change costs, however
// many it flushes: whatever queued up during a round goes out together in the next. There
// is no timer, and a lone change waits for nobody.
func (j *Journal) commitLoop(ctx context.Context) {
	work := progress.Of(ctx)
	expected := 0          // how many may be about to post again
	for ctx.Err() == nil { // asked first: a loop that was left behind takes nothing more
		select {
		case <-ctx.Done():
		case first := <-j.in:
			work.Busy(progress.Live)
			gathered := j.collect(first, expected)
			j.commit(ctx, gathered)
			expected = len(gathered) + len(j.in)
			work.Idle()
		}
	}
}

// collect takes what waits now, up to roundMax. Whoever was answered in the round
// before is about to post again, beside those who came during it: as long as that
// may fill the round it waits a little, a fraction of what the flush takes. So those
// who post side by side share one flush, and do not part into groups that take turns.
// A lone change waits for nobody.
func (j *Journal) collect(first *submission, expected int) []*submission {
	gathered := []*submission{first}
	var late <-chan time.Time
	for len(gathered) < roundMax {
		select {
		case s := <-j.in:
			gathered = append(gathered, s)
			continue
		default:
		}
		if len(gathered) >= expected {
			return gathered
		}
		if late == nil {
			late = time.After(gatherFor)
		}
		select {
		case s := <-j.in:
			gathered = append(gathered, s)
		case <-late:
			return gathered
		}
	}
	return gathered
}

// commit stores what was gathered, also when the bus begins to close meanwhile. What is
// known by now is not stored again; of several with one key the first is stored, and the
// others share its fate.
func (j *Journal) commit(ctx context.Context, gathered []*submission) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), lastDeadline(gathered))
	defer cancel()
	unique := make([]*submission, 0, len(gathered))
	firstOf := make(map[changeKey]*submission, len(gathered))
	repeats := make(map[*submission][]*submission)
	for _, s := range gathered {
		if err := s.ctx.Err(); err != nil {
			s.complete(Receipt{}, err)
			continue
		}
		if r, ok := j.known.find(s.key, j.Now()); ok {
			s.complete(r, nil)
			continue
		}
		if s.key != (changeKey{}) {
			if first := firstOf[s.key]; first != nil {
				repeats[first] = append(repeats[first], s)
				continue
			}
			firstOf[s.key] = s
		}
		unique = append(unique, s)
	}
	for _, r := range j.pack(unique) { // mostly one
		j.store(ctx, r)
		now := j.Now()
		for place, s := range r.changes {
			receipt := Receipt{Sequence: r.sequence, Place: place}
			if r.err != nil {
				receipt = Receipt{}
			} else {
				j.known.add(s.key, receipt, now)
			}
			s.complete(receipt, r.err)
			receipt.Duplicate = r.err == nil
			for _, again := range repeats[s] {
				again.complete(receipt, r.err)
			}
		}
	}
}

// lastDeadline is when nobody waits for the round any more.
func lastDeadline(gathered []*submission) time.Time {
	var last time.Time
	for _, s := range gathered {
		if end, ok := s.ctx.Deadline(); ok && end.After(last) {
			last = end
		}
	}
	return last // each has one: call sets it
}

// round is a message on its way: the changes in it, those of an installation together,
// and what came of it.
type round struct {
	changes []*submission
	kept    string // keptDispatched or keptWaiting, when it is written again

	sequence uint64
	err      error
}

func (r *round) message() *nats.Msg {
	first := r.changes[0].installation
	shared := r.changes[len(r.changes)-1].installation != first
	msg := nats.NewMsg(roundSubject(first))
	if shared {
		msg.Subject = sharedSubject
	}
	msg.Header.Set(roundHeader, roundFormat)
	if r.kept != "" {
		msg.Header.Set(keptHeader, r.kept)
	}
	size := 0
	for _, s := range r.changes {
		size += s.size()
	}
	body := make([]byte, 0, size)
	last := ""
	for _, s := range r.changes {
		if shared && s.installation != last {
			body = append(strconv.AppendQuote(body, s.installation), '\n')
			last = s.installation
		}
		body = append(append(body, s.line...), '\n')
	}
	msg.Data = body[:len(body)-1]
	return msg
}

// size is how much of a round's body a change may take.
func (s *submission) size() int { return len(s.line) + lineRoom }

// lineRoom is for the name of an installation in a line of its own, and two line ends.
const lineRoom = js.InstallationLength + len(`""`) + 2

// pack puts changes into rounds: one, or more where that would become too long or too
// large. What is of one installation stays in its order. No change is larger than a round
// may be.
func (j *Journal) pack(changes []*submission) []*round {
	limit := j.roundLimit()
	var rounds []*round
	size := limit
	for _, s := range changes {
		if size += s.size(); size > limit || len(rounds[len(rounds)-1].changes) == roundMax {
			rounds = append(rounds, &round{})
			size = s.size()
		}
		r := rounds[len(rounds)-1]
		r.changes = append(r.changes, s)
	}
	for _, r := range rounds {
		slices.SortStableFunc(r.changes, func(a, b *submission) int { return strings.Compare(a.installation, b.installation) })
	}
	return rounds
}

// store publishes a round and notes what came of it.
func (j *Journal) store(ctx context.Context, r *round) {
	msg := r.message()
	span := r.beginTrace(ctx)
	r.err = j.withRoom(ctx, func() error {
		ack, err := j.PublishMsg(ctx, msg)
		if err == nil {
			r.sequence = ack.Sequence
		}
		return err
	})
	if r.err == nil {
		j.stats.rounds.Add(1)
	}
	r.endTrace(span)
}
