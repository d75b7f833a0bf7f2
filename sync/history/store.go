package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/gate"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

// saveEvery is how long counts may stand in memory alone.
const saveEvery = time.Minute

// Table is where the counts lie, under the id of their installation.
type Table interface {
	Get(ctx context.Context, key string) (kv.Entry, error)
	// Update and Create fail with kv.ErrConflict when somebody else wrote meanwhile.
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Create(ctx context.Context, key string, value []byte) (uint64, error)
	Erase(ctx context.Context, key string) error
}

// Config is what a Store works with.
type Config struct {
	Table Table
	Now   func() time.Time
	Log   *zap.Logger
}

// Store counts for the installations that are loaded.
type Store struct {
	Config
	table gate.Gate // for one at a time who stores, shows or removes

	mu     sync.Mutex
	loaded map[string]*counting // by installation
}

// counting is an installation that is loaded. The store's mutex guards it.
type counting struct {
	news   hours // counted, and not stored yet
	stored bool  // the table has had a row: once there is none any more, it was erased
}

// New makes a store that has nothing loaded.
func New(cfg Config) *Store { return &Store{Config: cfg, loaded: map[string]*counting{}} }

// Load begins to count for an installation.
func (s *Store) Load(installation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded[installation] == nil {
		s.loaded[installation] = &counting{}
	}
}

// Count adds to the running hour of an installation that is loaded; of any other
// it counts nothing.
func (s *Store) Count(installation string, c Counts) {
	if c == (Counts{}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.loaded[installation]; k != nil {
		k.news.add(hourOf(s.Now()), c)
	}
}

// Hours returns the running hour and the 24 before it, oldest first, all of them.
func (s *Store) Hours(ctx context.Context, installation string) ([]v1.HistoryHour, error) {
	leave, err := s.table.Enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	defer leave()
	all, _, err := s.read(ctx, installation)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.loaded[installation]; k != nil {
		all = all.with(k.news)
	}
	return all.until(s.Now()), nil
}

// read returns what the table holds, and its revision: 0 when that is nothing. What cannot
// be read as hours is no reason to fail anybody.
func (s *Store) read(ctx context.Context, installation string) (hours, uint64, error) {
	e, err := s.Table.Get(ctx, installation)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read history: %w", err)
	}
	hs, err := decode(e.Value)
	if err != nil {
		s.Log.Warn("stored history cannot be read, starting a new one", zap.String(v1.LogInstallation, installation), zap.Error(err))
	}
	return hs, e.Revision, nil
}

// Run stores what was counted, every minute, until ctx ends. What is counted
// after that is stored by Drop.
func (s *Store) Run(ctx context.Context) {
	work := progress.Of(ctx)
	lifecycle.Every(ctx, saveEvery, func() {
		work.Busy(progress.Live)
		if err := panics.Try(func() error { s.saveAll(ctx); return nil }); err != nil {
			s.Log.Error("storing the history panicked, retrying in a minute", zap.Error(err), panics.Stack(err))
		}
		work.Idle()
	})
}

// saveAll stores the counts of every installation that has new ones. It stops at
// the first failure: a store that is away would fail them all, one by one.
func (s *Store) saveAll(ctx context.Context) {
	for _, id := range s.withNews() {
		if err := s.save(ctx, id); err != nil {
			if ctx.Err() == nil {
				s.Log.Warn("history not stored, retrying in a minute", zap.String(v1.LogInstallation, id), zap.Error(err))
			}
			return
		}
	}
}

func (s *Store) withNews() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, k := range s.loaded {
		if len(k.news) > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// save adds what was counted to what the table holds: another instance may have had the
// installation, and write the last of its counts only now. After an error the counts wait
// for the next time, and count twice in the chart where only the answer was lost.
func (s *Store) save(ctx context.Context, installation string) error {
	leave, err := s.table.Enter(ctx)
	if err != nil {
		return fmt.Errorf("store history: %w", err)
	}
	defer leave()
	return kv.RetryConflict(ctx, func() error {
		all, revision, err := s.read(ctx, installation)
		if err != nil {
			return err
		}
		news := s.take(installation, revision > 0)
		if len(news) == 0 {
			return nil
		}
		value, err := encode(all.with(news))
		if err == nil && revision > 0 {
			_, err = s.Table.Update(ctx, installation, value, revision)
		} else if err == nil {
			_, err = s.Table.Create(ctx, installation, value)
		}
		s.saved(installation, news, err)
		if err != nil {
			return fmt.Errorf("store history: %w", err)
		}
		return nil
	})
}

// take returns what is to be stored, and begins to count anew. An installation whose row
// is gone was erased, and nothing may bring it back.
func (s *Store) take(installation string, stored bool) hours {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.loaded[installation]
	if k == nil {
		return nil
	}
	if k.stored && !stored {
		delete(s.loaded, installation)
		return nil
	}
	k.stored = stored
	news := k.news
	k.news = nil
	return news
}

// saved notes that the counts are stored, or has them wait.
func (s *Store) saved(installation string, news hours, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.loaded[installation]
	switch {
	case k == nil:
	case err != nil:
		k.news = news.with(k.news)
	default:
		k.stored = true
	}
}

// Drop stores what was counted and forgets the installation, also when that
// failed: the error says what is lost.
func (s *Store) Drop(ctx context.Context, installation string) error {
	defer s.forget(installation)
	if !slices.Contains(s.withNews(), installation) {
		return nil
	}
	return s.save(ctx, installation)
}

// Purge removes an installation's history, here and from the table.
func (s *Store) Purge(ctx context.Context, installation string) error {
	leave, err := s.table.Enter(ctx) // a write under way must not come after the removal
	if err != nil {
		return fmt.Errorf("purge history: %w", err)
	}
	defer leave()
	s.forget(installation)
	if err := s.Table.Erase(ctx, installation); err != nil {
		return fmt.Errorf("purge history: %w", err)
	}
	return nil
}

func (s *Store) forget(installation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.loaded, installation)
}
