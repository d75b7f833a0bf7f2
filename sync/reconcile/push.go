package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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

// push sends the open items whose fingerprint differs from what the target
// holds: one by PUT, several in batches. The error is a failure of the road;
// items that were answered before it are decided.
func push[T channelprogram.ClientInput | channelprogram.ContractInput](ctx context.Context, b *batch, t target[T]) error {
	var due []*item
	var items []channelprogram.Item[T]
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
		items = append(items, channelprogram.Item[T]{ExternalID: strconv.FormatInt(it.mark.ID, 10), Data: *in})
	}
	if err := b.intend(ctx, due); err != nil {
		return err
	}
	switch len(due) {
	case 0:
		return nil
	case 1:
		res, err := t.put(ctx, items[0].ExternalID, items[0].Data)
		if err != nil && ofTheRoad(err) {
			return fmt.Errorf("push %s %s: %w", b.kind, items[0].ExternalID, err)
		}
		return answered(ctx, b, t, due[0], res, err)
	}
	results, road := t.upsert(ctx, items)
	for i, res := range results[:min(len(results), len(due))] {
		if res.Outcome == "" && res.Failure == nil {
			continue // not answered: the road's failure speaks for it
		}
		if res.Failure != nil && res.Failure.Kind.OfTheRoad() {
			road = res.Failure
			continue
		}
		if err := answered(ctx, b, t, due[i], res, res.Err()); err != nil {
			return err
		}
	}
	if road != nil {
		return fmt.Errorf("push %d %s records: %w", len(due), b.kind, road)
	}
	return nil
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

// ofTheRoad says whether no record is to blame. What is not an answer of the
// target at all (a cancelled context) is the road's too.
func ofTheRoad(err error) bool {
	e, ok := errors.AsType[*channelprogram.Error](err)
	return !ok || e.Kind.OfTheRoad() || e.Kind == channelprogram.KindBreach
}

// answered turns the target's answer for one record into its outcome.
func answered[T channelprogram.ClientInput | channelprogram.ContractInput](ctx context.Context, b *batch, t target[T], it *item, res channelprogram.ItemResult, err error) error {
	if e, ok := errors.AsType[*channelprogram.Error](err); ok {
		it.fail(targetCode(e), "Channel Program says: "+targetDetail(e), e.Kind != channelprogram.KindFailed)
		if e.Kind != channelprogram.KindRejected {
			it.entry.Fingerprint = "" // only a rejection says for certain that nothing was stored
		}
		return nil
	}
	if err != nil {
		return err
	}
	in := t.input(it)
	it.pushed = true
	if res.Outcome == channelprogram.OutcomeStale {
		return b.stale(ctx, it, func() (time.Time, error) {
			held, err := t.read(ctx, strconv.FormatInt(it.mark.ID, 10))
			return t.source(&held).ObservedAt, err
		})
	}
	at := t.source(in).ObservedAt
	content := *in
	*t.source(&content) = channelprogram.Source{}
	if err := it.remember(content, it.fingerprint, at); err != nil {
		return err
	}
	it.entry.Archived = it.archived != ""
	if res.TargetURL != nil {
		it.entry.TargetURL = *res.TargetURL
	}
	if res.Outcome == channelprogram.OutcomeUnchanged {
		it.settled(v1.OutcomeUnchanged)
		return nil
	}
	it.drift = it.force() && res.Outcome == channelprogram.OutcomeUpdated && it.before.Fingerprint == it.fingerprint
	if it.drift {
		it.driftFields = res.ChangedFields
	}
	it.entry.PushedAt = b.Now()
	it.settled(v1.OutcomePushed)
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
func (b *batch) stale(ctx context.Context, it *item, heldAt func() (time.Time, error)) error {
	at, err := heldAt()
	if err != nil && ofTheRoad(err) {
		return fmt.Errorf("read back %s %d: %w", b.kind, it.mark.ID, err)
	}
	if err != nil {
		it.fail("target_failed", "Channel Program holds something newer and does not tell what: "+err.Error(), false)
		return nil
	}
	if at.After(it.entry.ObservedAt) {
		it.entry.ObservedAt = at
	}
	it.entry.Fingerprint = ""
	it.again = true
	it.settled(v1.OutcomeUnchanged)
	return nil
}

func (b *batch) source(it *item) channelprogram.Source {
	s := channelprogram.Source{
		System: channelprogram.SystemAutotask, ObservedAt: b.observedAt(it), Trigger: channelprogram.TriggerOf(it.mark.Trigger),
	}
	if !it.modified.IsZero() {
		m := it.modified.UTC()
		s.ModifiedAt = &m
	}
	if u := autotask.RecordURL(b.in.Zone, b.kind, it.mark.ID); u != "" {
		s.RecordURL = &u
	}
	if id := eventID(it.mark); id != "" {
		s.EventID = &id
	}
	return s
}

// eventID names the callback, or else the place in the journal, that a push goes back to.
func eventID(m events.Mark) string {
	switch {
	case m.GUID != "" && m.SequenceNumber != nil:
		return m.GUID + "/" + strconv.FormatInt(*m.SequenceNumber, 10)
	case m.JournalSequence != 0:
		return fmt.Sprintf("journal/%d/%d", m.JournalSequence, m.JournalPlace)
	default:
		return ""
	}
}

func targetCode(e *channelprogram.Error) string {
	for _, f := range e.Errors {
		if f.Code == channelprogram.CodeCurrencyUnsupported {
			return f.Code
		}
	}
	switch e.Code {
	case channelprogram.CodeCurrencyUnsupported, channelprogram.CodeAmbiguousMatch:
		return e.Code
	}
	if e.Kind == channelprogram.KindFailed {
		return "target_failed"
	}
	return "rejected"
}

// targetDetail is the target's words, with the fields it points at named as ours.
func targetDetail(e *channelprogram.Error) string {
	parts := []string{}
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	for _, f := range e.Errors {
		parts = append(parts, fieldOf(f.Pointer)+": "+f.Detail)
	}
	if len(parts) == 0 {
		parts = append(parts, e.Code)
	}
	return strings.Join(parts, "; ")
}

// fieldOf cuts a JSON Pointer down to the field of the record ("#/inputs/3/data/name" → "name").
func fieldOf(pointer string) string {
	p := strings.TrimPrefix(strings.TrimPrefix(pointer, "#"), "/")
	if rest, ok := strings.CutPrefix(p, "inputs/"); ok {
		if _, after, ok := strings.Cut(rest, "/data/"); ok {
			return after
		}
	}
	return p
}
