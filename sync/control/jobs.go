package control

import (
	"context"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/job"
)

const (
	jobLook = 250 * time.Millisecond // how often a job at work is looked at
	jobIdle = 30 * time.Second
)

// newJob starts a job of an installation.
func (m *Manager) newJob(ctx context.Context, id, jobType string, kinds []v1.Kind, force bool) (string, error) {
	j := job.Job{Job: v1.Job{ID: ulid.Make().String(), Type: jobType}, Installation: id, Kinds: kinds, Force: force}
	if err := m.Jobs.Start(ctx, j); err != nil {
		return "", err
	}
	if rt := m.runtime(id); rt != nil {
		poke(rt.newJob)
	}
	return j.ID, nil
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
	for ctx.Err() == nil {
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-rt.newJob:
		case <-t.C:
		}
		t.Stop()
		wait = jobIdle
		if rt.paused() {
			continue
		}
		running := rt.m.Jobs.Running(rt.id)
		if len(running) == 0 {
			rt.failed(ctx, "sweep", rt.sweepIfDue(ctx))
			running = rt.m.Jobs.Running(rt.id)
		}
		if len(running) > 0 {
			rt.failed(ctx, "jobs", rt.work(ctx, running[0]))
			wait = jobLook
		}
	}
}

// work lists what a job has still to list, and ends it when all of it is settled.
func (rt *runtime) work(ctx context.Context, j job.Job) error {
	if !j.Listed && rt.tried.Load() { // webhooks first: nothing may change between the listing and the first callback
		if err := rt.list(ctx, j); err != nil {
			return err
		}
		rt.issues.clearSide("jobs")
	}
	if err := rt.m.Jobs.Flush(ctx, rt.id); err != nil {
		return err
	}
	j, ok := rt.m.Jobs.Get(rt.id, j.ID)
	if !ok || !j.Listed {
		return nil
	}
	settled, err := rt.nothingLeft(ctx)
	if err != nil || !settled && j.Done < j.Total {
		return err
	}
	rt.log.Info("job done", zap.String(v1.LogJob, j.ID), zap.String("type", j.Type), zap.Int(v1.LogCount, j.Total))
	return rt.m.Jobs.Finish(ctx, j.ID, v1.JobDone, "")
}

// nothingLeft says whether every bulk mark is settled and the dispatcher has
// carried all changes to the worklist.
func (rt *runtime) nothingLeft(ctx context.Context) (bool, error) {
	lag, err := rt.m.Bus.Journal().Undispatched(ctx)
	if err != nil || lag > 0 {
		return false, err
	}
	d, err := rt.m.Bus.Worklist().Depth(ctx, rt.id)
	return err == nil && d.Bulk == 0, err
}

func (rt *runtime) list(ctx context.Context, j job.Job) error {
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
			return rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) {
				j.Cursor[kind] = ids[len(ids)-1]
				j.Total += len(ids)
			})
		})
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
	}
	return rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) { j.Listed = true })
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
	if rt.m.Now().Sub(last) < rt.m.Intervals.Sweep {
		return nil
	}
	if _, err := rt.m.newJob(ctx, rt.id, job.TypeSweep, kindsOf(in.InstalledSyncs()), true); err != nil {
		return err
	}
	return rt.m.changeCursors(ctx, rt.id, rt.m.Now())
}
