package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/internal/panics"
	"channelsync/sync/ledger"
)

// What somebody edited at the target is known from two things. Pushing what was pushed last
// once more, the target answers "updated": something had been edited. What it had been
// edited to is then gone, so the target is read before.
//
// With option drift: repair, the default, only those records are read that a forced push is
// about to send unchanged, and not more than readsPerHour: a target that was wiped is to be
// restored quickly. With drift: report every record is read that was pushed before, and
// whatever was edited since then is left alone until somebody says that ours is to be pushed.

// readsPerHour is how many records are read before they are repaired.
const readsPerHour = 2000

// reads counts them.
type reads struct {
	mu   sync.Mutex
	hour time.Time
	n    int
}

// take says whether one more record may be read.
func (r *reads) take(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if hour := now.Truncate(time.Hour); !hour.Equal(r.hour) {
		r.hour, r.n = hour, 0
	}
	r.n++
	return r.n <= readsPerHour
}

// reports says that nothing is pushed over an edit at the target before somebody says so.
func (b *batch) reports() bool { return b.in.Options.Drift == "report" }

// readFirst reads what the target holds of records that are about to be sent, and returns
// those that are to be sent. The error is a failure of the upstream.
func (s sender[T]) readFirst(ctx context.Context, parcels []parcel[T]) ([]parcel[T], error) {
	var g errgroup.Group
	g.SetLimit(spread)
	errs := make([]error, len(parcels))
	for i, p := range parcels {
		if !s.isRead(p.item) {
			continue
		}
		g.Go(func() error {
			errs[i] = panics.Try(func() error { return s.readOne(ctx, p) })
			return nil
		})
	}
	_ = g.Wait() // each tells its own failure
	if !s.reports() {
		return parcels, nil // what could not be read is repaired unread
	}
	rest, inquiry := parcels[:0:0], s.inquire()
	for i, p := range parcels {
		if errs[i] != nil {
			if v, err := inquiry.about(ctx, errs[i], []*item{p.item}, needsProbe(errs[i])); v == upstreamFails {
				return nil, err
			}
			p.fail(CodeTargetFailed, fmt.Sprintf("%s cannot be read at Channel Program, so it is not known whether somebody edited it there: %s", p.named(), errs[i]), false)
			continue
		}
		if !s.leaveAlone(p) {
			rest = append(rest, p)
		}
	}
	return rest, nil
}

// isRead says whether a record is read before it is sent.
func (b *batch) isRead(it *item) bool {
	if it.elsewhere {
		return false // whatever this account holds is no edit of what was sent to another
	}
	if b.reports() {
		return !it.entry.ObservedAt.IsZero()
	}
	same := it.force() && it.before.Fingerprint == it.fingerprint
	return (same || it.unanswered() || it.entry.OpenDrift() != nil) && b.reads.take(b.Now())
}

func (s sender[T]) readOne(ctx context.Context, p parcel[T]) error {
	held, err := s.to.read(ctx, p.out.ExternalID)
	if e, ok := errors.AsType[*channelprogram.Error](err); ok && e.Kind == channelprogram.KindNotFound {
		p.heldKnown = true
		return nil
	}
	if err != nil {
		return err
	}
	p.heldKnown = true
	at := s.to.source(&held).ObservedAt
	if at.After(p.entry.ObservedAt) { // a push of ours whose answer was lost, or of somebody else's service: nobody edited it since
		return s.recover(p.item, held, at)
	}
	p.theirs, err = withoutSource(held)
	if err == nil && p.hasGoneBack(p.theirs, at) {
		p.theirs, p.goneBack = nil, true
		p.entry.ResolveDrift(v1.DriftReverted, s.Now())
		return nil
	}
	known := p.before.Fingerprint == p.fingerprint || p.unanswered() // that nothing of ours was sent since
	if err != nil || !known || sameBytes(p.theirs, p.entry.Projection) {
		return err
	}
	due, err := withoutSource(p.out.Data)
	p.overEdit = ledger.BoundedFields(editedFields(foreign(p.theirs, p.entry.Projection), due))
	return err
}

// leaveAlone says whether nothing is to be sent, since somebody edited the record.
func (s sender[T]) leaveAlone(p parcel[T]) bool {
	it := p.item
	was := it.entry.Projection
	if it.before.Fingerprint == it.fingerprint || len(was) == 0 {
		var err error
		if was, err = withoutSource(p.out.Data); err != nil {
			return false
		}
	}
	edited := foreign(it.theirs, was)
	if len(edited) == 0 {
		return false
	}
	due, err := withoutSource(p.out.Data)
	if err != nil || len(foreign(it.theirs, due)) == 0 {
		return false // they hold what we would send
	}
	if it.entry.PushOurs {
		return false
	}
	it.entry.AddDrift(ledger.Drift{State: v1.DriftOpen, FoundAt: s.Now(), Trigger: it.due.Trigger, Fields: editedFields(edited, due)})
	it.edited = true
	it.outcome = v1.OutcomeWaiting
	it.entry.Reasons = []string{v1.ReasonEditedAtTarget}
	it.entry.Detail = "Somebody edited " + strings.Join(fieldNames(edited), ", ") + " in Channel Program; nothing overwrites it until you say so"
	it.entry.Notes = append(slices.Clip(it.entry.Notes), v1.ReasonEditedAtTarget)
	return true
}

// foreign is what the target holds otherwise than it was pushed; nothing when it holds none.
func foreign(theirs, pushed json.RawMessage) []v1.Difference {
	if len(theirs) == 0 {
		return nil
	}
	return slices.DeleteFunc(v1.Differences(theirs, pushed), func(d v1.Difference) bool {
		// The name of a contract's client is the client's, and an amount may be written otherwise.
		return strings.HasPrefix(d.Field, "client.") || strings.HasSuffix(d.Field, ".amount") && sameAmount(d.From, d.To)
	})
}

func sameAmount(a, b string) bool {
	x, ok1 := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	return ok1 && ok2 && x.Cmp(y) == 0
}

// editedFields are fields that were edited, with what belongs there now.
func editedFields(edited []v1.Difference, due json.RawMessage) []v1.DriftField {
	now := v1.Flat(due)
	return each(edited, func(d v1.Difference) v1.DriftField {
		return v1.DriftField{Field: d.Field, Theirs: new(d.From), Due: now[d.Field]}
	})
}

// fieldNames are the fields as the contract names them, each once, without places in lists.
func fieldNames(edited []v1.Difference) []string {
	var out []string
	for _, d := range edited {
		name, _, _ := strings.Cut(d.Field, "[")
		name, _, _ = strings.Cut(name, ".")
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// noteRepair keeps what a push put right, as far as it is known.
func (b *batch) noteRepair(it *item, sent any) error {
	if !it.drift && it.entry.OpenDrift() == nil {
		return nil
	}
	due, err := withoutSource(sent)
	if err != nil {
		return err
	}
	now, edited := b.Now(), foreign(it.theirs, due)
	fields := editedFields(edited, due)
	switch open := it.entry.OpenDrift(); {
	case len(fields) > 0:
		it.driftFields = fieldNames(edited)
	case it.drift:
		fields = unreadFields(it.driftFields, due)
	case open != nil && len(it.theirs) == 0:
		fields = open.Fields // as far as it was known
	}
	if it.drift = len(fields) > 0; it.drift {
		it.entry.AddDrift(ledger.Drift{State: v1.DriftRepaired, FoundAt: now, ResolvedAt: now, Trigger: it.due.Trigger, Fields: fields})
	} else {
		it.entry.ResolveDrift(v1.DriftReverted, now)
	}
	return nil
}

// unreadFields are fields that the target names as edited, which it was not read before.
func unreadFields(names []string, due json.RawMessage) []v1.DriftField {
	flat := v1.Flat(due)
	if len(names) == 0 {
		return []v1.DriftField{{Field: "record"}} // it does not say which
	}
	return each(names, func(name string) v1.DriftField { return v1.DriftField{Field: name, Due: flat[name]} })
}

// ErrBusy says that the record is being reconciled right now.
var ErrBusy = errors.New("the record is being reconciled right now")

// ErrNoDrift says that nothing of the record waits for a word.
var ErrNoDrift = errors.New("nothing of the record waits")

// PushOurs notes that what somebody edited of a record at the target may be pushed over; the
// caller enqueues it. The error is ErrBusy, ErrNoDrift or the store's.
func (r *Reconciler) PushOurs(ctx context.Context, kind v1.Kind, id int64) error {
	if _, busy := r.inProgress.add(kind, id); len(busy) > 0 {
		return ErrBusy
	}
	defer r.inProgress.drop(kind, id)
	in, err := r.Installation()
	if err != nil {
		return err
	}
	found, err := r.Ledger.Read(ctx, in.ID, kind, []int64{id})
	if err != nil {
		return err
	}
	e := found[id]
	if e == nil || e.OpenDrift() == nil {
		return ErrNoDrift
	}
	e.PushOurs = true
	return r.whileOwned(ctx, func(ctx context.Context) error { return r.Ledger.Write(ctx, in.ID, []*ledger.Entry{e}) })
}
