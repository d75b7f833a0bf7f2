package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"channelsync/sync/fetch"

	"go.uber.org/zap"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/clip"
	"channelsync/internal/panics"
	"channelsync/internal/tracing"
	"channelsync/sync/condition"
	"channelsync/sync/deadletter"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

// maxAttempts failures of a record within about twelve hours make it a dead letter.
const maxAttempts = 8

// retryAfter is the wait after each failure; together they make just under 12 hours.
var retryAfter = [maxAttempts - 1]time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, 45 * time.Minute, 90 * time.Minute, 3 * time.Hour, 6 * time.Hour,
}

// leastWait is how soon a retry may be due, so that none is made in a loop.
const leastWait = time.Second

// batch is the work on some records of one kind: fetched and decided together.
type batch struct {
	*Reconciler
	in    *installation.Installation
	kind  v1.Kind
	began time.Time // when the re-fetch began
	items []*item
	apart bool   // they are suspects: each is sent alone
	trail *trail // their spans
	names condition.Names
}

// item is one record on its way.
type item struct {
	due     events.DueEntry
	entry   *ledger.Entry // what is remembered; changed as the work goes on
	before  ledger.Entry
	outcome v1.Outcome // empty while undecided
	pushed  bool
	again   bool // enqueue it once more: what we sent was older than what the target holds
	drift   bool // the target had been edited: a forced push changed it
	// driftFields are what it changed.
	driftFields     []string
	theirs          json.RawMessage // what the target held before, where it was read
	elsewhere       bool            // what is remembered as sent was sent to another account: nothing is known of this one
	goneBack        bool            // the target holds an older version of ours, as after a restore there
	heldKnown       bool            // the target was asked what it holds, and it is remembered
	overEdit        []v1.DriftField // what of that was edited since it was pushed, and is pushed over
	edited          bool            // somebody edited it at the target, and nothing is pushed over it
	failure         *failure
	suspected       bool // it failed alone, or was not answered, while the upstream worked: it is worked on apart, and not decided here
	pendingApproval bool // it would leave with too many others: nothing is done until somebody says so

	decision condition.Decision
	// What the record should be at the target; one of client and contract, or neither.
	client      *channelprogram.ClientInput
	contract    *channelprogram.ContractInput
	fingerprint string
	sources     any
	modified    time.Time // the record's own stamp, for the target to show
	archived    string    // the reason it is sent as archived for
	reasons     []string  // why an archived one is out of scope
	detail      string
}

// failure is what is wrong with one record.
type failure struct {
	code   string
	detail string
	final  bool // no retry helps: only another change of the record
}

func (r *Reconciler) newBatch(ctx context.Context, in *installation.Installation, kind v1.Kind, due []events.DueEntry) (*batch, error) {
	b := &batch{Reconciler: r, in: in, kind: kind, began: r.Now()}
	entries, err := r.Ledger.Read(ctx, in.ID, kind, idsOf(due))
	if err != nil {
		return nil, err
	}
	for _, d := range due {
		it := &item{due: d, entry: entries[d.ID]}
		if it.entry == nil {
			it.entry = &ledger.Entry{Kind: kind, ID: d.ID}
		}
		if it.elsewhere = it.entry.SentElsewhere(r.ConnectedAt); it.elsewhere {
			it.entry.Fingerprint = ""
			it.entry.ResolveDrift(ledger.DriftLeft, r.ConnectedAt)
		}
		it.before = *it.entry
		if it.entry.ChangedAt.Before(d.StoredAt) {
			it.entry.ChangedAt = d.StoredAt
		}
		b.items = append(b.items, it)
	}
	return b, nil
}

func idsOf(due []events.DueEntry) []int64 {
	return each(due, func(d events.DueEntry) int64 { return d.ID })
}

// each makes a list of what of makes of each.
func each[T, U any](list []T, of func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = of(v)
	}
	return out
}

// open returns the items that are to be decided yet.
func (b *batch) open() []*item {
	return slices.DeleteFunc(slices.Clone(b.items), func(it *item) bool { return it.outcome != "" || it.suspected })
}

func (it *item) fail(code, detail string, final bool) {
	it.failure = &failure{code, clip.Text(detail, maxDetail), final}
	it.outcome = v1.OutcomeRetrying
}

// notPushable says which field keeps a record from being sent: only an edit of it helps.
func (it *item) notPushable(err error) {
	it.fail("not_pushable", unsendable(it.named(), err), true)
}

func (it *item) notMet(reasons []string, detail string) {
	it.outcome = v1.OutcomeNotMet
	it.entry.Reasons, it.entry.Detail, it.entry.InScope = reasons, detail, false
}

// force says whether the fingerprint is to be ignored: a resync, a sweep or a forced replay.
func (it *item) force() bool { return it.due.Force }

// observedAt is the ordering guard: never earlier than the last one we sent,
// so that a clock that steps back cannot make a push stale for ever.
func (b *batch) observedAt(it *item) time.Time {
	at := b.began.UTC().Truncate(time.Millisecond)
	if last := it.entry.ObservedAt.UTC(); !at.After(last) {
		at = last.Truncate(time.Millisecond).Add(time.Millisecond)
	}
	return at
}

// commit makes every decided item durable, in the order that a crash can only
// repeat work: dependents, schedules and dead letters, then the ledger. The
// caller acknowledges the entries afterwards.
func (b *batch) commit(ctx context.Context, dependents []events.Change) error {
	done := slices.DeleteFunc(slices.Clone(b.items), func(it *item) bool { return it.outcome == "" })
	// Each of these takes its own time, so what is asked here is only whether to begin.
	if err := b.whileOwned(ctx, func(context.Context) error { return nil }); err != nil {
		return err
	}
	if err := b.failures(ctx, done); err != nil {
		return err
	}
	if len(dependents) > 0 {
		if err := b.Journal.PublishAll(ctx, dependents); err != nil {
			return fmt.Errorf("publish dependents: %w", err)
		}
	}
	now := b.Now()
	entries := make([]*ledger.Entry, 0, len(done))
	var again []events.DueEntry
	for _, it := range done {
		b.finish(it, now)
		entries = append(entries, it.entry)
		if it.again {
			d := it.due
			d.Job = "" // it counts for its job now
			again = append(again, d)
		}
	}
	if err := b.remembered(ctx, entries); err != nil {
		return err
	}
	if len(again) > 0 {
		// Acknowledged by sequence, so an entry written now survives the acknowledgement of the one just read.
		if err := b.Worklist.Enqueue(ctx, again); err != nil {
			return fmt.Errorf("enqueue again: %w", err)
		}
	}
	for _, it := range done {
		if err := panics.Try(func() error { b.report(it, now); return nil }); err != nil {
			// The record is committed: whoever counts it must not make a failure of it.
			b.Log.Error("report a reconcile panicked, the record stays committed",
				zap.String(v1.LogKind, string(b.kind)), zap.Int64(v1.LogRecord, it.entry.ID), zap.Error(err), panics.Stack(err))
		}
	}
	return nil
}

// remembered writes entries to the ledger.
func (b *batch) remembered(ctx context.Context, entries []*ledger.Entry) error {
	return b.whileOwned(ctx, func(ctx context.Context) error {
		err := b.Ledger.Write(ctx, b.in.ID, entries)
		refused, partly := errors.AsType[*ledger.RefusedError](err)
		if !partly {
			return err
		}
		for _, e := range refused.Entries {
			if err := b.unkept(ctx, e.ID, err); err != nil {
				return err
			}
		}
		return nil
	})
}

// unkept makes a dead letter of a record of which the event store takes no entry in any form: trying it
// again would only be refused again.
func (b *batch) unkept(ctx context.Context, id int64, cause error) error {
	b.Log.Error("entry of a record not stored, it is a dead letter",
		zap.String(v1.LogKind, string(b.kind)), zap.Int64(v1.LogRecord, id), zap.Error(cause))
	return b.keepDead(ctx, b.in.ID, v1.DeadLetter{
		Kind: string(b.kind), RecordID: strconv.FormatInt(id, 10), Code: CodeNotKept,
		Detail: fmt.Sprintf("The event store refuses the entry of %s %d: %v.", b.kind, id, cause),
	})
}

// failures counts attempts, schedules the next ones, keeps dead letters, and
// forgets both for records that went well.
func (b *batch) failures(ctx context.Context, done []*item) error {
	var later []events.DueEntry
	var well []int64
	waits := map[int64]time.Duration{}
	now := b.Now()
	for _, it := range done {
		e := it.entry
		if it.pendingApproval {
			continue // nothing is done with it, so what it waits for stays
		}
		if it.failure == nil {
			if e.Attempts > 0 {
				well = append(well, e.ID)
				if err := b.DeadLetters.Drop(ctx, b.in.ID, deadletter.RecordID(b.kind, e.ID)); err != nil {
					return err
				}
			}
			e.Attempts, e.FirstFailed, e.NextAttempt = 0, time.Time{}, time.Time{}
			continue
		}
		if it.revived() {
			e.Attempts, e.FirstFailed = 0, time.Time{} // a new series, not the end of the old one
			if err := b.DeadLetters.Drop(ctx, b.in.ID, deadletter.RecordID(b.kind, e.ID)); err != nil {
				return err
			}
		}
		extra := it.extra()
		if !extra {
			e.Attempts++
		}
		if e.FirstFailed.IsZero() {
			e.FirstFailed = now
		}
		e.Reasons, e.Detail = []string{it.failure.code}, it.failure.detail
		if !it.failure.final && e.Attempts < maxAttempts {
			waits[e.ID] = retryAfter[e.Attempts-1]
			if extra { // its schedule may have ended in the entry of this try, so it is made again
				waits[e.ID] = min(max(e.NextAttempt.Sub(now), leastWait), waits[e.ID])
			}
			e.NextAttempt = now.Add(waits[e.ID])
			later = append(later, it.retry())
			continue
		}
		it.outcome, e.NextAttempt = v1.OutcomeDead, time.Time{}
		err := b.DeadLetters.PutRecord(ctx, b.in.ID, v1.DeadLetter{
			ID: deadletter.RecordID(b.kind, e.ID), Kind: string(b.kind), RecordID: strconv.FormatInt(e.ID, 10), Code: it.failure.code,
			Detail: it.failure.detail, Attempts: e.Attempts, FirstAt: e.FirstFailed, LastAt: now,
		})
		if err != nil {
			return err
		}
	}
	if len(later) > 0 {
		if err := b.Scheduler.Schedule(ctx, later, func(d events.DueEntry) time.Duration { return waits[d.ID] }); err != nil {
			return fmt.Errorf("schedule retries: %w", err)
		}
	}
	if len(well) > 0 {
		if err := b.Scheduler.Unschedule(ctx, b.in.ID, b.kind, well); err != nil {
			return fmt.Errorf("cancel retries: %w", err)
		}
	}
	return nil
}

// revived says whether a record that was dead fails for what may pass by itself.
func (it *item) revived() bool { return it.before.Outcome == v1.OutcomeDead && !it.failure.final }

// extra says whether a try was none of the attempts that are spread over twelve
// hours: a burst of edits of a failing record must not use those up in seconds. What
// counts is the first failure, then each retry that was scheduled for it, and what an
// operator asked for. No clock is asked: the schedules are kept by another one.
func (it *item) extra() bool {
	return it.before.Outcome == v1.OutcomeRetrying && !it.failure.final && it.due.Trigger != v1.TriggerManual &&
		it.due.Attempt != it.before.Attempts
}

// retry is the entry of a later attempt. It counts for no job any more, and a bulk
// change that comes late says nothing of how fresh the live ones are.
func (it *item) retry() events.DueEntry {
	d := it.due
	d.Job = ""
	d.Attempt = it.entry.Attempts
	if d.Lane == events.LaneBulk {
		d.StoredAt = time.Time{}
	}
	return d
}

// finish writes the outcome and the steps of this reconcile into the entry.
func (b *batch) finish(it *item, now time.Time) {
	e := it.entry
	if it.pendingApproval {
		return
	}
	e.PendingApproval, e.Discarded, e.Leaving = false, false, time.Time{}
	e.Outcome, e.ReconciledAt = it.outcome, now
	e.TrimVersions(now)
	switch {
	case it.failure != nil:
		e.InScope = it.before.InScope // as of the last time that went well
	case it.outcome != v1.OutcomeNotMet && !it.edited:
		e.Reasons, e.Detail = nil, ""
	}
	if it.outcome == v1.OutcomeNotMet {
		e.ResolveDrift(ledger.DriftLeft, now) // nothing would be pushed over it any more
	}
	e.Found(&it.before, now)
	quiet := it.due.Lane == events.LaneBulk && !it.pushed && it.outcome == it.before.Outcome
	if quiet {
		return // a sweep that finds nothing must not push the history out of the timeline
	}
	traceID := tracing.TraceID(b.trail.of(it.due.ID))
	if !it.due.StoredAt.IsZero() {
		e.Step(v1.TimelineStep{At: it.due.StoredAt, Step: "changed", Trigger: it.due.Trigger, Detail: strings.Join(it.due.Fields, ", "), TraceID: traceID})
	}
	e.Step(v1.TimelineStep{At: b.began, Step: "fetched", Trigger: it.due.Trigger, TraceID: traceID})
	step := v1.TimelineStep{
		At: now, Step: "decided", Trigger: it.due.Trigger, Outcome: it.outcome, Detail: e.Detail, Millis: now.Sub(b.began).Milliseconds(), TraceID: traceID,
	}
	switch {
	case it.failure != nil:
		step.Step = "failed"
	case it.drift:
		step.Step, step.Detail = "pushed", strings.TrimSpace("edited at the target: "+strings.Join(it.driftFields, ", "))
	case it.edited:
		step.Step = "held"
	case it.pushed:
		step.Step = "pushed"
	}
	e.Step(step)
}

func (b *batch) report(it *item, now time.Time) {
	var took time.Duration
	if it.due.Lane == events.LaneLive && !it.due.StoredAt.IsZero() && it.failure == nil && it.outcome != v1.OutcomeWaiting {
		took = max(0, now.Sub(it.due.StoredAt))
		b.Freshness.Add(now, took)
		if it.pushed {
			b.Freshness.Pushed(now, took)
		}
	}
	b.trail.decided(it)
	e := it.entry
	if b.Done != nil {
		b.Done(Result{
			Kind: b.kind, ID: e.ID, Name: e.Name, Outcome: it.outcome, Reasons: e.Reasons, Trigger: it.due.Trigger, Job: it.due.Job, Pushed: it.pushed, Drift: it.drift, DriftFields: it.driftFields, At: now, Took: took,
		})
	}
	log := b.Log.Info
	if it.failure != nil {
		log = b.Log.Warn
	} else if it.due.Lane == events.LaneBulk {
		log = b.Log.Debug
	}
	log("reconciled", zap.String(v1.LogKind, string(b.kind)), zap.Int64(v1.LogRecord, e.ID), zap.String(v1.LogOutcome, string(it.outcome)),
		zap.Strings(v1.LogReasons, e.Reasons), zap.String(v1.LogTrigger, string(it.due.Trigger)), zap.Int(v1.LogAttempt, e.Attempts),
		zap.Uint64(v1.LogSequence, it.due.JournalSequence), zap.Int(v1.LogPlace, it.due.JournalPlace), zap.String(v1.LogJob, it.due.Job), zap.Bool("pushed", it.pushed), zap.Duration(v1.LogDuration, now.Sub(b.began)),
		tracing.IDs(b.trail.of(e.ID)))
}

// remember keeps what was pushed.
func (it *item) remember(projection any, fingerprint string, at time.Time) error {
	raw, err := withoutSource(projection)
	if err != nil {
		return fmt.Errorf("encode projection: %w", err)
	}
	if err := it.explain(); err != nil {
		return err
	}
	e := it.entry
	e.Projection, e.Fingerprint, e.ObservedAt, e.Sending = raw, fingerprint, at, nil
	return nil
}

// unreadable fails a record whose rows cannot be read, or has it asked for apart if
// nothing came of them in time.
func (b *batch) unreadable(it *item, code string, err error) {
	if _, late := errors.AsType[fetch.NotInTime](err); !late {
		it.fail(code, unreadText(it.named(), err, b.Now()), false)
		return
	}
	it.outcome, it.failure, it.suspected = "", nil, true
	b.suspects.add(b.kind, it.due.ID)
	b.Log.Warn("no answer for one record although Autotask works, asking for it apart from now on",
		zap.String(v1.LogKind, string(b.kind)), zap.Int64(v1.LogRecord, it.due.ID), zap.Error(err), tracing.IDs(b.trail.of(it.due.ID)))
}
