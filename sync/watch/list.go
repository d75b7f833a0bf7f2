package watch

import (
	"context"
	"fmt"
	"slices"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
)

// firstPage is how many records a pass lists first where many begin at once: so few
// that all have theirs soon, and each sees its first clients early.
const firstPage = 25

// idRow reads just ids.
type idRow struct {
	ID      int64 `at:"id"`
	Missing []string
}

// List writes a change for every record of a kind into the journal, a page at a
// time, beginning after the job's cursor; listed receives each page, so that a
// restart goes on where it ended. It costs one request per 500 records, and where
// others wait too one for the first few.
func (w *Watcher) List(ctx context.Context, j job.Job, kind v1.Kind, listed func(ids []int64) error) error {
	ctx = autotask.WithBulk(ctx)
	q := autotask.Query{From: j.Cursor[kind] + 1} // id 0, the MSP itself, needs no backfill: it never syncs
	if len(j.Cursor) == 0 && w.Crowded != nil && w.Crowded() {
		q.First = firstPage
	}
	err := autotask.Each(ctx, w.Autotask, entityOf(kind), q, func(rows autotask.Rows[idRow]) error {
		ids := idsOf(rows)
		if err := w.publishAs(ctx, changeOf(j, kind), ids); err != nil || len(ids) == 0 {
			return err
		}
		return listed(ids)
	})
	if err != nil {
		return fmt.Errorf("list %s records: %w", kind, err)
	}
	return nil
}

// idsOf are the ids of a page in order, with those of rows that cannot be read: their
// reconcile names what is wrong with them.
func idsOf(rows autotask.Rows[idRow]) []int64 {
	ids := make([]int64, 0, len(rows.Items)+len(rows.Bad))
	for _, row := range rows.Items {
		ids = append(ids, row.ID)
	}
	for _, bad := range rows.Bad {
		if bad.ID > 0 {
			ids = append(ids, bad.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// changeOf is what a job says of each record.
func changeOf(j job.Job, kind v1.Kind) events.Change {
	return events.Change{Kind: kind, Trigger: triggerOf(j.Type), Job: j.ID, Force: j.Force, By: j.By}
}

// ListIDs reads the ids of every record of a kind, for a dry run.
func (w *Watcher) ListIDs(ctx context.Context, kind v1.Kind) ([]int64, error) {
	var ids []int64
	err := autotask.Each(ctx, w.Autotask, entityOf(kind), autotask.Query{From: 1}, func(rows autotask.Rows[idRow]) error {
		ids = append(ids, idsOf(rows)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s records: %w", kind, err)
	}
	return ids, nil
}

// Remembered writes a change for every record that the ledger knows beyond what
// was listed: one that is gone from Autotask's list is read by a GET, once.
func (w *Watcher) Remembered(ctx context.Context, j job.Job, kind v1.Kind, listed map[int64]bool) (int, error) {
	ids, err := w.Ledger.Find(ctx, w.ID, kind, func(s ledger.Summary) bool { return !listed[s.ID] && !deleted(s) })
	if err == nil {
		err = w.publishAs(ctx, changeOf(j, kind), ids)
	}
	if err != nil {
		return 0, err
	}
	return len(ids), nil
}

func entityOf(kind v1.Kind) string {
	switch kind {
	case v1.KindContact:
		return autotask.EntityContacts
	case v1.KindContract:
		return autotask.EntityContracts
	default:
		return autotask.EntityCompanies
	}
}

func triggerOf(jobType string) v1.Trigger {
	switch jobType {
	case job.TypeSweep:
		return v1.TriggerSweep
	case job.TypeReplay:
		return v1.TriggerReplay
	case job.TypeResync:
		return v1.TriggerManual
	default:
		return v1.TriggerBackfill
	}
}
