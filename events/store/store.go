package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats-server/v2/server"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/kv"
)

// Store is JetStream started or reached, with none of our streams opened or
// changed yet. A Bus is built on one; commands that copy a store use it alone.
type Store struct {
	*js.Link
	cfg      Config
	server   *server.Server // nil with an external cluster
	manifest Manifest
	auth     *kv.Authenticator // nil: nothing is authenticated, since whoever opened the store has no key
	health   healthCache

	cleanup []func(context.Context) error
	closing sync.Once
	closed  error
}

// Open starts or reaches JetStream. A store that must not be used is refused
// before anything of it is touched: see Inspect and Config.Validate. The context
// bounds Open alone.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the event store: %w", err)
	}
	return s, nil
}

// openStore is OpenStore with a config that was checked.
func openStore(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{cfg: cfg}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if s.cfg.embedded() {
		if err := s.start(); err != nil {
			return err
		}
	}
	var err error
	if s.Link, err = js.Connect(ctx, s.cfg.options(s.server)); err != nil {
		return err
	}
	s.defers(s.Disconnect)
	if err := s.CheckServer(ctx); err != nil {
		return err
	}
	if s.cfg.embedded() {
		return nil
	}
	return s.validateCluster(ctx)
}

// start runs the embedded server once the store is known to be fit for it.
func (s *Store) start() error {
	if err := s.validateDir(); err != nil {
		return err
	}
	unlock, err := lockDir(s.cfg.DataDir)
	if err != nil {
		return err
	}
	s.defers(func(context.Context) error { unlock(); return nil })
	if err := s.validateDir(); err != nil { // whoever held the lock until now may have changed it
		return err
	}
	dropStaging(s.cfg.DataDir)
	if s.server, err = startEmbedded(s.cfg.DataDir, s.cfg.Log); err != nil {
		return err
	}
	s.defers(s.stopServer)
	return nil
}

// Config is what the store was opened with, and the defaults of what was left out.
func (s *Store) Config() Config { return s.cfg }

// Embedded says whether the server runs in this process.
func (s *Store) Embedded() bool { return s.server != nil }

// Close stops what works on the store, ends the connection and shuts an
// embedded server down. It may be called again, and returns the same then.
func (s *Store) Close(ctx context.Context) error {
	s.closing.Do(func() {
		var errs []error
		if s.Link != nil {
			errs = append(errs, s.StopWork(ctx))
		}
		for i := len(s.cleanup) - 1; i >= 0; i-- {
			errs = append(errs, s.cleanup[i](ctx))
		}
		s.closed = errors.Join(errs...)
	})
	return s.closed
}

func (s *Store) defers(f func(context.Context) error) { s.cleanup = append(s.cleanup, f) }

func (s *Store) stopServer(context.Context) error {
	s.server.Shutdown()
	s.server.WaitForShutdown()
	return nil
}
