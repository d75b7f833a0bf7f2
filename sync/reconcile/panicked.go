package reconcile

import (
	"context"
	"fmt"
	"strconv"
	"unicode/utf8"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/panics"
	"channelsync/sync/deadletter"
)

// CodeInternal is the cause of what failed for a fault of channelsync's own.
const CodeInternal = "internal"

// maxPanic is how much of what a panic says a record shows, in bytes.
const maxPanic = 300

// settlePanicked settles a record whose reconcile panicked as failed, with its next
// attempt scheduled like that of any other failure.
func (r *Reconciler) settlePanicked(ctx context.Context, kind v1.Kind, mark events.Mark, p *panics.Error) error {
	r.Log.Error("reconcile panicked, the record fails alone",
		zap.String(v1.LogKind, string(kind)), zap.Int64(v1.LogRecord, mark.ID), zap.Error(p), panics.Stack(p))
	detail := fmt.Sprintf("channelsync itself failed at %s %d: %s. All other records go on. Its log has the cause under "+
		"\"reconcile panicked\": please report it, with that line.", kind, mark.ID, cut(p.Error(), maxPanic))
	if kind == v1.KindContact { // the ledger keeps no entries of contacts
		return r.keepDead(ctx, kind, mark, detail)
	}
	err := panics.Try(func() error {
		in, err := r.Installation()
		if err != nil {
			return err
		}
		b, err := r.newBatch(ctx, in, kind, []events.Mark{mark})
		if err != nil {
			return err
		}
		b.items[0].fail(CodeInternal, detail, false)
		return b.settle(ctx, nil)
	})
	if panics.Of(err) == nil {
		return err
	}
	r.Log.Error("settling the record panicked too, it is kept as a dead letter alone",
		zap.String(v1.LogKind, string(kind)), zap.Int64(v1.LogRecord, mark.ID), zap.Error(err), panics.Stack(err))
	return r.keepDead(ctx, kind, mark, detail)
}

// keepDead keeps the failure of a record of which no entry can be kept.
func (r *Reconciler) keepDead(ctx context.Context, kind v1.Kind, mark events.Mark, detail string) error {
	in, err := r.Installation()
	if err != nil {
		return err
	}
	now := r.Now()
	return r.held(ctx, func(ctx context.Context) error {
		return r.DeadLetters.PutRecord(ctx, in.ID, v1.DeadLetter{
			ID: deadletter.RecordID(kind, mark.ID), Kind: string(kind), RecordID: strconv.FormatInt(mark.ID, 10),
			Code: CodeInternal, Detail: detail, Attempts: 1, FirstAt: now, LastAt: now,
		})
	})
}

// cut shortens text to at most n bytes, at a character's edge.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
