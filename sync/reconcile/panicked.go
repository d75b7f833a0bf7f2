package reconcile

import (
	"context"
	"fmt"
	"strconv"

	"channelsync/sync/upstream"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/clip"
	"channelsync/internal/panics"
)

const (
	// CodeNotKept is the cause of a record of which the event store takes no entry.
	CodeNotKept = "not_kept"

	maxPanic  = 300  // bytes of what a panic says that a record shows
	maxDetail = 2000 // bytes of what a failure says
)

// commitPanicked commits a record whose reconcile panicked as failed, with its next
// attempt scheduled like that of any other failure.
func (r *Reconciler) commitPanicked(ctx context.Context, kind v1.Kind, due events.DueEntry, p *panics.Error) error {
	r.Log.Error("reconcile panicked, the record fails alone",
		zap.String(v1.LogKind, string(kind)), zap.Int64(v1.LogRecord, due.ID), zap.Error(p), panics.Stack(p))
	detail := fmt.Sprintf("channelsync itself failed at %s %d: %s. All other records continue. Its log has the cause under "+
		"\"reconcile panicked\": please report it, with that line.", kind, due.ID, clip.Text(p.Error(), maxPanic))
	in, err := r.Installation()
	if err != nil {
		return err
	}
	dead := v1.DeadLetter{Kind: string(kind), RecordID: strconv.FormatInt(due.ID, 10), Code: upstream.CodeInternal, Detail: detail}
	if kind == v1.KindContact { // the ledger keeps no entries of contacts
		return r.keepDead(ctx, in.ID, dead)
	}
	err = panics.Try(func() error {
		b, err := r.newBatch(ctx, in, kind, []events.DueEntry{due})
		if err != nil {
			return err
		}
		b.items[0].fail(upstream.CodeInternal, detail, false)
		return b.commit(ctx, nil)
	})
	if panics.Of(err) == nil {
		return err
	}
	r.Log.Error("commit the record panicked too, it is kept as a dead letter alone",
		zap.String(v1.LogKind, string(kind)), zap.Int64(v1.LogRecord, due.ID), zap.Error(err), panics.Stack(err))
	return r.keepDead(ctx, in.ID, dead)
}

// keepDead keeps the failure of a record of which no entry can be kept.
func (r *Reconciler) keepDead(ctx context.Context, installation string, d v1.DeadLetter) error {
	d.ID, d.Attempts = d.Kind+"-"+d.RecordID, 1
	d.FirstAt, d.LastAt = r.Now(), r.Now()
	return r.whileOwned(ctx, func(ctx context.Context) error { return r.DeadLetters.PutRecord(ctx, installation, d) })
}
