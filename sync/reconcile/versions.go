package reconcile

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/internal/tracing"
	"channelsync/sync/ledger"
)

// Whatever the target takes is a version of the record. It is kept in the record's entry, so
// that no crash can come between the two. Only an answer that is lost leaves a push that is not
// remembered: before the next one the target is asked what it holds.

// unanswered says whether the last push of the record was sent, and no answer to it is remembered.
func (it *item) unanswered() bool {
	return !it.elsewhere && it.before.Fingerprint == "" && len(it.before.Projection) > 0
}

// cause is why a record is sent.
func (b *batch) cause(it *item) v1.Cause {
	return v1.Cause{
		Trigger: it.due.Trigger, Job: it.due.Job, By: it.due.By, EventID: eventID(it.due), TraceID: tracing.TraceID(b.trail.of(it.due.ID)),
	}
}

// addVersion keeps what the target took, which is the entry's projection by now.
func (b *batch) addVersion(it *item, current *ledger.Version, answer channelprogram.ItemOutcome) {
	v := ledger.Version{At: b.Now(), Kind: v1.VersionSent, Cause: b.cause(it), Answer: string(answer)}
	if current == nil || it.elsewhere {
		v.BeforeUnknown = answer != channelprogram.OutcomeCreated
	} else {
		v.BeforeUnknown = it.goneBack || it.unanswered() && !it.heldKnown
	}
	switch n := len(it.entry.Drifts); {
	case it.drift && n > 0:
		v.Kind, v.Edited, v.EditedSince = v1.VersionRepaired, it.entry.Drifts[n-1].Fields, it.entry.Drifts[n-1].FoundAt
	case len(it.overEdit) > 0:
		v.Kind, v.Edited = v1.VersionRepaired, it.overEdit
	}
	b.keepVersion(it, current, v)
}

// keepVersion keeps it as one of the account that is connected.
func (b *batch) keepVersion(it *item, current *ledger.Version, v ledger.Version) {
	v.ConnectedAt = b.ConnectedAt
	it.entry.AddVersion(current, v)
	it.elsewhere = false
}

// recover keeps what the target took at a time, and we never heard of.
func (s sender[T]) recover(it *item, held T, at time.Time) error {
	raw, err := withoutSource(held)
	if err != nil {
		return err
	}
	it.heldKnown = true
	current, sending := it.entry.Current(), ledger.Sending{}
	if it.before.Sending != nil {
		sending = *it.before.Sending
	}
	if current != nil && !it.elsewhere && sameContent(current.Sent, raw) && len(sending.Edited) == 0 {
		return nil
	}
	v := ledger.Version{At: at, Kind: v1.VersionRecovered, Cause: sending.Cause, BeforeUnknown: current == nil || it.elsewhere, Edited: sending.Edited}
	if len(sending.Edited) > 0 {
		it.entry.AddDrift(ledger.Drift{State: v1.DriftRepaired, FoundAt: at, ResolvedAt: at, Trigger: sending.Trigger, Fields: sending.Edited})
		v.EditedSince = it.entry.Drifts[len(it.entry.Drifts)-1].FoundAt
	}
	s.keepVersion(it, current, v)
	it.entry.Projection, it.entry.ObservedAt = raw, at
	// What is stored before the next push has it too: that push may be lost as well.
	it.before.Version, it.before.Former, it.before.Previous = it.entry.Version, it.entry.Former, nil
	it.before.Projection, it.before.ObservedAt = raw, at
	it.before.Drifts, it.before.PushOurs = it.entry.Drifts, it.entry.PushOurs
	return nil
}

// hasGoneBack says whether what the target holds is a former version of ours, as old as that:
// nobody edited it, it was set back to an older state.
func (it *item) hasGoneBack(held json.RawMessage, at time.Time) bool {
	if !at.Before(it.entry.ObservedAt) || sameContent(held, it.entry.Projection) {
		return false
	}
	versions := it.entry.Versions()
	return slices.ContainsFunc(versions[:max(0, len(versions)-1)], func(v ledger.Version) bool { return !at.After(v.At) && sameContent(held, v.Sent) })
}

// sameContent says whether two payloads are the same to the target.
func sameContent(a, b json.RawMessage) bool {
	return sameBytes(a, b) || len(a) > 0 && len(b) > 0 && len(foreign(a, b)) == 0
}

// isActive is what the target gives back where nothing was said; quotes within a value are escaped.
var isActive = []byte(`"lifecycle":"active",`)

// sameBytes is sameContent for what is written alike, which nearly everything is: it costs next to nothing.
func sameBytes(a, b json.RawMessage) bool {
	return bytes.Equal(bytes.Replace(a, isActive, nil, 1), bytes.Replace(b, isActive, nil, 1))
}
