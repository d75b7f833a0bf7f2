package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/sync/ledger"
)

// mostProbes is how many stored records are tried before writes are taken to be down:
// the one that is tried first may fail for a reason of its own.
const mostProbes = 2

// inquiry finds out whether Channel Program works, once some requests of a batch have
// failed and none is under way any more. What it asked it does not ask again, so it is
// made anew for each round of requests.
type inquiry struct {
	b         *batch
	asked     bool
	handshake error
	probed    map[recordKey]error // by record, what became of it
	unstored  bool                // no record is known to be stored that could be sent once more
}

func (b *batch) inquire() *inquiry { return &inquiry{b: b, probed: map[recordKey]error{}} }

// about says whose failure the answer to a request with these records is. probe asks
// for a stored record to be sent once more.
func (q *inquiry) about(ctx context.Context, answer error, request []*item, probe bool) (verdict, error) {
	e := evidence{answer: answer, probe: probeNot}
	if v, err := judge(e); v == upstreamFails {
		return v, err
	}
	e.handshake = q.greet(ctx)
	if e.handshake == nil && probe {
		e.probe, e.refused = q.probe(ctx, request)
		q.unstored = e.probe == probeNot
	}
	v, err := judge(e)
	switch {
	case v == upstreamWorks && q.unstored && needsProbe(answer) && q.b.health.nothingTaken():
		return undecided, nil
	case v == upstreamFails && channelprogram.KindOf(err) == channelprogram.KindThrottled:
	case v == upstreamFails && e.probe == probeFailed && needsProbe(answer):
		q.b.health.failed(q.b.kind)
	case v == upstreamFails && channelprogram.KindOf(err) != "":
		q.b.health.failed("")
	case v == upstreamWorks && e.probe == probeStored:
		q.b.health.recovered()
	}
	return v, err
}

// nothingIsTaken says, of requests for all records of a batch that have all failed, whether
// that is the upstream's failure although the handshake is answered: writes are down, and
// no record is stored yet that would show it. For nothingFor at most; then the handshake
// alone decides, as it does for a record that has no others beside it.
func (q *inquiry) nothingIsTaken(ctx context.Context, request []*item, answers []error) bool {
	for _, err := range answers {
		if !needsProbe(err) {
			return false
		}
	}
	v, _ := q.about(ctx, answers[0], request, true)
	return v != upstreamFails && q.unstored && q.b.health.nothingWasTaken()
}

func (q *inquiry) greet(ctx context.Context) error {
	if !q.asked {
		q.asked, q.handshake = true, q.b.greet(ctx)
	}
	return q.handshake
}

// greet asks the target's handshake whether records may be pushed.
func (r *Reconciler) greet(ctx context.Context) error {
	conn, err := r.Target.Connection(ctx)
	if err != nil {
		return err
	}
	return conn.Usable()
}

// probe sends a record once more that is known to be stored and is not in the request.
func (q *inquiry) probe(ctx context.Context, request []*item) (probing, error) {
	except := map[recordKey]bool{}
	for _, it := range request {
		except[recordKey{q.b.kind, it.due.ID}] = true
	}
	var refused error
	tries := 0
	for key, err := range q.probed { // what another request of this round was judged by
		switch {
		case except[key]:
		case err == nil:
			return probeStored, nil
		default:
			refused, tries = err, tries+1
		}
	}
	busy := false
	for _, kind := range []v1.Kind{q.b.kind, otherKind(q.b.kind)} {
		candidates, err := q.candidates(ctx, kind)
		if err != nil {
			return probeFailed, err
		}
		for _, e := range candidates {
			key := recordKey{kind, e.ID}
			if _, done := q.probed[key]; done || except[key] {
				continue
			}
			if tries == mostProbes {
				return probeFailed, refused
			}
			err, free := q.resend(ctx, e)
			if !free {
				busy = true
				continue
			}
			q.probed[key] = err
			if err == nil {
				return probeStored, nil
			}
			refused, tries = err, tries+1
		}
		if busy || tries > 0 {
			break // of the other kind only when none of this one is stored
		}
	}
	switch {
	case tries > 0:
		return probeFailed, refused
	case busy:
		return probeBusy, nil
	default:
		return probeNot, nil
	}
}

func otherKind(k v1.Kind) v1.Kind {
	if k == v1.KindContract {
		return v1.KindCompany
	}
	return v1.KindContract
}

// candidates are entries of records that are known to be stored, the likeliest to be
// taken first: what this batch had just stored, what was taken last, what is well, and
// what is not well but was stored before.
func (q *inquiry) candidates(ctx context.Context, kind v1.Kind) ([]*ledger.Entry, error) {
	var out []*ledger.Entry
	known := map[int64]bool{}
	if kind == q.b.kind {
		for _, it := range q.b.items {
			if it.pushed && it.outcome != "" && it.failure == nil && !it.again && resendable(it.entry) {
				out, known[it.due.ID] = append(out, it.entry), true
			}
		}
	}
	ids := slices.DeleteFunc(q.b.health.latest(kind), func(id int64) bool { return known[id] })
	for _, id := range ids {
		known[id] = true
	}
	var well, unwell []int64
	_, err := q.b.Ledger.Find(ctx, q.b.in.ID, kind, func(s ledger.Summary) bool {
		switch {
		case known[s.ID] || !s.InScope:
		case s.Outcome == v1.OutcomePushed || s.Outcome == v1.OutcomeUnchanged:
			if q.b.suspects.has(kind, s.ID) {
				unwell = append(unwell, s.ID)
			} else {
				well = append(well, s.ID)
			}
		default:
			unwell = append(unwell, s.ID)
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("find stored records: %w", err)
	}
	const most = 16 // as many entries as are read at most
	ids = append(append(ids, well[:min(len(well), most)]...), unwell...)
	ids = ids[:min(len(ids), 2*most)]
	entries, err := q.b.Ledger.Read(ctx, q.b.in.ID, kind, ids)
	if err != nil {
		return nil, fmt.Errorf("read stored records: %w", err)
	}
	for _, id := range ids {
		if e := entries[id]; e != nil && resendable(e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// resendable says whether what was pushed of a record is known.
func resendable(e *ledger.Entry) bool { return len(e.Projection) > 0 && !e.ObservedAt.IsZero() }

// resend sends a record as it was stored last, observed a moment before that: the
// target answers that it has seen later ones and changes nothing, whatever it holds by
// now. So a probe cannot undo an edit, hide one that was made at the target, or be taken
// for a push; nothing is remembered of it. free is false when the record is in other hands.
func (q *inquiry) resend(ctx context.Context, e *ledger.Entry) (err error, free bool) {
	if !q.b.has(e.Kind, e.ID) {
		if _, busy := q.b.inProgress.add(e.Kind, e.ID); len(busy) > 0 {
			return nil, false
		}
		defer q.b.inProgress.drop(e.Kind, e.ID)
	}
	source := channelprogram.Source{
		System: channelprogram.SystemAutotask, ObservedAt: e.ObservedAt.Add(-time.Millisecond), Trigger: channelprogram.TriggerReconcile,
	}
	id := strconv.FormatInt(e.ID, 10)
	began := time.Now()
	if e.Kind == v1.KindContract {
		var in channelprogram.ContractInput
		if err = json.Unmarshal(e.Projection, &in); err == nil {
			in.Source = source
			_, err = q.b.Target.PutContract(ctx, id, in)
		}
	} else {
		var in channelprogram.ClientInput
		if err = json.Unmarshal(e.Projection, &in); err == nil {
			in.Source = source
			_, err = q.b.Target.PutClient(ctx, id, in)
		}
	}
	if channelprogram.KindOf(err) == channelprogram.KindRejected {
		err = nil // that is an answer about the record, as only a target gives it that works
	}
	if err == nil {
		q.b.health.stored1(e.Kind, []int64{e.ID}, time.Since(began))
	}
	return err, true
}

// has says whether a record is one of the batch's own.
func (b *batch) has(kind v1.Kind, id int64) bool {
	return b.kind == kind && slices.ContainsFunc(b.items, func(it *item) bool { return it.due.ID == id })
}

// recovered asks a target that was away whether it takes records again: its handshake,
// and a stored record where the handshake alone does not show it.
func (r *Reconciler) recovered(ctx context.Context) error {
	if err := r.greet(ctx); err != nil {
		return err
	}
	kind := r.health.writesDown()
	if kind == "" {
		return nil
	}
	settings, err := r.Installation()
	if err != nil {
		return err
	}
	q := (&batch{Reconciler: r, in: settings, kind: kind}).inquire()
	q.asked = true
	unavailable := &channelprogram.Error{Kind: channelprogram.KindUnavailable}
	if v, err := q.about(ctx, unavailable, nil, true); v == upstreamFails {
		return err
	}
	r.health.recovered()
	return nil
}

// evidence is what is known once Channel Program has failed a request with records in it.
type evidence struct {
	answer    error   // to that request
	handshake error   // nil: it answers, and the connection may be used
	probe     probing // what became of a record that is known to be stored, sent once more
	refused   error   // what a probe that failed was answered
}

// probing is how the sending of a record went that is known to be stored and was not in
// the request that failed.
type probing string

const (
	probeNot    probing = "not sent" // the handshake alone decides: no probe is needed, or no record is known to be stored
	probeBusy   probing = "busy"     // all of those are in other hands
	probeStored probing = "stored"
	probeFailed probing = "failed"
)

// verdict is whose failure it is.
type verdict string

const (
	upstreamFails verdict = "upstream" // nothing counts, whole batches wait
	upstreamWorks verdict = "records"  // something in the request is to blame
	undecided     verdict = "undecided"
)

// judge says whether a failure is the upstream's or that of the records in the request.
// The error is the upstream's failure, and says what its pause or wait goes by.
//
// A record is never blamed by this alone. It is one when it fails alone, with this
// verdict on the upstream before and after (see confirm).
func judge(e evidence) (verdict, error) {
	answer, ok := errors.AsType[*channelprogram.Error](e.answer)
	switch {
	case e.answer != nil && !ok: // no answer of the target's at all: our own end, or a lost lease
		return upstreamFails, e.answer
	case ok && answer.Kind == channelprogram.KindThrottled:
		return upstreamFails, answer
	case e.handshake != nil:
		return upstreamFails, e.handshake
	}
	switch e.probe {
	case probeFailed:
		return upstreamFails, probeError(e.refused)
	case probeBusy:
		return undecided, nil
	default:
		return upstreamWorks, nil
	}
}

// probeError is the failure of the upstream that a failed probe shows. It never asks
// for a person: the handshake says that the connection may be used.
func probeError(refused error) error {
	answer, ok := errors.AsType[*channelprogram.Error](refused)
	if !ok || answer.Kind == channelprogram.KindThrottled {
		return refused
	}
	e := *answer
	e.Kind = channelprogram.KindUnavailable
	return fmt.Errorf("the handshake is answered, but a record that is stored already is not taken once more: %w", &e)
}

// needsProbe says whether the handshake alone does not tell: the target's own trouble
// may be with its writes only.
func needsProbe(answer error) bool {
	return channelprogram.KindOf(answer) == channelprogram.KindUnavailable
}

// late says whether a request was given up without an answer.
func late(answer error) bool {
	e, ok := errors.AsType[*channelprogram.Error](answer)
	return ok && e.Code == channelprogram.CodeTimeout
}
