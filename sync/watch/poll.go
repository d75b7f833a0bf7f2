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

// modified is a row of an entity with whatever stamps it has.
type modified interface {
	id() int64
	times() []time.Time
}

type companyTimes struct {
	ID       int64     `at:"id"`
	Created  time.Time `at:"createDate,stamp"`
	Activity time.Time `at:"lastActivityDate,stamp"`
	Tracked  time.Time `at:"lastTrackedModifiedDateTime,stamp"`
	Missing  []string
}

func (s companyTimes) id() int64          { return s.ID }
func (s companyTimes) times() []time.Time { return []time.Time{s.Created, s.Activity, s.Tracked} }

type contactTimes struct {
	ID       int64     `at:"id"`
	Created  time.Time `at:"createDate,stamp"`
	Modified time.Time `at:"lastModifiedDate,stamp"`
	Missing  []string
}

func (s contactTimes) id() int64          { return s.ID }
func (s contactTimes) times() []time.Time { return []time.Time{s.Created, s.Modified} }

// PollCompanies finds companies whose stamps moved. The activity stamp is noisy
// but moves with every edit; which edits the tracked one misses is not documented.
func (w *Watcher) PollCompanies(ctx context.Context) (int, error) {
	return poll[companyTimes](ctx, w, polled{
		kind: v1.KindCompany, entity: autotask.EntityCompanies, cursor: func(c *installation.Cursors) *time.Time { return &c.Companies },
		fields: []string{"lastTrackedModifiedDateTime", "lastActivityDate", "createDate"},
	})
}

// PollContacts finds contacts whose stamps moved.
func (w *Watcher) PollContacts(ctx context.Context) (int, error) {
	return poll[contactTimes](ctx, w, polled{
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

// poll asks for what was stamped since the cursor.
func poll[T modified](ctx context.Context, w *Watcher, p polled) (int, error) {
	in, err := w.installation()
	if err != nil {
		return 0, err
	}
	last := w.polls[p.entity]
	from := last.from(*p.cursor(&in.Cursors), w.vendorNow())
	filters := slices.Clone(p.also)
	for _, f := range p.fields {
		filters = append(filters, autotask.Gte(f, from))
	}
	next := sighted{since: from, rows: map[int64]signature{}}
	var ids []int64
	err = autotask.Each(ctx, w.Autotask, p.entity, autotask.Query{Filter: []autotask.Filter{autotask.Or(filters...)}}, func(rows autotask.Rows[T]) error {
		now := w.vendorNow()
		for _, row := range rows.Items {
			if next.see(row.id(), row.times(), now); last.differs(next, row.id()) {
				ids = append(ids, row.id())
			}
		}
		for _, bad := range rows.Bad {
			// The reconcile names what is wrong with it, once.
			if bad.ID == 0 {
				continue
			}
			if next.rows[bad.ID] = (signature{}); last.differs(next, bad.ID) {
				ids = append(ids, bad.ID)
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("poll %s: %w", p.entity, err)
	}
	if p.found != nil {
		err = p.found(ids)
	} else if ids, err = w.unfetched(ctx, p.kind, ids, next.rows); err == nil {
		err = w.publish(ctx, p.kind, v1.TriggerPoll, ids)
	}
	if err != nil {
		return 0, err
	}
	next.fit(last)
	w.polls[p.entity] = next
	return len(ids), w.advance(ctx, next.newest, p.cursor)
}

// vendorNow is the time by Autotask's clock, or by ours while Autotask's is unknown.
func (w *Watcher) vendorNow() time.Time {
	if now, known := w.Autotask.Time(); known {
		return now
	}
	return w.Now()
}

// unfetched drops the records that were fetched as of the very stamp they have: a
// callback or a backfill was faster. A stamp in the future says nothing: the edit of
// such a record need not move it.
func (w *Watcher) unfetched(ctx context.Context, kind v1.Kind, ids []int64, rows map[int64]signature) ([]int64, error) {
	known, err := w.Ledger.ModifiedTimes(ctx, w.ID, kind, ids)
	if err != nil {
		return nil, fmt.Errorf("read stamps: %w", err)
	}
	return slices.DeleteFunc(ids, func(id int64) bool {
		at, ok := known[id]
		return ok && !at.IsZero() && !rows[id].future && at.Equal(rows[id].newest)
	}), nil
}

// advance stores a cursor that moved: forward, or back from a future that it must not be in.
func (w *Watcher) advance(ctx context.Context, newest time.Time, cursor func(*installation.Cursors) *time.Time) error {
	now := w.vendorNow()
	_, err := w.Store.Change(ctx, w.ID, func(in *installation.Installation) error {
		at := cursor(&in.Cursors)
		if newest.IsZero() || !newest.After(*at) && !ahead(*at, now) {
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
