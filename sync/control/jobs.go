package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"channelsync/internal/lifecycle"
	"channelsync/sync/reconcile"
	"channelsync/sync/slots"
	"channelsync/sync/upstream"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
	"channelsync/sync/installation"
	"channelsync/sync/job"
)

const (
	jobEvery = 250 * time.Millisecond // how often a job at work is looked at
	// jobEveryMax is how often at the least: one that does not move, since others are at work
	// or a side is away, is left alone for twice as long each time.
	jobEveryMax = 5 * time.Second
	jobIdle     = 30 * time.Second
	// jobRetry is how soon a step that failed is tried again, unless the vendor says when.
	jobRetry = 5 * time.Second
)

// Job returns one of an installation's jobs.
func (m *Manager) Job(ctx context.Context, id, jobID string) (v1.Job, error) {
	if _, err := m.get(id); err != nil {
		return v1.Job{}, err
	}
	j, ok := m.Jobs.Get(id, jobID)
	if !m.holds(id) {
		var err error
		if j, ok, err = m.Jobs.Stored(ctx, id, jobID); err != nil {
			return v1.Job{}, err
		}
	}
	if !ok {
		return v1.Job{}, v1.NotFound("there is no job " + jobID)
	}
	return shown(j), nil
}

// JobList returns the running jobs of an installation and the last that ended,
// newest first.
func (m *Manager) JobList(_ context.Context, id string) ([]v1.Job, error) {
	if _, err := m.get(id); err != nil {
		return nil, err
	}
	out := []v1.Job{}
	for _, j := range m.Jobs.List(id) {
		out = append(out, shown(j))
	}
	return out, nil
}

// shown is a job as the admin API shows it, with what it was asked for.
func shown(j job.Job) v1.Job {
	out := j.Job
	out.Kinds = j.Kinds
	if j.Type == job.TypeReplay {
		out.Replay = &j.Replay
	}
	return out
}

// Resync goes through everything whatever was pushed last.
func (m *Manager) Resync(ctx context.Context, id string, req v1.ResyncRequest) (v1.JobRef, error) {
	in, err := m.mine(id)
	if err != nil {
		return v1.JobRef{}, err
	}
	if _, err := m.atWork(in); err != nil {
		return v1.JobRef{}, err
	}
	kinds := kindsOf(in.InstalledSyncs())
	if len(req.Kinds) > 0 {
		kinds = slices.DeleteFunc(kinds, func(k v1.Kind) bool { return !slices.Contains(req.Kinds, k) })
	}
	return m.startJob(ctx, job.Job{Job: v1.Job{Type: job.TypeResync, DryRun: req.DryRun}, Installation: id, Kinds: kinds, Force: true, By: v1.AskerOf(ctx)}, m.Jobs.Ask)
}

// Replay reads stored changes again.
func (m *Manager) Replay(ctx context.Context, id string, req v1.ReplayRequest) (v1.JobRef, error) {
	in, err := m.mine(id)
	if err != nil {
		return v1.JobRef{}, err
	}
	if _, err := m.atWork(in); err != nil {
		return v1.JobRef{}, err
	}
	return m.startJob(ctx, job.Job{Job: v1.Job{Type: job.TypeReplay, DryRun: req.DryRun}, Installation: id, Force: req.Force, Replay: req, By: v1.AskerOf(ctx)}, m.Jobs.Ask)
}

func (m *Manager) startJob(ctx context.Context, j job.Job, start func(context.Context, job.Job) (string, error)) (v1.JobRef, error) {
	j.ID = ulid.Make().String()
	id, err := start(ctx, j)
	if busy, is := errors.AsType[*job.Busy](err); is {
		return v1.JobRef{}, refused(busy)
	}
	if err != nil {
		return v1.JobRef{}, err
	}
	if rt := m.runtime(j.Installation); rt != nil {
		notify(rt.newJob)
	}
	return v1.JobRef{Job: id}, nil
}

// refused is the 409 of a job that was asked for while others are not done.
func refused(busy *job.Busy) *v1.Problem {
	of := "the " + busy.AtWork.Type + " " + busy.AtWork.ID
	p := v1.Conflict("This would be the same as "+of+", which is running.", "Wait until it is done, or cancel it first.")
	if !busy.Same {
		p = v1.Conflict("Too many jobs wait already; "+of+" is running.", "Wait until some of them are done, or cancel them.")
	}
	p.Job = busy.AtWork.ID
	return p
}

// CancelJob ends a job: what it has enqueued and nobody worked on yet is dropped.
func (m *Manager) CancelJob(ctx context.Context, id, jobID string) error {
	if _, err := m.mine(id); err != nil {
		return err
	}
	j, err := m.Job(ctx, id, jobID)
	if err != nil {
		return err
	}
	if j.State != v1.JobRunning {
		return v1.Conflict("the job has ended already", "Nothing needs to be done.")
	}
	return m.Jobs.Finish(ctx, jobID, v1.JobCancelled, "cancelled by an operator")
}

// cancelled says whether somebody ended a job.
func (m *Manager) cancelled(id string) bool { return m.Jobs.State(id) == v1.JobCancelled }

// newJob starts a job of an installation.
func (m *Manager) newJob(ctx context.Context, id string, p installation.PendingJob) (string, error) {
	ref, err := m.startJob(ctx, job.Job{Job: v1.Job{Type: p.Type}, Installation: id, Kinds: p.Kinds, Force: p.Force, By: p.By}, m.Jobs.Queue)
	return ref.Job, err
}

// startPending starts the jobs that are pending for an installation, where it runs. Each is
// struck off by what it is, not by its place: more may become pending meanwhile.
func (m *Manager) startPending(ctx context.Context, id string) error {
	leave, err := m.pending.Enter(ctx, id)
	if err != nil {
		return fmt.Errorf("start pending jobs: %w", err)
	}
	defer leave()
	for {
		in, err := m.get(id)
		if err != nil || len(in.PendingJobs) == 0 || !m.holds(id) {
			return err
		}
		next := in.PendingJobs[0]
		if _, err := m.newJob(ctx, id, next); err != nil {
			return fmt.Errorf("start %s: %w", next.Type, err)
		}
		_, err = m.Store.Change(ctx, id, func(now *installation.Installation) error {
			if i := slices.IndexFunc(now.PendingJobs, next.Equal); i >= 0 {
				now.PendingJobs = slices.Delete(now.PendingJobs, i, i+1)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// startPendingNow is startPending after a change of an installation that is stored. That it
// fails is no failure of the change: the jobs stay pending, and are started a moment later.
func (m *Manager) startPendingNow(ctx context.Context, id string) {
	if err := m.startPending(ctx, id); err != nil {
		m.Log.Warn("pending jobs not started, retrying in a moment", zap.String(v1.LogInstallation, id), zap.Error(err))
		if rt := m.runtime(id); rt != nil {
			notify(rt.newJob)
		}
	}
}

// kindsOf lists the kinds of records that syncs have.
func kindsOf(syncs []v1.Sync) []v1.Kind {
	var out []v1.Kind
	for _, s := range syncs {
		switch s {
		case v1.SyncActiveCustomers:
			out = append(out, v1.KindCompany)
		case v1.SyncActiveCustomerContracts:
			out = append(out, v1.KindContract)
		}
	}
	return out
}

// runJobs works on the running jobs, one after the other, and begins sweeps when they are due.
func (rt *runtime) runJobs(ctx context.Context) {
	wait := time.Duration(0)
	var last jobProgress
	pace := jobEvery
	for ctx.Err() == nil {
		progress.Of(ctx).Idle()
		if lifecycle.SleepUntil(ctx, wait, rt.newJob) != nil {
			return
		}
		wait = min(jobIdle, rt.m.Intervals.Sweep)
		if rt.paused() {
			continue
		}
		progress.Of(ctx).Busy(progress.Bulk)
		if err := panics.Try(func() error { return rt.m.startPending(ctx, rt.id) }); err != nil {
			rt.failed(ctx, "jobs", err)
			wait = retryIn(err, rt.m.Now())
		}
		running := rt.m.Jobs.Running(rt.id)
		if len(running) == 0 {
			rt.failed(ctx, "sweep", panics.Try(func() error { return rt.sweepIfDue(ctx) }))
			running = rt.m.Jobs.Running(rt.id)
		}
		if len(running) == 0 {
			rt.issues.ClearFrom("jobs")
			continue
		}
		now := progressOf(running[0])
		still := now == last
		if pace = min(2*pace, jobEveryMax); !still {
			pace = jobEvery
		}
		last, wait = now, pace
		if err := panics.Try(func() error { return rt.work(ctx, running[0], still) }); err != nil {
			rt.failed(ctx, "jobs", err)
			wait = retryIn(err, rt.m.Now())
		}
	}
}

// retryIn says how long to leave an upstream alone that failed: as long as it asks for, and
// no longer than it takes to see that a person repaired it.
func retryIn(err error, now time.Time) time.Duration {
	failed := upstream.FailureOf(err, now)
	return min(max(failed.At.Sub(now), jobRetry), jobIdle)
}

// jobProgress says whether a job has moved since the last observation.
type jobProgress struct {
	job    string
	done   int
	listed bool
}

func progressOf(j job.Job) jobProgress { return jobProgress{j.ID, j.Done, j.Listed} }

// work lists what a job has still to list, and ends it when all of it is done.
// Whether anything is left is asked only of one that stands still.
func (rt *runtime) work(ctx context.Context, j job.Job, still bool) error {
	if !j.Listed && rt.tried.Load() { // webhooks first: nothing may change between the listing and the first callback
		if err := rt.begin(ctx, j); err != nil {
			return err
		}
		rt.issues.ClearFrom("jobs")
	}
	if err := rt.m.Jobs.Flush(ctx, rt.id); err != nil {
		return err
	}
	j, ok := rt.m.Jobs.Get(rt.id, j.ID)
	if !ok || !j.Listed {
		return nil
	}
	if j.Done < j.Total {
		if !still {
			return nil
		}
		if done, err := rt.nothingLeft(ctx); err != nil || !done {
			return err
		}
	}
	rt.log.Info("job done", zap.String(v1.LogJob, j.ID), zap.String("type", j.Type), zap.Int(v1.LogCount, j.Total))
	if err := rt.m.Jobs.Finish(ctx, j.ID, v1.JobDone, j.Detail); err != nil {
		return err
	}
	notify(rt.pollNow) // what was changed meanwhile
	return nil
}

// nothingLeft says whether no bulk entry is due any more, those too whose records are sent
// apart, and the dispatcher has carried all changes to the worklist.
func (rt *runtime) nothingLeft(ctx context.Context) (bool, error) {
	lag, err := rt.m.Bus.Journal().Undispatched(ctx)
	if err != nil || lag > 0 {
		return false, err
	}
	d, err := rt.m.Bus.Worklist().Depth(ctx, rt.id)
	return err == nil && d.Bulk+d.Apart == 0, err
}

// begin does what a job of its type begins with.
func (rt *runtime) begin(ctx context.Context, j job.Job) error {
	leave, ok := rt.slot(ctx)
	if !ok {
		return ctx.Err()
	}
	defer func() { leave(0) }()
	switch {
	case j.Type == job.TypeReplay:
		return rt.replay(ctx, j)
	case j.Type == job.TypeBulk:
		return rt.bulk(ctx, j)
	case j.DryRun:
		ids, err := rt.listed(ctx, j)
		if err != nil {
			return err
		}
		return rt.dryRun(ctx, j, ids, "")
	default:
		return rt.list(ctx, j, func(records int) bool { // a page each
			leave(records)
			leave, ok = rt.slot(ctx)
			return ok
		})
	}
}

// slot waits for a slot to list in.
func (rt *runtime) slot(ctx context.Context) (leave func(records int), ok bool) {
	return rt.m.slots.Acquire(ctx, slots.Request{Installation: rt.id, Lane: events.LaneBulk, Lists: true})
}

var errCancelled = errors.New("the job was cancelled")

// list enqueues every record of the job's kinds, a page at a time; next releases the slot of
// one page and waits for the next one's.
func (rt *runtime) list(ctx context.Context, j job.Job, next func(records int) bool) error {
	ctx = autotask.WithBulk(ctx)
	for _, kind := range j.Kinds {
		if j.Cursor[kind] < 0 {
			continue
		}
		seen := map[int64]bool{}
		err := rt.watcher.List(ctx, j, kind, func(ids []int64) error {
			for _, id := range ids {
				seen[id] = true
			}
			if rt.m.cancelled(j.ID) {
				return errCancelled
			}
			if err := rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) {
				j.Cursor[kind] = ids[len(ids)-1]
				j.Total += len(ids)
			}); err != nil {
				return err
			}
			if !next(len(ids)) {
				return ctx.Err()
			}
			return nil
		})
		if errors.Is(err, errCancelled) {
			return nil
		}
		if err != nil {
			return err
		}
		if j.Type != job.TypeBackfill {
			n, err := rt.watcher.Remembered(ctx, j, kind, seen)
			if err != nil {
				return err
			}
			if err := rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) { j.Total += n }); err != nil {
				return err
			}
		}
		if err := rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) { j.Cursor[kind] = -1 }); err != nil {
			return err
		}
		j.Cursor[kind] = -1
	}
	return rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) { j.Listed = true })
}

// replay enqueues the records of stored changes once more, straight in the worklist: what
// is in the journal already need not be written to it again.
func (rt *runtime) replay(ctx context.Context, j job.Job) error {
	changes, ids, err := rt.replayed(ctx, j)
	if err != nil {
		return err
	}
	if err := rt.resolveContacts(ctx, ids); err != nil {
		return err
	}
	if j.DryRun {
		return rt.dryRun(ctx, j, ids, plural(changes, "change")+" of ")
	}
	total := 0
	for kind, list := range ids {
		total += len(list)
		for part := range slices.Chunk(list, events.PeekMax) {
			entries := make([]events.DueEntry, len(part))
			for i, id := range part {
				entries[i] = events.DueEntry{
					Installation: rt.id, Kind: kind, ID: id, Lane: events.LaneBulk, Trigger: v1.TriggerReplay, EventTime: rt.m.Now(), Job: j.ID, Force: j.Force, By: j.By,
				}
			}
			if err := rt.m.Bus.Worklist().Enqueue(ctx, entries); err != nil {
				return fmt.Errorf("enqueue replayed records: %w", err)
			}
		}
	}
	return rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) {
		j.Total, j.Listed = total, true
		j.Detail = plural(changes, "change") + " of " + plural(total, "record")
	})
}

// resolveContacts turns contacts into the companies that are known to read them.
func (rt *runtime) resolveContacts(ctx context.Context, ids map[v1.Kind][]int64) error {
	contacts := ids[v1.KindContact]
	delete(ids, v1.KindContact)
	readers, err := rt.m.Ledger.Readers(ctx, rt.id, contacts)
	if err != nil {
		return fmt.Errorf("look up companies of contacts: %w", err)
	}
	companies := ids[v1.KindCompany]
	for _, list := range readers {
		companies = append(companies, list...)
	}
	slices.Sort(companies)
	if len(companies) > 0 {
		ids[v1.KindCompany] = slices.Compact(companies)
	}
	return nil
}

// dryRun goes through the records of a job and counts what would be pushed. It
// pushes and marks nothing; one that was cut short begins anew.
func (rt *runtime) dryRun(ctx context.Context, j job.Job, ids map[v1.Kind][]int64, read string) error {
	in, err := rt.installation()
	if err != nil {
		return err
	}
	total := 0
	for _, list := range ids {
		total += len(list)
	}
	if err := rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) {
		j.Total, j.Done, j.Pushed, j.Unchanged, j.NotMet, j.Failed = total, 0, 0, 0, 0, 0
	}); err != nil {
		return err
	}
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
		err := rt.evaluate(ctx, in, kind, ids[kind], func(l reconcile.Preview) {
			o := v1.OutcomeUnchanged
			switch {
			case l.Failure != "":
				o = v1.OutcomeRetrying
			case l.WouldPush(j.Force):
				o = v1.OutcomePushed
			case !l.Decision.Met:
				o = v1.OutcomeNotMet
			}
			rt.m.Jobs.Count(j.ID, o, false)
		})
		if err != nil {
			return err
		}
	}
	return rt.m.Jobs.Finish(ctx, j.ID, v1.JobDone, "dry run: "+read+plural(total, "record")+"; nothing was pushed")
}

// listed are the ids that a resync goes through.
func (rt *runtime) listed(ctx context.Context, j job.Job) (map[v1.Kind][]int64, error) {
	out := map[v1.Kind][]int64{}
	for _, kind := range j.Kinds {
		ids, err := rt.watcher.ListIDs(autotask.WithBulk(ctx), kind)
		if err != nil {
			return nil, err
		}
		known, err := rt.m.Ledger.Ids(ctx, rt.id, kind)
		if err != nil {
			return nil, err
		}
		ids = append(ids, known...)
		slices.Sort(ids)
		out[kind] = slices.Compact(ids)
	}
	return out, nil
}

// replayed are the changes of the journal that a replay reads, one per record.
func (rt *runtime) replayed(ctx context.Context, j job.Job) (changes int, ids map[v1.Kind][]int64, err error) {
	ids = map[v1.Kind][]int64{}
	err = rt.m.Bus.Journal().Read(ctx, rt.bounds(j), func(c events.StoredChange) error {
		changes++
		ids[c.Kind] = append(ids[c.Kind], c.ID)
		return nil
	})
	for kind := range ids {
		slices.Sort(ids[kind])
		ids[kind] = slices.Compact(ids[kind])
	}
	return changes, ids, err
}

// bounds are what a replay was asked for.
func (rt *runtime) bounds(j job.Job) events.ReadFrom {
	from := events.ReadFrom{Installation: rt.id, FromSequence: j.Replay.FromSequence, Kind: j.Replay.Kind}
	if j.Replay.From != nil {
		from.FromTime = *j.Replay.From
	}
	if j.Replay.To != nil {
		from.ToTime = *j.Replay.To
	}
	if id, err := strconv.ParseInt(j.Replay.ID, 10, 64); err == nil {
		from.ID = id
	}
	return from
}

// plural says how many of something there are.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sweepIfDue begins a sweep once the interval has passed since the last full pass.
func (rt *runtime) sweepIfDue(ctx context.Context) error {
	in, err := rt.installation()
	if err != nil {
		return err
	}
	last := in.Cursors.Sweep
	if last.IsZero() {
		last = in.CreatedAt
	}
	if !isDue(rt.m.Now(), last, rt.m.Intervals.Sweep) {
		return nil
	}
	if err := rt.m.DeadLetters.Tidy(ctx, rt.id); err != nil {
		return err
	}
	if _, err := rt.m.newJob(ctx, rt.id, installation.PendingJob{Type: job.TypeSweep, Kinds: kindsOf(in.InstalledSyncs()), Force: true}); err != nil {
		return err
	}
	return rt.m.changeCursors(ctx, rt.id, rt.m.Now())
}

// isDue says whether an interval has passed. A last time in the future comes from a
// clock that was wrong: waiting for it could take years.
func isDue(now, last time.Time, interval time.Duration) bool {
	since := now.Sub(last)
	return since < 0 || since >= interval
}

func (m *Manager) changeCursors(ctx context.Context, id string, sweep time.Time) error {
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		in.Cursors.Sweep = sweep
		return nil
	})
	return err
}
