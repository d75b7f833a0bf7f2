package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
)

const (
	// overlap is read again on every poll: stamps can land slightly out of order.
	overlap = 2 * time.Minute
	// reach is how far the first poll looks back, whatever the two clocks say.
	reach = 24 * time.Hour
)

// stamps is a row of an entity with whatever stamps it has.
type stamps interface {
	id() int64
	latest() time.Time
}

type companyStamps struct {
	ID       int64     `at:"id"`
	Created  time.Time `at:"createDate,stamp"`
	Activity time.Time `at:"lastActivityDate,stamp"`
	Tracked  time.Time `at:"lastTrackedModifiedDateTime,stamp"`
	Lacks    []string
}

func (s companyStamps) id() int64         { return s.ID }
func (s companyStamps) latest() time.Time { return latest(s.Created, s.Activity, s.Tracked) }

type contactStamps struct {
	ID       int64     `at:"id"`
	Created  time.Time `at:"createDate,stamp"`
	Modified time.Time `at:"lastModifiedDate,stamp"`
	Lacks    []string
}

func (s contactStamps) id() int64         { return s.ID }
func (s contactStamps) latest() time.Time { return latest(s.Created, s.Modified) }

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// PollCompanies finds companies whose stamps moved. The activity stamp is noisy
// but moves with every edit; which edits the tracked one misses is not documented.
func (w *Watcher) PollCompanies(ctx context.Context) (int, error) {
	return poll[companyStamps](ctx, w, polled{
		kind: v1.KindCompany, entity: autotask.EntityCompanies, cursor: func(c *installation.Cursors) *time.Time { return &c.Companies },
		fields: []string{"lastTrackedModifiedDateTime", "lastActivityDate", "createDate"},
	})
}

// PollContacts finds contacts whose stamps moved.
func (w *Watcher) PollContacts(ctx context.Context) (int, error) {
	return poll[contactStamps](ctx, w, polled{
		kind: v1.KindContact, entity: autotask.EntityContacts, cursor: func(c *installation.Cursors) *time.Time { return &c.Contacts },
		fields: []string{"lastModifiedDate", "createDate"},
	})
}

// polled is what is asked of an entity, and how far was read.
type polled struct {
	kind   v1.Kind
	entity string
	cursor func(*installation.Cursors) *time.Time
	fields []string                // its stamps: any of them since the cursor
	also   []autotask.Filter       // or any of these
	found  func(ids []int64) error // instead of publishing changes of the rows themselves
}

// poll asks for what was stamped since the cursor. The cursor moves only to
// stamps that were seen, so that the two clocks need not agree.
func poll[T stamps](ctx context.Context, w *Watcher, p polled) (int, error) {
	in, err := w.installation()
	if err != nil {
		return 0, err
	}
	since := *p.cursor(&in.Cursors)
	if since.IsZero() {
		since = w.Now().Add(-reach)
	}
	filters := slices.Clone(p.also)
	for _, f := range p.fields {
		filters = append(filters, autotask.Gte(f, since.Add(-overlap)))
	}
	newest, ids := since, []int64(nil)
	horizon := w.Now().Add(reach) // one stamp in a far future must not blind the polls until then
	seen := map[int64]time.Time{}
	err = autotask.Each(ctx, w.Autotask, p.entity, autotask.Query{Filter: []autotask.Filter{autotask.Or(filters...)}}, func(rows autotask.Rows[T]) error {
		for _, row := range rows.Items {
			at := row.latest()
			seen[row.id()] = at
			if at.Before(horizon) {
				newest = latest(newest, at)
			}
			if was, ok := w.seen[p.entity][row.id()]; !ok || !was.Equal(at) {
				ids = append(ids, row.id())
			}
		}
		for _, bad := range rows.Bad {
			// The reconcile names what is wrong with it, once.
			if was, ok := w.seen[p.entity][bad.ID]; bad.ID != 0 && !(ok && was.IsZero()) {
				ids = append(ids, bad.ID)
			}
			seen[bad.ID] = time.Time{}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("poll %s: %w", p.entity, err)
	}
	if p.found != nil {
		err = p.found(ids)
	} else if ids, err = w.unfetched(ctx, p.kind, ids, seen); err == nil {
		err = w.publish(ctx, p.kind, v1.TriggerPoll, ids)
	}
	if err != nil {
		return 0, err
	}
	w.seen[p.entity] = seen
	return len(ids), w.advance(ctx, newest, p.cursor)
}

// unfetched drops the records that were fetched as of the very stamp they have:
// a callback or a backfill was faster.
func (w *Watcher) unfetched(ctx context.Context, kind v1.Kind, ids []int64, stamps map[int64]time.Time) ([]int64, error) {
	known, err := w.Ledger.Stamps(ctx, w.ID, kind, ids)
	if err != nil {
		return nil, fmt.Errorf("read stamps: %w", err)
	}
	return slices.DeleteFunc(ids, func(id int64) bool {
		at, ok := known[id]
		return ok && !at.IsZero() && at.Equal(stamps[id])
	}), nil
}

// advance stores a cursor that moved.
func (w *Watcher) advance(ctx context.Context, newest time.Time, cursor func(*installation.Cursors) *time.Time) error {
	_, err := w.Store.Change(ctx, w.ID, func(in *installation.Installation) error {
		at := cursor(&in.Cursors)
		if !newest.After(*at) {
			return errUnmoved
		}
		*at = newest
		return nil
	})
	if errors.Is(err, errUnmoved) {
		return nil
	}
	return err
}

var errUnmoved = errors.New("the cursor did not move")
