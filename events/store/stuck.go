package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	js "channelsync/events/internal/jetstream"
)

const (
	stuckEvery  = 2 * time.Second
	stuckChecks = 3       // unhealthy ones in a row
	stuckNeeded = 4 << 20 // bytes that the disk must take before a restart has a chance
)

// AwaitStuck returns an error once the embedded server takes no writes although
// its disk does: after a write error (a full disk, mostly) it stays frozen until it
// is started again, and nobody should have to notice. It returns nil when the
// context ends, and with an external cluster does nothing else.
func (s *Store) AwaitStuck(ctx context.Context) error {
	if s.server == nil {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(stuckEvery)
	defer tick.Stop()
	for unhealthy := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		health := s.Health(ctx)
		if health.Err == nil || errors.Is(health.Err, js.ErrClosed) {
			unhealthy = 0
			continue
		}
		if unhealthy++; unhealthy >= stuckChecks && takesWrites(s.cfg.DataDir) == nil {
			return fmt.Errorf("the event store is frozen by an earlier write error and its disk takes writes again; "+
				"only a start anew helps: %w", health.Err)
		}
	}
}

// takesWrites tries whether a disk has room and takes it.
func takesWrites(dir string) (err error) {
	f, err := os.OpenFile(filepath.Join(dir, "disk-check"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, stuckNeeded)); err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	return nil
}
