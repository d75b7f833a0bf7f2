package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/ledger"
)

// target is one kind of record at Channel Program.
type target[T channelprogram.ClientInput | channelprogram.ContractInput] struct {
	input  func(*item) *T // nil: nothing to push
	source func(*T) *channelprogram.Source
	put    func(ctx context.Context, externalID string, in T) (channelprogram.ItemResult, error)
	upsert func(ctx context.Context, items []channelprogram.Item[T]) ([]channelprogram.ItemResult, error)
	read   func(ctx context.Context, externalID string) (T, error)
}

func clientTarget(c *channelprogram.Client) target[channelprogram.ClientInput] {
	return target[channelprogram.ClientInput]{
		input:  func(it *item) *channelprogram.ClientInput { return it.client },
		source: func(in *channelprogram.ClientInput) *channelprogram.Source { return &in.Source },
		put:    c.PutClient,
		upsert: c.UpsertClients,
		read: func(ctx context.Context, id string) (channelprogram.ClientInput, error) {
			stored, err := c.GetClient(ctx, id)
			return stored.Data, err
		},
	}
}

func contractTarget(c *channelprogram.Client) target[channelprogram.ContractInput] {
	return target[channelprogram.ContractInput]{
		input:  func(it *item) *channelprogram.ContractInput { return it.contract },
		source: func(in *channelprogram.ContractInput) *channelprogram.Source { return &in.Source },
		put:    c.PutContract,
		upsert: c.UpsertContracts,
		read: func(ctx context.Context, id string) (channelprogram.ContractInput, error) {
			stored, err := c.GetContract(ctx, id)
			return stored.Data, err
		},
	}
}

// project notes what the record should be; the push compares it with what was pushed last.
func (it *item) project(fingerprint string, sources any, modified time.Time) {
	it.fingerprint, it.sources, it.modified = fingerprint, sources, modified
}

// explain keeps how what the target holds is found today: other rows may come to the same.
func (it *item) explain() error {
	if it.sources == nil {
		return nil
	}
	src, err := json.Marshal(it.sources)
	if err != nil {
		return fmt.Errorf("encode sources: %w", err)
	}
	it.entry.Sources = src
	return nil
}

// archive sends what was pushed last once more, as archived: nothing is ever deleted at the target.
func (it *item) archive(reason string) {
	it.archived = reason
	it.fingerprint = "archived:" + reason + ":" + it.entry.ContentFingerprint()
	if it.entry.Kind == v1.KindContract {
		var last channelprogram.ContractInput
		if json.Unmarshal(it.entry.Projection, &last) == nil {
			last.Lifecycle, last.ArchivedReason = channelprogram.LifecycleArchived, reason
			it.contract = &last
		}
		return
	}
	var last channelprogram.ClientInput
	if json.Unmarshal(it.entry.Projection, &last) == nil {
		last.Lifecycle, last.ArchivedReason = channelprogram.LifecycleArchived, reason
		it.client = &last
	}
}

// push sends the open items whose fingerprint differs from what the target holds. The
// error is a failure of the upstream; items that were answered before it are decided.
func push[T channelprogram.ClientInput | channelprogram.ContractInput](ctx context.Context, b *batch, t target[T]) error {
	var due []*item
	var parcels []parcel[T]
	for _, it := range b.open() {
		in := t.input(it)
		if in == nil {
			it.settled(v1.OutcomeNotMet) // to be archived, but what was pushed cannot be read any more
			continue
		}
		if it.fingerprint == it.entry.Fingerprint && !it.force() {
			if err := it.explain(); err != nil {
				return err
			}
			it.settled(v1.OutcomeUnchanged)
			continue
		}
		*t.source(in) = b.source(it)
		due = append(due, it)
		parcels = append(parcels, parcel[T]{it, channelprogram.Item[T]{ExternalID: strconv.FormatInt(it.due.ID, 10), Data: *in}})
	}
	if len(due) == 0 {
		return nil
	}
	if err := b.intend(ctx, due); err != nil {
		return err
	}
	if b.apart {
		return sender[T]{b, t}.confirm(ctx, parcels)
	}
	return sender[T]{b, t}.together(ctx, parcels)
}

// intend forgets, durably and before anything is sent, what the target holds of
// records that are about to be sent. An answer that is lost, or a crash before the
// ledger is written, must not leave us believing in what the target held before:
// the record may be that again by the next attempt, and would not be sent.
func (b *batch) intend(ctx context.Context, due []*item) error {
	var entries []*ledger.Entry
	var items []*item
	for _, it := range due {
		if it.before.Fingerprint != "" {
			e := it.before
			e.Fingerprint = ""
			entries, items = append(entries, &e), append(items, it)
		}
	}
	if err := b.remembered(ctx, entries); err != nil {
		return err
	}
	for i, it := range items {
		it.entry.Revision = entries[i].Revision
	}
	return nil
}

// settled gives the outcome; a record that was archived is out of scope all the same.
func (it *item) settled(o v1.Outcome) {
	if it.archived != "" {
		it.notMet(it.reasons, it.detail)
		return
	}
	it.outcome = o
}

// stale means that the target has seen a later observedAt than ours: what it holds
// is not known, so no fingerprint is, and the record is marked again, to be sent
// with a later one.
func (it *item) stale(heldAt time.Time) {
	it.pushed = true
	if heldAt.After(it.entry.ObservedAt) {
		it.entry.ObservedAt = heldAt
	}
	it.entry.Fingerprint = ""
	it.again = true
	it.settled(v1.OutcomeUnchanged)
}

func (b *batch) source(it *item) channelprogram.Source {
	s := channelprogram.Source{
		System: channelprogram.SystemAutotask, ObservedAt: b.observedAt(it), Trigger: channelprogram.TriggerOf(it.due.Trigger),
	}
	if !it.modified.IsZero() {
		m := it.modified.UTC()
		s.ModifiedAt = &m
	}
	if u := autotask.RecordURL(b.in.Zone, b.kind, it.due.ID); u != "" {
		s.RecordURL = &u
	}
	if id := eventID(it.due); id != "" {
		s.EventID = &id
	}
	return s
}

// eventID names the callback, or else the place in the journal, that a push goes back to.
func eventID(d events.DueEntry) string {
	switch {
	case d.GUID != "" && d.SequenceNumber != nil:
		return d.GUID + "/" + strconv.FormatInt(*d.SequenceNumber, 10)
	case d.JournalSequence != 0:
		return fmt.Sprintf("journal/%d/%d", d.JournalSequence, d.JournalPlace)
	default:
		return ""
	}
}
