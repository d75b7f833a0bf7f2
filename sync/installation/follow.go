package installation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
)

// Watched publishes the changes that other processes make.
type Watched interface {
	Watch(ctx context.Context, prefix string, fn func(kv.Event)) error
}

// refreshEvery is how often everything is compared besides: an erasure leaves no
// trace on the stream for whoever was away meanwhile.
const refreshEvery = time.Minute

// Follow takes over what other processes change until ctx ends. It calls changed with each
// installation that was changed or removed, however it learned of that; changed must not block.
func (s *Store) Follow(ctx context.Context, table Watched, changed func(id string), log *zap.Logger) {
	s.mu.Lock()
	s.changed = changed
	s.mu.Unlock()
	var comparing sync.WaitGroup
	comparing.Go(func() {
		lifecycle.Every(ctx, refreshEvery, func() {
			if err := panics.Try(func() error { return s.compare(ctx) }); err != nil && ctx.Err() == nil {
				log.Warn("compare installations with the store failed, retrying", zap.Error(err), panics.Stack(err))
			}
		})
	})
	_ = table.Watch(ctx, "", func(e kv.Event) { // it ends with ctx, and goes on after every failure
		if err := s.follow(ctx, e); err != nil {
			log.Warn("read change of installation failed, the next comparison finds it", zap.String(v1.LogInstallation, e.Key), zap.Error(err))
		}
	})
	comparing.Wait()
}

func (s *Store) follow(ctx context.Context, e kv.Event) error {
	leave, err := s.change(ctx, e.Key)
	if err != nil {
		return err
	}
	defer leave()
	if e.Deleted {
		if err := s.reload(ctx, e.Key); !errors.Is(err, ErrNotFound) {
			return err
		}
		return nil
	}
	return s.accept(ctx, e.Entry)
}

// Load reads an installation that is not known here and may have been made by
// another process a moment ago; ErrNotFound when there is none.
func (s *Store) Load(ctx context.Context, id string) error {
	leave, err := s.change(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	return s.reload(ctx, id)
}

// Refresh brings everything known here in line with the stream, as of a moment after
// it was called. Callers at the same time share one reading.
func (s *Store) Refresh(ctx context.Context) error {
	asked := time.Now()
	leave, err := s.refreshing.Enter(ctx)
	if err != nil {
		return fmt.Errorf("compare installations: %w", err)
	}
	defer leave()
	if s.refreshedAfter(asked) {
		return nil
	}
	began := time.Now()
	if err := s.compare(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshed = began
	return nil
}

func (s *Store) refreshedAfter(t time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.refreshed.After(t)
}

func (s *Store) compare(ctx context.Context) error {
	before := s.known()
	var unread []error
	err := s.table.Each(ctx, "", func(e kv.Entry) error {
		delete(before, e.Key)
		unread = append(unread, s.follow(ctx, kv.Event{Entry: e})) // one that cannot be read keeps no other back
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare installations: %w", err)
	}
	for id := range before { // not there when it was read; made sure of one by one
		if err := s.Load(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return errors.Join(unread...)
}

func (s *Store) known() map[string]bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	ids := make(map[string]bool, len(s.all)+len(s.leaving))
	for id := range s.all {
		ids[id] = true
	}
	for id := range s.leaving {
		ids[id] = true
	}
	return ids
}

// reload reads one installation from the stream; its lock is held. Erasing destroys the key of an installation before its
// record. So one that is not there while its key is was taken away, or written over, by somebody else: it is written again.
func (s *Store) reload(ctx context.Context, id string) error {
	e, err := s.table.Get(ctx, id)
	if errors.Is(err, kv.ErrNotFound) {
		if e, err = s.putBack(ctx, id); errors.Is(err, ErrNotFound) {
			s.remove(id)
			return ErrNotFound
		}
	}
	if err != nil {
		return fmt.Errorf("read installation %s: %w", id, err)
	}
	if err := s.accept(ctx, e); err != nil {
		return err
	}
	_, err = s.Get(id)
	return err
}

// putBack stores an installation as it is known here; ErrNotFound when it is not known, or was erased. Its lock is held.
func (s *Store) putBack(ctx context.Context, id string) (kv.Entry, error) {
	s.mu.RLock()
	h := s.all[id]
	s.mu.RUnlock()
	if h == nil {
		return kv.Entry{}, ErrNotFound
	}
	destroyed, err := s.vault.Destroyed(ctx, id)
	if err != nil {
		return kv.Entry{}, err
	}
	if destroyed {
		return kv.Entry{}, ErrNotFound
	}
	b, err := s.encode(ctx, h.in, h.extra)
	if err != nil {
		return kv.Entry{}, err
	}
	return s.table.GetOrCreate(ctx, id, func() []byte { return b })
}

// accept takes an entry over unless what is known here is as new; its lock is held.
func (s *Store) accept(ctx context.Context, e kv.Entry) error {
	s.mu.RLock()
	cur, left := s.all[e.Key], s.leaving[e.Key]
	s.mu.RUnlock()
	if left || cur != nil && cur.revision >= e.Revision {
		return nil
	}
	h, err := s.decode(ctx, e)
	if errors.Is(err, kv.ErrNotFound) {
		return nil // its key was destroyed since: what says so is on its way
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	if h == nil {
		delete(s.all, e.Key)
		s.leaving[e.Key] = true
		s.vault.Forget(e.Key)
	} else {
		s.all[e.Key] = h
	}
	changed := s.changed
	s.mu.Unlock()
	if changed != nil {
		changed(e.Key)
	}
	return nil
}

// remove forgets an installation that is not stored any more; its lock is held.
func (s *Store) remove(id string) {
	s.mu.Lock()
	was := s.all[id] != nil || s.leaving[id]
	delete(s.all, id)
	delete(s.leaving, id)
	changed := s.changed
	s.mu.Unlock()
	if !was {
		return
	}
	s.vault.Forget(id)
	if changed != nil {
		changed(id)
	}
}
