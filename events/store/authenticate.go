package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/kv"
	"channelsync/internal/lifecycle"
)

// Authenticate lets the tables of the store be opened with an Authenticator, and the
// manifest be written with a code. Call it before any of the tables is opened.
//
// A store from before has tables full of records without a code. Its manifest gets the last
// revision of each table then, and up to it such a record is believed: later ones never are,
// so there is no moment at which somebody else's would be. Once a table was opened everything
// in it has a code, and the next WriteManifest takes the revision out again.
//
// A manifest without a right code is not taken for one of such a store when any of the tables
// holds a record with one: then somebody else wrote the manifest, to have forged records
// believed, and nothing without a code is.
func (s *Store) Authenticate(ctx context.Context, auth *kv.Authenticator, tables ...string) error {
	s.auth = auth
	ctx, cancel := context.WithTimeoutCause(ctx, js.ReadyTimeout, fmt.Errorf("not within %s", js.ReadyTimeout))
	defer cancel()
	for {
		err := s.UntilReady(ctx, "authenticate the store", func(ctx context.Context) error { return s.authenticate(ctx, tables) })
		if !errors.Is(err, kv.ErrConflict) || lifecycle.Sleep(ctx, js.AskAgain) != nil {
			return err
		}
	}
}

// authenticate is one try; kv.ErrConflict when another instance wrote the manifest meanwhile.
func (s *Store) authenticate(ctx context.Context, tables []string) error {
	manifest, at, err := s.presentManifest(ctx)
	if err != nil {
		return err
	}
	if manifest.authentic(s.auth.Keys()) && manifest.Format >= FormatAuthenticated {
		if err := s.writeManifest(ctx, manifest, at); err != nil { // with the key that authenticates now
			return err
		}
		s.auth.Believe(manifest.Unauthenticated)
		return nil
	}
	until, known := map[string]uint64{}, false
	for _, table := range tables {
		found, err := kv.HasAuthentic(ctx, s.Link, s.auth.Keys(), table)
		if err != nil {
			return fmt.Errorf("look through table %s: %w", table, err)
		}
		known = known || found
		handle, err := s.Find(ctx, "KV_"+table)
		if err != nil {
			return fmt.Errorf("ask table %s: %w", table, err)
		}
		if handle != nil && handle.CachedInfo().State.LastSeq > 0 {
			until[table] = handle.CachedInfo().State.LastSeq
		}
	}
	manifest.Unauthenticated = until
	if known || len(until) == 0 {
		manifest.Unauthenticated = nil
	}
	if err := s.writeManifest(ctx, manifest, at); err != nil {
		return err
	}
	if known && manifest.Store != "" {
		s.Log.Error("the store's manifest was not written by channelsync, or with another master key; records without a code are ignored")
	}
	if len(s.manifest.Unauthenticated) > 0 {
		s.Log.Info("records of the store get codes: it is from before they had any", zap.Int("tables", len(until)))
	}
	s.auth.Believe(s.manifest.Unauthenticated)
	return nil
}

// presentManifest reads the manifest again, in a cluster from the leader, with its revision there.
func (s *Store) presentManifest(ctx context.Context) (Manifest, *uint64, error) {
	if s.cfg.embedded() {
		return s.manifest, nil, nil
	}
	at := uint64(0)
	keys, err := s.Find(ctx, "KV_"+KeysTable)
	if err != nil {
		return Manifest{}, nil, err
	}
	if keys == nil { // the manifest lies in it
		if _, err := kv.Open(ctx, s.Link, kv.Config{Name: KeysTable, Secure: true}); err != nil {
			return Manifest{}, nil, err
		}
		return Manifest{}, &at, nil
	}
	msg, err := keys.GetLastMsgForSubject(ctx, "$KV."+KeysTable+"."+manifestKey)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Manifest{}, &at, nil
	}
	if err != nil {
		return Manifest{}, nil, err
	}
	manifest, err := parseManifest(msg.Data)
	if errors.Is(err, ErrNewerStore) {
		return Manifest{}, nil, err
	}
	if err != nil {
		manifest = s.manifest // it was valid when the store was opened, so this is nobody's of ours
	}
	return manifest, &msg.Sequence, nil
}
