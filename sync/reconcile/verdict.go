package reconcile

import (
	"errors"
	"fmt"

	"channelsync/api/channelprogram"
)

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
