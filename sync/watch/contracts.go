package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"channelsync/sync/contractrows"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

type contractTimes struct {
	ID       int64     `at:"id"`
	Modified time.Time `at:"lastModifiedDateTime,stamp"`
	Missing  []string
}

func (s contractTimes) id() int64          { return s.ID }
func (s contractTimes) times() []time.Time { return []time.Time{s.Modified} }

type serviceTimes struct {
	ID       int64     `at:"id"`
	Created  time.Time `at:"createDate,stamp"`
	Modified time.Time `at:"lastModifiedDate,stamp"`
	Missing  []string
}

func (s serviceTimes) id() int64          { return s.ID }
func (s serviceTimes) times() []time.Time { return []time.Time{s.Created, s.Modified} }

// PollContracts finds contracts that are new or whose stamp moved; in builds of
// Autotask that do not stamp contracts it compares all of them.
func (w *Watcher) PollContracts(ctx context.Context) error {
	has, err := w.contractsAreDated(ctx)
	if err != nil {
		return err
	}
	if !has {
		return w.compareContracts(ctx)
	}
	p := modifiedContracts()
	ids, err := w.Ledger.Ids(ctx, w.ID, v1.KindContract)
	if err != nil {
		return fmt.Errorf("read known contracts: %w", err)
	}
	if len(ids) > 0 {
		// A new contract is found by its id even where creating one leaves the stamp empty.
		p.also = []autotask.Filter{autotask.Gt("id", ids[len(ids)-1])}
	}
	_, err = poll[contractTimes](ctx, w, p)
	return err
}

// PollModifiedContracts finds only contracts whose modification time moved: while the backfill
// is under way, those that it has not come to yet are not new.
func (w *Watcher) PollModifiedContracts(ctx context.Context) error {
	has, err := w.contractsAreDated(ctx)
	if err != nil || !has {
		return err
	}
	_, err = poll[contractTimes](ctx, w, modifiedContracts())
	return err
}

func modifiedContracts() polled {
	return polled{
		kind: v1.KindContract, entity: autotask.EntityContracts, cursor: func(c *installation.Cursors) *time.Time { return &c.Contracts },
		fields: []string{"lastModifiedDateTime"},
	}
}

// compareContracts reads every contract and finds those that are new, gone or
// different from what their last reconcile read. One request per 500 contracts.
func (w *Watcher) compareContracts(ctx context.Context) error {
	known, gone := map[int64]string{}, map[int64]bool{}
	if _, err := w.Ledger.Find(ctx, w.ID, v1.KindContract, func(s ledger.Summary) bool {
		known[s.ID], gone[s.ID] = s.RowHash, deleted(s)
		return false
	}); err != nil {
		return fmt.Errorf("read known contracts: %w", err)
	}
	var due []int64
	err := autotask.Each(ctx, w.Autotask, autotask.EntityContracts, autotask.Query{}, func(rows autotask.Rows[autotask.Contract]) error {
		for _, c := range rows.Items {
			if gone[c.ID] || known[c.ID] != contractrows.RowHash(c) {
				due = append(due, c.ID)
			}
			delete(known, c.ID)
		}
		for _, bad := range rows.Bad {
			if _, is := known[bad.ID]; !is && bad.ID > 0 { // its reconcile names what is wrong with it, once
				due = append(due, bad.ID)
			}
			delete(known, bad.ID)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare contracts: %w", err)
	}
	for id := range known { // missing from the list: a GET decides whether it is gone
		if !gone[id] {
			due = append(due, id)
		}
	}
	return w.publish(ctx, v1.KindContract, v1.TriggerPoll, due)
}

// deleted says whether a GET has shown that Autotask does not have the record.
func deleted(s ledger.Summary) bool {
	return slices.Contains(s.Reasons, v1.ReasonDeletedAtSource)
}

// PollServices finds edited services of the catalogue and enqueues the contracts that
// read them; without a contract there is nothing to ask for.
func (w *Watcher) PollServices(ctx context.Context) error {
	ids, err := w.Ledger.Ids(ctx, w.ID, v1.KindContract)
	if err != nil {
		return fmt.Errorf("read known contracts: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = poll[serviceTimes](ctx, w, polled{
		entity: autotask.EntityServices, cursor: func(c *installation.Cursors) *time.Time { return &c.Catalogue },
		fields: []string{"lastModifiedDate"},
		found: func(ids []int64) error {
			w.Catalogue.ForgetServices(ids...)
			return w.publishReaders(ctx, ids, func(s ledger.Summary) []int64 { return s.Services })
		},
	})
	return err
}

// publishReaders enqueues the contracts that read one of ids.
func (w *Watcher) publishReaders(ctx context.Context, ids []int64, reads func(ledger.Summary) []int64) error {
	if len(ids) == 0 {
		return nil
	}
	due, err := w.Ledger.Find(ctx, w.ID, v1.KindContract, func(s ledger.Summary) bool {
		return slices.ContainsFunc(reads(s), func(id int64) bool { return slices.Contains(ids, id) })
	})
	if err != nil {
		return fmt.Errorf("find contracts: %w", err)
	}
	return w.publish(ctx, v1.KindContract, v1.TriggerPoll, due)
}

// contractsAreDated asks once whether this build of Autotask stamps contracts.
func (w *Watcher) contractsAreDated(ctx context.Context) (bool, error) {
	if w.contractsDated != nil {
		return *w.contractsDated, nil
	}
	names, err := w.Autotask.FieldNames(ctx, autotask.EntityContracts)
	if notOffered(err) {
		return false, nil // comparing all of them is dearer, and always right
	}
	if err != nil {
		return false, fmt.Errorf("read fields of contracts: %w", err)
	}
	has := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, "lastModifiedDateTime") })
	w.contractsDated = &has
	return has, nil
}
