package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
)

// save adds what was counted to what the table holds. Another instance may have
// had the installation and write the last of its counts only now: both are kept.
func (s *Store) save(ctx context.Context, installation string, k *kept) error {
	leave, err := k.saving.Enter(ctx)
	if err != nil {
		return fmt.Errorf("store history: %w", err)
	}
	defer leave()
	return events.RetryConflict(ctx, func() error {
		if err := s.read(ctx, installation, k); err != nil {
			return err
		}
		return s.write(ctx, installation, k)
	})
}

// read looks what the table holds, unless that is known.
func (s *Store) read(ctx context.Context, installation string, k *kept) error {
	s.mu.Lock()
	known := k.gone || k.known && k.unsure == nil
	s.mu.Unlock()
	if known {
		return nil
	}
	e, err := s.Table.Get(ctx, installation)
	if err != nil && !errors.Is(err, events.ErrNotFound) {
		return fmt.Errorf("read history: %w", err)
	}
	stored := s.decoded(installation, e.Value)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && k.revision > 0 {
		k.gone = true // it was there: the installation was erased, and nothing may bring it back
		delete(s.kept, installation)
		return nil
	}
	if k.unsure != nil && bytes.Equal(k.unsure, e.Value) {
		k.sending = nil // it had arrived
	}
	k.known, k.revision, k.saved, k.unsure = true, e.Revision, stored, nil
	return nil
}

// write sends what the table should hold.
func (s *Store) write(ctx context.Context, installation string, k *kept) error {
	s.mu.Lock()
	k.sending, k.news = k.sending.with(k.news), nil
	sum, revision := k.saved.with(k.sending), k.revision
	nothing := k.gone || len(k.sending) == 0
	s.mu.Unlock()
	if nothing {
		return nil
	}
	value, err := encode(sum)
	if err != nil {
		return err
	}
	if revision == 0 {
		revision, err = s.Table.Create(ctx, installation, value)
	} else {
		revision, err = s.Table.Update(ctx, installation, value, revision)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, events.ErrConflict):
		k.known = false
		return fmt.Errorf("store history: %w", err)
	case err != nil:
		k.unsure = value
		return fmt.Errorf("store history: %w", err)
	}
	k.revision, k.saved, k.sending = revision, sum, nil
	return nil
}

// decoded reads a stored value; what cannot be read is no reason to fail anybody.
func (s *Store) decoded(installation string, value []byte) hours {
	if len(value) == 0 {
		return nil
	}
	hs, err := decode(value)
	if err != nil {
		s.Log.Warn("stored history cannot be read and begins anew", zap.String(v1.LogInstallation, installation), zap.Error(err))
	}
	return hs
}
