// Package watch finds what callbacks cannot tell: it lists everything for
// backfills and sweeps, polls what has a stamp, compares what has none, and keeps
// the webhook registrations right. Whatever it finds becomes a change in the
// journal like any other; it never fetches a record to push it, and pushes nothing.
// sync/control owns one Watcher per installation.
package watch

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/lifecycle"
	"channelsync/sync/coverage"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

// Journal takes what is found.
type Journal interface {
	PublishAll(ctx context.Context, changes []events.Change) error
}

// Store reads and changes the installation.
type Store interface {
	Get(id string) (*installation.Installation, error)
	Change(ctx context.Context, id string, edit func(*installation.Installation) error) (*installation.Installation, error)
}

// Catalogue forgets cached rows that were edited.
type Catalogue interface {
	ForgetServices(ids ...int64)
	ForgetCatalogue()
}

// Config is what a Watcher works with.
type Config struct {
	ID        string // of the installation
	Store     Store
	Autotask  *autotask.Client
	Journal   Journal
	Ledger    *ledger.Ledger
	Catalogue Catalogue
	Crowded   func() bool // whether others wait to list something; nil: never
	Now       func() time.Time
	Log       *zap.Logger

	PartsEvery time.Duration // how often the parts of each contract are compared, where that is not too many requests
	PollEvery  time.Duration // how often CompareParts is called
	// Wait waits until a limit allows more; nil: it does so by the clock.
	Wait func(ctx context.Context, d time.Duration) error
}

// Watcher finds changes of one installation.
type Watcher struct {
	Config
	polls map[string]sighted // by entity: what the last poll saw
	// contractsDated caches whether contracts carry lastModifiedDateTime; asked once.
	contractsDated *bool
	// catalogues and callouts are what the build says of its webhooks.
	catalogues map[autotask.WebhookEntity]catalogued
	callouts   bool // for contracts too
	calloutsAt time.Time
	// missedUnread are rows of the log of missed callouts that cannot be read, and since when.
	missedUnread map[int64]time.Time
	// requests are those of the comparison of parts; nil until the first one.
	requests *coverage.Allowance
	// day is the one that PollDays read last, dayEnqueued the contracts it enqueued for it.
	day         ledger.Day
	dayEnqueued map[int64]bool
	// checked says that the registrations were checked since this watcher was made, user whose they were.
	checked bool
	user    string
}

// New makes a watcher.
func New(cfg Config) *Watcher {
	if cfg.Wait == nil {
		cfg.Wait = lifecycle.Sleep
	}
	return &Watcher{Config: cfg, polls: map[string]sighted{}, catalogues: map[autotask.WebhookEntity]catalogued{}, missedUnread: map[int64]time.Time{}}
}

func (w *Watcher) installation() (*installation.Installation, error) { return w.Store.Get(w.ID) }

// publish writes changes of records to the journal.
func (w *Watcher) publish(ctx context.Context, kind v1.Kind, trigger v1.Trigger, ids []int64) error {
	return w.publishAs(ctx, events.Change{Kind: kind, Trigger: trigger}, ids)
}

// publishAs writes c to the journal for each of the records.
func (w *Watcher) publishAs(ctx context.Context, c events.Change, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	c.Installation, c.EventTime = w.ID, w.Now()
	changes := make([]events.Change, len(ids))
	for i, id := range ids {
		c.ID = id
		changes[i] = c
	}
	if err := w.Journal.PublishAll(ctx, changes); err != nil {
		return fmt.Errorf("store %s changes: %w", c.Kind, err)
	}
	return nil
}
