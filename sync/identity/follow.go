package identity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"channelsync/events/kv"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"go.uber.org/zap"
)

const (
	// everyMinute is how often it is written when tokens were used last, and how often all of
	// them are compared: a watch that was cut off for a day does not hear of what was deleted.
	everyMinute = time.Minute
	// noteWithin bounds the last write of what was used.
	noteWithin = 2 * time.Second
)

// Run takes over what other instances change, and writes when tokens were used, until ctx ends.
func (s *Store) Run(ctx context.Context) {
	var keeping sync.WaitGroup
	keeping.Go(func() {
		lifecycle.Every(ctx, everyMinute, func() {
			s.keep(ctx, s.compare)
			s.keep(ctx, s.noteUse)
		})
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
		defer cancel()
		s.keep(last, s.noteUse)
	})
	_ = s.Table.Watch(ctx, "", func(e kv.Event) { // it ends with ctx, and goes on after every failure
		if e.Deleted {
			s.end(e.Key)
			return
		}
		s.accept(e.Entry)
	})
	keeping.Wait()
}

func (s *Store) keep(ctx context.Context, work func(context.Context) error) {
	if err := panics.Try(func() error { return work(ctx) }); err != nil && ctx.Err() == nil {
		s.Log.Warn("tokens not compared with the store, retrying in a minute", zap.Error(err), panics.Stack(err))
	}
}

// compare brings what is known here in line with the table.
func (s *Store) compare(ctx context.Context) error {
	gone := map[string]bool{}
	s.mu.Lock()
	for id, t := range s.tokens {
		if s.Now().Sub(t.CreatedAt) > everyMinute { // a replica may lag, and not have it yet
			gone[id] = true
		}
	}
	s.mu.Unlock()
	err := s.Table.Each(ctx, "", func(e kv.Entry) error {
		delete(gone, e.Key)
		s.accept(e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare tokens: %w", err)
	}
	for id := range gone {
		s.remove(id)
	}
	return nil
}

// noteUse writes when tokens were used last, those that were since it was written.
func (s *Store) noteUse(ctx context.Context) error {
	s.mu.Lock()
	var due []known
	for id, at := range s.used {
		if t := s.tokens[id]; t != nil && at.Sub(t.LastUsedAt) >= everyMinute {
			k := *t
			k.LastUsedAt = at
			due = append(due, k)
		}
	}
	s.mu.Unlock()
	var errs []error
	for _, k := range due {
		// In conflict another instance wrote, or it was deleted: the next minute tells.
		if _, err := s.write(ctx, k.token, k.revision); err != nil && !errors.Is(err, kv.ErrConflict) {
			errs = append(errs, fmt.Errorf("note the use of token %s: %w", k.ID, err))
		}
	}
	return errors.Join(errs...)
}
