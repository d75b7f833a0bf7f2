package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	js "channelsync/events/internal/jetstream"
)

const (
	// knownFor is how long a stored change is recognised when it comes again (interfaces §3).
	knownFor = 30 * time.Minute
	// knownMax is how many are at most; they take about 16 MiB.
	knownMax = 200_000
	// readBackStep is how many messages are read at a time, from the newest back.
	readBackStep = js.BatchMax
)

// knownChanges are the keys of the changes that were stored last.
type knownChanges struct {
	mu    sync.Mutex
	byKey map[changeKey]knownChange
	order []changeKey // oldest first
}

// knownChange is where a change was stored, and when. It holds no pointer, so that the
// collector passes over all of them.
type knownChange struct {
	sequence uint64
	place    int
	at       int64 // Unix nanoseconds
}

// find returns where a change was stored, if it was within knownFor.
func (k *knownChanges) find(key changeKey, now time.Time) (Receipt, bool) {
	if key == (changeKey{}) {
		return Receipt{}, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known, ok := k.byKey[key]
	if !ok || known.expired(now) {
		return Receipt{}, false
	}
	return Receipt{Sequence: known.sequence, Place: known.place, Duplicate: true}, true
}

func (c knownChange) expired(now time.Time) bool { return now.UnixNano()-c.at > int64(knownFor) }

// add remembers a change that is stored, and forgets what is too old or too much.
func (k *knownChanges) add(key changeKey, r Receipt, at time.Time) {
	if key == (changeKey{}) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.order) > 0 {
		oldest := k.order[0]
		if len(k.order) < knownMax && !k.byKey[oldest].expired(at) {
			break
		}
		delete(k.byKey, oldest)
		k.order = k.order[1:]
	}
	if k.byKey == nil {
		k.byKey = make(map[changeKey]knownChange)
	}
	if _, again := k.byKey[key]; !again {
		k.order = append(k.order, key)
	}
	k.byKey[key] = knownChange{r.Sequence, r.Place, at.UnixNano()}
}

// readKnown reads the keys of the newest changes back from the journal, the newest
// messages first, until one is too old or there are enough.
func (j *Journal) readKnown(ctx context.Context) error {
	state := j.Handle.CachedInfo().State
	type found struct {
		key changeKey
		Receipt
		at time.Time
	}
	var newest []found // newest first
	oldest := j.Now().Add(-knownFor)
	changes := 0
	step := uint64(readBackStep)
	for end := state.LastSeq; end > 0 && end >= state.FirstSeq && changes < knownMax; {
		begin := max(state.FirstSeq, end-min(end-1, step-1))
		var part []found
		seen, expired := 0, false
		err := j.DirectEach(ctx, js.GetRequest{NextFor: journalSubjects, Seq: begin}, func(msgs []*jetstream.RawStreamMsg) error {
			for _, msg := range msgs {
				if msg.Sequence > end {
					return errEnough
				}
				seen++
				if msg.Time.Before(oldest) {
					expired = true
					continue
				}
				changes += keysIn(msg.Subject, msg.Header, msg.Data, func(key changeKey, place int) {
					part = append(part, found{key, Receipt{Sequence: msg.Sequence, Place: place}, msg.Time})
				})
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return fmt.Errorf("read back the newest changes: %w", err)
		}
		slices.Reverse(part)
		newest = append(newest, part...)
		if expired {
			break
		}
		if end = begin - 1; seen == 0 {
			step *= 2 // a gap of what was purged
		}
	}
	for _, f := range slices.Backward(newest) {
		j.known.add(f.key, f.Receipt, f.at)
	}
	return nil
}
