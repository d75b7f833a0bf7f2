package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/gate"
	"channelsync/internal/panics"
)

// saveEvery is how long counts may stand in memory alone.
const saveEvery = time.Minute

// Table is where the counts lie, under the id of their installation.
type Table interface {
	Get(ctx context.Context, key string) (events.Entry, error)
	// Update and Create fail with events.ErrConflict when somebody else wrote meanwhile.
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

	mu   sync.Mutex
	kept map[string]*kept // by installation
}

// kept is a loaded installation. All but saving is guarded by the store's mutex.
type kept struct {
	saving gate.Gate // for who reads or writes the table
	gone   bool      // dropped: not to be written any more

	known    bool   // the table was read
	revision uint64 // of what it held; 0: nothing
	saved    hours  // what it held
	sending  hours  // being added to it, or to be once more
	unsure   []byte // the write that carried sending, when it failed: it may have arrived
	news     hours  // counted since
}

// New makes a store that has nothing loaded.
func New(cfg Config) *Store { return &Store{Config: cfg, kept: map[string]*kept{}} }

// Load begins to count for an installation, from what is stored of it. After an
// error it counts all the same, and what is stored is added when it can be read.
func (s *Store) Load(ctx context.Context, installation string) error {
	s.mu.Lock()
	k := s.kept[installation]
	if k == nil {
		k = &kept{}
		s.kept[installation] = k
	}
	s.mu.Unlock()
	leave, err := k.saving.Enter(ctx)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	defer leave()
	return s.read(ctx, installation, k)
}

// Count adds to the running hour of an installation that is loaded; of any other
// it counts nothing.
func (s *Store) Count(installation string, c Counts) {
	if c == (Counts{}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.kept[installation]; k != nil {
		k.news.add(hourOf(s.Now()), c)
	}
}

// Hours returns the running hour and the 24 before it, oldest first, all of them.
// Of an installation that is not loaded here it returns what is stored.
func (s *Store) Hours(ctx context.Context, installation string) ([]v1.HistoryHour, error) {
	s.mu.Lock()
	k := s.kept[installation]
	if k != nil && k.known {
		defer s.mu.Unlock()
		return k.all().until(s.Now()), nil
	}
	s.mu.Unlock()
	e, err := s.Table.Get(ctx, installation)
	if err != nil && !errors.Is(err, events.ErrNotFound) {
		return nil, fmt.Errorf("read history: %w", err)
	}
	stored := s.decoded(installation, e.Value)
	if k != nil { // loaded, but what is stored could not be read then
		s.mu.Lock()
		defer s.mu.Unlock()
		if k.known {
			return k.all().until(s.Now()), nil
		}
		stored = stored.with(k.sending).with(k.news)
	}
	return stored.until(s.Now()), nil
}

func (k *kept) all() hours { return k.saved.with(k.sending).with(k.news) }

// Run stores what was counted, every minute, until ctx ends. What is counted
// after that is stored by Drop.
func (s *Store) Run(ctx context.Context) {
	t := time.NewTicker(saveEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := panics.Try(func() error { s.saveAll(ctx); return nil }); err != nil {
				s.Log.Error("storing the history panicked; it is tried again in a minute", zap.Error(err), panics.Stack(err))
			}
		}
	}
}

// saveAll stores the counts of every installation that has new ones. It stops at
// the first failure: a store that is away would fail them all, one by one.
func (s *Store) saveAll(ctx context.Context) {
	for id, k := range s.withNews() {
		if err := s.save(ctx, id, k); err != nil {
			if ctx.Err() == nil {
				s.Log.Warn("history not stored; it is tried again in a minute", zap.String(v1.LogInstallation, id), zap.Error(err))
			}
			return
		}
	}
}

func (s *Store) withNews() map[string]*kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]*kept{}
	for id, k := range s.kept {
		if len(k.news)+len(k.sending) > 0 {
			out[id] = k
		}
	}
	return out
}

// Drop stores what was counted and forgets the installation, also when that
// failed: the error says what is lost.
func (s *Store) Drop(ctx context.Context, installation string) error {
	s.mu.Lock()
	k := s.kept[installation]
	s.mu.Unlock()
	if k == nil {
		return nil
	}
	err := s.save(ctx, installation, k)
	s.forget(installation, k)
	return err
}

// Purge removes an installation's history, here and from the table.
func (s *Store) Purge(ctx context.Context, installation string) error {
	s.mu.Lock()
	k := s.kept[installation]
	s.mu.Unlock()
	if k != nil {
		leave, err := k.saving.Enter(ctx) // a write under way must not come after the removal
		if err != nil {
			return fmt.Errorf("purge history: %w", err)
		}
		defer leave()
		s.forget(installation, k)
	}
	if err := s.Table.Erase(ctx, installation); err != nil {
		return fmt.Errorf("purge history: %w", err)
	}
	return nil
}

func (s *Store) forget(installation string, k *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.gone = true
	if s.kept[installation] == k {
		delete(s.kept, installation)
	}
}
