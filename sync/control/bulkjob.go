package control

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/job"
)

// bulk does what a bulk job still has to: its filter is evaluated now, and compared with what somebody said yes to.
// After a restart it goes on behind its cursor; what is enqueued or dropped twice by that is so once.
func (rt *runtime) bulk(ctx context.Context, j job.Job) error {
	if j.Bulk == nil {
		return rt.m.Jobs.Finish(ctx, j.ID, v1.JobFailed, "the job does not say what was asked for")
	}
	if j.Bulk.Action == v1.ActionReconcile {
		return rt.bulkReconcile(ctx, j)
	}
	return rt.bulkDead(ctx, j)
}

// bulkReconcile enqueues the records of a filter in the bulk lane.
func (rt *runtime) bulkReconcile(ctx context.Context, j job.Job) error {
	query, err := rt.bulkQuery(ctx, j)
	if err != nil {
		return err
	}
	ids, err := rt.m.Ledger.Select(ctx, rt.id, query)
	if err != nil {
		return err
	}
	found := 0
	for _, kind := range recordKinds {
		if last, begun := j.Cursor[kind]; begun {
			ids[kind] = slices.DeleteFunc(ids[kind], func(id int64) bool { return id <= last })
		}
		found += len(ids[kind])
	}
	if ended, err := rt.bulkBegins(ctx, j, found); ended || err != nil {
		return err
	}
	for _, kind := range recordKinds {
		for part := range slices.Chunk(ids[kind], events.PeekMax) {
			if rt.m.cancelled(j.ID) {
				return nil
			}
			if err := rt.enqueueBulk(ctx, j, kind, part); err != nil {
				return err
			}
			if err := rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) {
				j.Cursor[kind] = part[len(part)-1]
				j.Total += len(part)
			}); err != nil {
				return err
			}
		}
	}
	return rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) { j.Listed = true })
}

// bulkQuery is the filter of a job, with the text that was searched for.
func (rt *runtime) bulkQuery(ctx context.Context, j job.Job) (v1.RecordQuery, error) {
	filter := j.Bulk.Filter
	if len(j.Search) > 0 {
		ring, err := rt.m.Vault.Ring(ctx, rt.id)
		if err != nil {
			return v1.RecordQuery{}, fmt.Errorf("open what was searched for: %w", err)
		}
		text, err := ring.Open(searchPlace(rt.id), j.Search)
		if err != nil {
			return v1.RecordQuery{}, fmt.Errorf("open what was searched for: %w", err)
		}
		filter.Q = string(text)
	}
	return filter.Query(), nil
}

// bulkBegins compares what a filter finds with what was confirmed, once; a job that would do something else ends.
func (rt *runtime) bulkBegins(ctx context.Context, j job.Job, found int) (ended bool, err error) {
	if j.Begun {
		return false, nil
	}
	if v1.Moved(j.Bulk.Action, found, j.Bulk.Expect) {
		return true, rt.m.Jobs.Finish(ctx, j.ID, v1.JobFailed,
			fmt.Sprintf("when it began, the filter found %d, not %d: nothing was done; confirm again", found, j.Bulk.Expect))
	}
	return false, rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) { j.Begun = true })
}

func (rt *runtime) enqueueBulk(ctx context.Context, j job.Job, kind v1.Kind, ids []int64) error {
	entries := make([]events.DueEntry, len(ids))
	for i, id := range ids {
		entries[i] = events.DueEntry{
			Installation: rt.id, Kind: kind, ID: id, Lane: events.LaneBulk, Trigger: v1.TriggerManual, EventTime: rt.m.Now(), Job: j.ID, By: j.By,
		}
	}
	if err := rt.m.Bus.Worklist().Enqueue(ctx, entries); err != nil {
		return fmt.Errorf("enqueue records of a bulk job: %w", err)
	}
	return nil
}

// bulkDead requeues or dismisses the dead letters of a job, a page at a time.
func (rt *runtime) bulkDead(ctx context.Context, j job.Job) error {
	if !j.Begun {
		found := 0
		err := rt.m.eachDead(ctx, rt.id, "", func(page []v1.DeadLetter, _ string) error {
			fit, _, _ := askedFor(page, *j.Bulk)
			found += len(fit)
			return nil
		})
		if err != nil {
			return err
		}
		if ended, err := rt.bulkBegins(ctx, j, found); ended || err != nil {
			return err
		}
	}
	err := rt.m.eachDead(ctx, rt.id, j.DeadCursor, func(page []v1.DeadLetter, next string) error {
		if rt.m.cancelled(j.ID) {
			return errCancelled
		}
		fit, left, _ := askedFor(page, *j.Bulk)
		if err := rt.bulkPage(ctx, j, fit); err != nil {
			return err
		}
		return rt.m.Jobs.Change(ctx, j.ID, func(j *job.Job) {
			j.DeadCursor, j.Listed = next, next == ""
			j.Total += len(fit)
			j.Skipped += left
			if j.Bulk.Action == v1.ActionDismiss {
				j.Done += len(fit)
			}
			if j.Skipped > 0 {
				j.Detail = plural(j.Skipped, "callback") + " left as they were: what could not be read cannot be tried again"
			}
		})
	})
	if errors.Is(err, errCancelled) {
		return nil
	}
	return err
}

// bulkPage requeues or dismisses dead letters. They are enqueued before they are dropped: in between, a crash loses nothing.
func (rt *runtime) bulkPage(ctx context.Context, j job.Job, dead []v1.DeadLetter) error {
	if j.Bulk.Action == v1.ActionRequeue {
		byKind := map[v1.Kind][]int64{}
		for _, d := range dead {
			rec, _ := recordOf(d) // possible has looked
			byKind[v1.Kind(d.Kind)] = append(byKind[v1.Kind(d.Kind)], rec)
		}
		for kind, ids := range byKind {
			if err := rt.enqueueBulk(ctx, j, kind, ids); err != nil {
				return err
			}
		}
	}
	for _, d := range dead {
		if err := rt.m.DeadLetters.DropRead(ctx, rt.id, d); err != nil {
			return err
		}
	}
	return nil
}
