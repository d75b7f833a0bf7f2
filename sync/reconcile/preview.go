package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/condition"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

// Preview is what a reconcile of a record would find and do now.
type Preview struct {
	ID          int64
	Name        string
	Decision    condition.Decision
	Before      ledger.Entry    // as it was remembered; zero when it never was
	Projection  json.RawMessage // what would be sent, without its source; null when nothing would
	Sources     json.RawMessage
	Fingerprint string
	Failure     string // why it could not be read or projected; empty when it could
	FailureCode string
	Notes       []string // codes of what a record that is sent all the same lacks
	Archives    bool     // it is out of scope and would be sent as archived
}

// WouldPush says whether a reconcile would send something; force sends what is
// in scope, or to be archived, whatever was sent last.
func (l Preview) WouldPush(force bool) bool {
	return (l.Decision.Met || l.Archives) && l.Failure == "" && (force || l.Fingerprint != l.Before.Fingerprint)
}

// Preview fetches, decides and projects records as in would have it, and pushes,
// remembers and enqueues nothing. At most MaxBatch ids; the error is an upstream's. What is decided is said with names.
func (r *Reconciler) Preview(
	ctx context.Context, in *installation.Installation, kind v1.Kind, ids []int64, names condition.Names,
) ([]Preview, error) {
	due := each(ids, func(id int64) events.DueEntry {
		return events.DueEntry{Installation: in.ID, Kind: kind, ID: id, Trigger: v1.TriggerManual}
	})
	b, err := r.newBatch(ctx, in, kind, due)
	if err != nil {
		return nil, err
	}
	b.names = names
	if kind == v1.KindContract {
		found, companies, due, err := b.decideContracts(ctx)
		if err != nil {
			return nil, err
		}
		err = b.projectContracts(ctx, due, found, companies)
		if err != nil {
			return nil, err
		}
	} else {
		found, due, err := b.decideClients(ctx)
		if err != nil {
			return nil, err
		}
		if err := b.projectClients(ctx, due, found); err != nil {
			return nil, err
		}
	}
	out := make([]Preview, len(b.items))
	for i, it := range b.items {
		if out[i], err = it.preview(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (it *item) preview() (Preview, error) {
	l := Preview{
		ID: it.due.ID, Name: it.entry.Name, Decision: it.decision, Before: it.before, Fingerprint: it.fingerprint,
		Projection: json.RawMessage("null"), Sources: json.RawMessage("null"), Archives: it.archived != "",
	}
	if it.failure != nil {
		l.Failure, l.FailureCode = it.failure.detail, it.failure.code
		return l, nil
	}
	var err error
	switch {
	case !it.decision.Met && !l.Archives:
		return l, nil
	case it.client != nil:
		l.Projection, err = withoutSource(*it.client)
	case it.contract != nil:
		l.Projection, err = withoutSource(*it.contract)
		l.Notes = it.entry.Notes
	}
	if err == nil {
		l.Sources, err = json.Marshal(it.sources)
	}
	if err != nil {
		return l, fmt.Errorf("encode projection: %w", err)
	}
	return l, nil
}

// withoutSource is a payload without what tells only of the push itself.
func withoutSource(in any) (json.RawMessage, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	delete(fields, "source")
	return json.Marshal(fields)
}

// AtTarget reads what Channel Program holds of a record; null when it holds none.
func (r *Reconciler) AtTarget(ctx context.Context, kind v1.Kind, id int64) (json.RawMessage, error) {
	external := strconv.FormatInt(id, 10)
	var data any
	var err error
	if kind == v1.KindContract {
		data, err = contractTarget(r.Target).read(ctx, external)
	} else {
		data, err = clientTarget(r.Target).read(ctx, external)
	}
	if e, ok := errors.AsType[*channelprogram.Error](err); ok && e.Kind == channelprogram.KindNotFound {
		return json.RawMessage("null"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %d at Channel Program: %w", kind, id, err)
	}
	return withoutSource(data)
}
