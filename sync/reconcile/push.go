package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/tracing"
	"channelsync/sync/ledger"
	"channelsync/sync/upstream"
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
		if it.contract = lastPushed[channelprogram.ContractInput](it); it.contract != nil {
			it.contract.Lifecycle, it.contract.ArchivedReason = channelprogram.LifecycleArchived, reason
		}
	} else if it.client = lastPushed[channelprogram.ClientInput](it); it.client != nil {
		it.client.Lifecycle, it.client.ArchivedReason = channelprogram.LifecycleArchived, reason
	}
}

// push sends the open items whose fingerprint differs from what the target holds. The
// error is a failure of the upstream; items that were answered before it are decided.
func push[T channelprogram.ClientInput | channelprogram.ContractInput](ctx context.Context, b *batch, t target[T]) error {
	var due []*item
	var parcels []parcel[T]
	for _, it := range b.open() {
		it.entry.Notes = without(it.entry.Notes, v1.ReasonEditedAtTarget)
		in := t.input(it)
		if in == nil {
			it.resolve(v1.OutcomeNotMet) // to be archived, but what was pushed cannot be read any more
			continue
		}
		if it.fingerprint == it.entry.Fingerprint && !it.force() && it.entry.OpenDrift() == nil {
			if err := it.explain(); err != nil {
				return err
			}
			it.resolve(v1.OutcomeUnchanged)
			continue
		}
		*t.source(in) = b.source(it)
		due = append(due, it)
		parcels = append(parcels, parcel[T]{it, channelprogram.Item[T]{ExternalID: strconv.FormatInt(it.due.ID, 10), Data: *in}})
	}
	parcels, err := sender[T]{b, t}.readFirst(ctx, parcels)
	if err != nil {
		return err
	}
	due = slices.DeleteFunc(due, func(it *item) bool { return it.outcome != "" })
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

func without(codes []string, code string) []string {
	if !slices.Contains(codes, code) {
		return codes
	}
	return slices.DeleteFunc(slices.Clone(codes), func(c string) bool { return c == code })
}

// intend forgets, durably and before anything is sent, what the target holds of
// records that are about to be sent. An answer that is lost, or a crash before the
// ledger is written, must not leave us believing in what the target held before:
// the record may be that again by the next attempt, and would not be sent.
func (b *batch) intend(ctx context.Context, due []*item) error {
	var entries []*ledger.Entry
	var items []*item
	for _, it := range due {
		if it.before.Fingerprint != "" || it.unanswered() {
			e := it.before
			e.Fingerprint, e.Sending = "", &ledger.Sending{Cause: b.cause(it), Edited: it.overEdit}
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

// resolve gives the outcome; a record that was archived is out of scope all the same.
func (it *item) resolve(o v1.Outcome) {
	if it.archived != "" {
		it.notMet(it.reasons, it.detail)
		return
	}
	it.outcome = o
}

// stale means that the target has seen a later observedAt than ours: what it holds
// is not known, so no fingerprint is, and the record is enqueued again, to be sent
// with a later one.
func (it *item) stale(heldAt time.Time) {
	it.pushed = true
	if heldAt.After(it.entry.ObservedAt) {
		it.entry.ObservedAt = heldAt
	}
	it.entry.Fingerprint = ""
	it.again = true
	it.resolve(v1.OutcomeUnchanged)
}

func (b *batch) source(it *item) channelprogram.Source {
	s := channelprogram.Source{
		System: channelprogram.SystemAutotask, ObservedAt: b.observedAt(it), Trigger: channelprogram.TriggerOf(it.due.Trigger),
	}
	if !it.modified.IsZero() {
		s.ModifiedAt = new(it.modified.UTC())
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

const (
	// spread is how many parts a request that failed is divided into, and how many of
	// them are sent side by side.
	spread = 8
	// confirmations are how often a record must fail alone, one after the other, before it
	// is blamed; one that is answered late is given up once, after the longest wait.
	confirmations = 4
	// confirmBackoff is the wait after the first of them; it doubles each time.
	confirmBackoff = 500 * time.Millisecond
)

// parcel is a record with what is sent of it.
type parcel[T channelprogram.ClientInput | channelprogram.ContractInput] struct {
	*item
	out channelprogram.Item[T]
}

// unsent are parcels of one request that was not answered as it should be.
type unsent[T channelprogram.ClientInput | channelprogram.ContractInput] struct {
	parcels []parcel[T]
	err     error
}

func (u unsent[T]) items() []*item {
	return each(u.parcels, func(p parcel[T]) *item { return p.item })
}

// sender sends the records of a batch.
type sender[T channelprogram.ClientInput | channelprogram.ContractInput] struct {
	*batch
	to target[T]
}

// together sends records with as few requests as the target takes. Where one fails and
// the upstream works, the record that makes it fail is found by smaller and smaller
// requests, and all others are stored. That record is only suspected: it is sent apart
// from now on, and blamed there or not at all (see confirm). The error is the upstream's
// failure; nothing counts then.
func (s sender[T]) together(ctx context.Context, parcels []parcel[T]) error {
	items := each(parcels, func(p parcel[T]) channelprogram.Item[T] { return p.out })
	for _, part := range channelprogram.Cut(s.Target, items, s.health.most(s.kind)) {
		if err := s.isolate(ctx, parcels[:len(part)]); err != nil {
			return fmt.Errorf("push %d %s records: %w", len(part), s.kind, err)
		}
		parcels = parcels[len(part):]
	}
	return nil
}

// isolate sends parcels, in ever smaller requests while some fail, until those that
// fail are alone.
func (s sender[T]) isolate(ctx context.Context, parcels []parcel[T]) error {
	largest, suspected := 0, false
	for round, groups := 1, [][]parcel[T]{parcels}; len(groups) > 0; round++ {
		patience := s.health.Patience()
		failed, taken := s.sideBySide(ctx, groups, patience)
		largest = max(largest, taken)
		inquiry := s.inquire()
		if len(groups) > 1 && len(failed) == len(groups) && largest == 0 {
			answers := each(failed, func(f unsent[T]) error { return f.err })
			if inquiry.nothingIsTaken(ctx, failed[0].items(), answers) {
				return answers[0]
			}
		}
		groups = nil
		for _, f := range failed {
			if v, err := inquiry.about(ctx, f.err, f.items(), needsProbe(f.err)); v == upstreamFails {
				return err
			}
			switch {
			case late(f.err) && s.health.Patience() >= 2*patience:
				groups = append(groups, f.parcels) // the target is slow with all of them: it is waited for longer
			case len(f.parcels) > 1:
				groups = append(groups, slices.Collect(slices.Chunk(f.parcels, partOf(len(f.parcels), late(f.err))))...)
			default:
				suspected = true
				s.suspect(f.parcels[0].item, f.err)
			}
		}
		if round == 1 && len(groups) > 0 {
			s.Log.Warn("push failed although Channel Program works, sending its records in smaller requests",
				zap.String(v1.LogKind, string(s.kind)), zap.Int(v1.LogCount, len(parcels)), zap.Error(failed[0].err))
		}
	}
	if !suspected && largest > 0 && largest < len(parcels) {
		s.health.tooLarge(s.kind, largest)
	}
	return nil
}

// partOf is how many of n records each of the next requests carries. Where each round of
// them takes as long as the patience does, there are fewer rounds.
func partOf(n int, late bool) int {
	if late && n <= 4*spread {
		return 1
	}
	return (n + spread - 1) / spread
}

// suspect notes that a record failed alone while the upstream worked, or resolves it if
// the answer was the target's own word on its data.
func (b *batch) suspect(it *item, err error) {
	if e, ok := errors.AsType[*channelprogram.Error](err); ok && e.Kind == channelprogram.KindRejected {
		it.rejected(e)
		return
	}
	it.suspected = true
	b.suspects.add(b.kind, it.due.ID)
	b.Log.Warn("push of one record failed although Channel Program works, sending it apart from now on",
		zap.String(v1.LogKind, string(b.kind)), zap.Int64(v1.LogRecord, it.due.ID), zap.Error(err), tracing.IDs(b.trail.of(it.due.ID)))
}

// confirm sends suspects, each alone, and blames those that fail while the upstream works.
//
// An attempt is counted only for a record that fails alone (several times in about four
// seconds, or once until it was given up after the longest wait), with the handshake answered and a stored record taken
// before each of these requests and after it, and only if the upstream was not seen to
// fail for a while. So an outage that lasts is never counted: the question before or the
// one after falls into it, wherever it begins or ends. One that comes and goes would have
// to do so for each of these requests, between two questions that are milliseconds apart,
// and to hit nothing else in half a minute; and a record comes here only after it failed
// alone among others in the same way. Whatever cannot be decided is left suspected, and
// is sent again a little later.
func (s sender[T]) confirm(ctx context.Context, parcels []parcel[T]) error {
	open := make([][]parcel[T], len(parcels))
	all := make([]*item, len(parcels))
	for i := range parcels {
		open[i], all[i] = parcels[i:i+1], parcels[i].item
	}
	before, err := s.inquire().about(ctx, nil, all, true)
	if before == upstreamFails {
		return err
	}
	worked := before == upstreamWorks // as of the last question
	for round, backoff := 1, confirmBackoff; len(open) > 0; round++ {
		if round > 1 {
			if err := lifecycle.Sleep(ctx, backoff); err != nil {
				return err
			}
			backoff *= 2
		}
		failed, _ := s.sideBySide(ctx, open, channelprogram.Timeout)
		open = nil
		inquiry, works := s.inquire(), true
		for _, f := range failed {
			after, err := inquiry.about(ctx, f.err, f.items(), true)
			if after == upstreamFails {
				return err
			}
			works = works && after == upstreamWorks
			it := f.parcels[0].item
			e, typed := errors.AsType[*channelprogram.Error](f.err)
			switch {
			case typed && e.Kind == channelprogram.KindRejected:
				it.rejected(e)
			case !worked || after != upstreamWorks || !s.health.calm(): // left suspected
			case !late(f.err) && round < confirmations:
				open = append(open, f.parcels)
			default:
				it.fail(CodeTargetFailed, s.blame(it, f.err), false)
				it.entry.Fingerprint = "" // what the target has stored of it is not known
			}
		}
		worked = works
	}
	return nil
}

// sideBySide sends groups of parcels, a request each and some at a time, and returns
// once all are answered: those that failed, and how many records the largest one had
// that did not.
func (s sender[T]) sideBySide(ctx context.Context, groups [][]parcel[T], patience time.Duration) (failed []unsent[T], largest int) {
	answers := make([][]unsent[T], len(groups))
	var g errgroup.Group
	g.SetLimit(spread)
	for i, group := range groups {
		g.Go(func() error {
			err := panics.Try(func() error {
				answers[i] = s.send(ctx, group, patience)
				return nil
			})
			if err != nil {
				answers[i] = []unsent[T]{{group, err}}
			}
			return nil
		})
	}
	_ = g.Wait() // each tells its own failure
	for i, group := range groups {
		failed = append(failed, answers[i]...)
		if len(answers[i]) == 0 || len(answers[i][0].parcels) < len(group) {
			largest = max(largest, len(group))
		}
	}
	return failed, largest
}

// send makes one request and resolves the records that it answers for.
func (s sender[T]) send(ctx context.Context, group []parcel[T], patience time.Duration) []unsent[T] {
	within, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %s", patience.Round(time.Second)))
	defer cancel()
	within, span := s.trail.beginPush(within, each(group, func(p parcel[T]) int64 { return p.due.ID }))
	defer span.End()
	began := time.Now()
	var results []channelprogram.ItemResult
	var err error
	if len(group) == 1 {
		var res channelprogram.ItemResult
		if res, err = s.to.put(within, group[0].out.ExternalID, group[0].out.Data); err == nil || res.Outcome != "" {
			results, err = []channelprogram.ItemResult{res}, nil
		}
	} else {
		results, err = s.to.upsert(within, each(group, func(p parcel[T]) channelprogram.Item[T] { return p.out }))
	}
	if err != nil {
		tracing.Fail(span, upstream.FailureOf(err, s.Now()).Code)
		return []unsent[T]{{group, err}}
	}
	var failed []unsent[T]
	var taken []int64
	for i, res := range results {
		if err := s.answered(within, group[i], res); err != nil {
			failed = append(failed, unsent[T]{group[i : i+1], err})
		} else {
			taken = append(taken, group[i].due.ID)
		}
	}
	s.health.stored1(s.kind, taken, time.Since(began))
	return failed
}

// answered turns the target's answer for one record into its outcome. The error says
// that the record was not taken, and may be by another request.
func (s sender[T]) answered(ctx context.Context, p parcel[T], res channelprogram.ItemResult) error {
	if e, ok := errors.AsType[*channelprogram.Error](res.Err()); ok {
		if e.Kind != channelprogram.KindRejected {
			return e
		}
		p.rejected(e)
		return nil
	}
	it := p.item
	s.trail.of(it.due.ID).SetAttributes(tracing.Answer.String(string(res.Outcome)))
	source := s.to.source(&p.out.Data)
	if res.Outcome == channelprogram.OutcomeStale {
		held, err := s.to.read(ctx, p.out.ExternalID)
		if err != nil {
			return fmt.Errorf("read what Channel Program holds, which is newer: %w", err)
		}
		at := s.to.source(&held).ObservedAt
		if err := s.recover(it, held, at); err != nil {
			return err
		}
		it.stale(at)
		return nil
	}
	it.pushed = true
	current := it.entry.Current()
	content := p.out.Data
	*s.to.source(&content) = channelprogram.Source{}
	if err := it.remember(content, it.fingerprint, source.ObservedAt); err != nil {
		return err
	}
	it.entry.Archived = it.archived != ""
	if res.TargetURL != nil {
		it.entry.TargetURL = *res.TargetURL
	}
	it.drift = it.force() && !it.goneBack && res.Outcome == channelprogram.OutcomeUpdated && it.before.Fingerprint == it.fingerprint
	if it.drift {
		it.driftFields = res.ChangedFields
	}
	if err := s.noteRepair(it, content); err != nil {
		return err
	}
	if res.Outcome == channelprogram.OutcomeUnchanged {
		it.entry.RevertLeft(s.ConnectedAt, s.Now())
		if current == nil || it.elsewhere || !sameContent(current.Sent, it.entry.Projection) {
			s.addVersion(it, current, res.Outcome)
		}
		it.resolve(v1.OutcomeUnchanged)
		return nil
	}
	s.addVersion(it, current, res.Outcome)
	it.entry.PushedAt = s.Now()
	it.resolve(v1.OutcomePushed)
	return nil
}
