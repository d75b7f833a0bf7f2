package control

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/installation"
	"channelsync/sync/job"
	"channelsync/sync/reconcile"
)

// look looks at records in batches.
func (rt *runtime) look(ctx context.Context, in *installation.Installation, kind v1.Kind, ids []int64, fn func(reconcile.Looked)) error {
	for part := range slices.Chunk(ids, reconcile.MaxBatch) {
		looked, err := rt.rec.Look(autotask.WithBulk(ctx), in, kind, part)
		if err != nil {
			return err
		}
		for _, l := range looked {
			fn(l)
		}
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
		err := rt.look(ctx, in, kind, ids[kind], func(l reconcile.Looked) {
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
	return rt.m.Jobs.Finish(ctx, j.ID, v1.JobDone, "dry run: "+read+several(total, "record")+"; nothing was pushed")
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

// several says how many of something there are.
func several(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
