package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"channelsync/events/kv"
	"channelsync/test/harness"
	"channelsync/test/harness/codes"
	"channelsync/test/harness/servers"
)

// authenticator is one with keys that differ in the byte they consist of.
func authenticator(t testing.TB, fills ...byte) *kv.Authenticator {
	t.Helper()
	return kv.NewAuthenticator(kv.AuthenticatorConfig{Keys: codes.Keys(t, fills...)})
}

// authenticated opens a store with keys, and its table.
func authenticated(t testing.TB, s *Store, fills ...byte) *kv.Table {
	t.Helper()
	a := authenticator(t, fills...)
	harness.OK(t, s.Authenticate(t.Context(), a, KeysTable, "t"))
	if _, err := kv.Open(t.Context(), s.Link, kv.Config{Name: KeysTable, Secure: true, Authenticator: a}); err != nil {
		t.Fatal(err)
	}
	table, err := kv.Open(t.Context(), s.Link, kv.Config{Name: "t", Authenticator: a})
	harness.OK(t, err)
	return table
}

func valueOf(t testing.TB, table *kv.Table, key string) string {
	t.Helper()
	e, err := table.Get(t.Context(), key)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		t.Fatal(err)
	}
	return string(e.Value)
}

// forge writes as somebody on the NATS network can.
func forge(t testing.TB, s *Store, table, key string, value []byte) {
	t.Helper()
	msg := nats.NewMsg("$KV." + table + "." + key)
	msg.Data = value
	if _, err := s.JS.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

// stores runs a test on an embedded store and on one of a server elsewhere. Open opens the same one again.
func stores(t *testing.T, run func(t *testing.T, open func(...func(*Config)) *Store)) {
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		run(t, func(change ...func(*Config)) *Store {
			return open(t, append(change, func(c *Config) { c.DataDir = dir })...)
		})
	})
	t.Run("external", func(t *testing.T) {
		t.Parallel()
		srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
		run(t, func(change ...func(*Config)) *Store {
			return open(t, append(change, func(c *Config) { c.DataDir, c.URL, c.Replicas = "", srv.ClientURL(), 1 })...)
		})
	})
}

// A store from before is read once, and is one whose records all have codes afterwards; whatever comes without a code
// from the first opening on is not believed, before the manifest is signed and after it.
func TestAStoreFromBeforeIsAuthenticatedOnce(t *testing.T) {
	t.Parallel()
	stores(t, func(t *testing.T, open func(...func(*Config)) *Store) {
		s := open()
		if s.cfg.URL != "" { // a store has it: the manifest lies there
			if _, err := kv.Open(t.Context(), s.Link, kv.Config{Name: KeysTable, Secure: true}); err != nil {
				t.Fatal(err)
			}
		}
		put(t, s)
		harness.OK(t, s.WriteManifest(t.Context(), "v1.2.3", []byte("sealed")))
		if s.Manifest().Format != 2 || s.Manifest().MAC != nil {
			t.Fatalf("a store from before is signed %+v", s.Manifest())
		}
		id := s.Manifest().Store
		shut(t, s)

		s = open()
		a := authenticator(t, 1)
		harness.OK(t, s.Authenticate(t.Context(), a, KeysTable, "t", "never-made"))
		if m := s.Manifest(); m.Format != Format || m.Store != id || m.Unauthenticated["t"] == 0 {
			t.Errorf("the manifest is %+v", m)
		}
		forge(t, s, "t", "late", []byte("forged")) // before its table is opened
		shut(t, s)                                 // a crash, before anything was written again
		s = open()
		table := authenticated(t, s, 1)
		if got := valueOf(t, table, "key"); got != "value" {
			t.Errorf("what was there: %q", got)
		}
		if got := valueOf(t, table, "late"); got != "" {
			t.Errorf("what came after the first opening: %q", got)
		}
		harness.OK(t, s.WriteManifest(t.Context(), "v1.3.0", []byte("sealed")))
		if m := s.Manifest(); m.Unauthenticated["t"] != 0 || m.Store != id || m.Version != "v1.3.0" {
			t.Errorf("the manifest is %+v", m)
		}
		shut(t, s)
		s = open()
		table = authenticated(t, s, 1)
		if got := valueOf(t, table, "key"); got != "value" {
			t.Errorf("by its own code: %q", got)
		}
	})
}

// The manifest that says from when on is authenticated itself: putting back one from before makes nothing believed.
func TestTheManifestCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	stores(t, func(t *testing.T, open func(...func(*Config)) *Store) {
		s := open()
		table := authenticated(t, s, 1)
		if _, err := table.Put(t.Context(), "key", []byte("value")); err != nil {
			t.Fatal(err)
		}
		harness.OK(t, s.WriteManifest(t.Context(), "v1.3.0", []byte("sealed")))
		signed, dir := s.Manifest(), s.cfg.DataDir
		shut(t, s)
		for name, put := range map[string]func(m *Manifest){
			"one from before":             func(m *Manifest) { m.Format, m.MAC = 2, nil },
			"one that believes more":      func(m *Manifest) { m.Unauthenticated = map[string]uint64{"t": 1 << 60} },
			"one of another store":        func(m *Manifest) { m.Store = "another" },
			"one of format 2 with a code": func(m *Manifest) { m.Format = 2 },
		} {
			forged := signed
			put(&forged)
			body, err := json.Marshal(forged)
			harness.OK(t, err)
			core, logged := observer.New(zap.ErrorLevel)
			s := open(func(c *Config) { c.Log = zap.New(core) })
			forge(t, s, "t", "planted", []byte("forged"))
			if dir != "" {
				shut(t, s)
				harness.OK(t, os.WriteFile(filepath.Join(dir, manifestFile), body, 0o600))
				s = open(func(c *Config) { c.Log = zap.New(core) })
			} else {
				forge(t, s, KeysTable, manifestKey, body)
			}
			table := authenticated(t, s, 1)
			if got := valueOf(t, table, "planted"); got != "" {
				t.Errorf("%s: %q is believed", name, got)
			}
			if got := valueOf(t, table, "key"); got != "value" {
				t.Errorf("%s: ours is %q", name, got)
			}
			if logged.FilterMessageSnippet("manifest was not written by channelsync").Len() != 1 {
				t.Errorf("%s: it was not said: %v", name, logged.All())
			}
			if m := s.Manifest(); m.Unauthenticated != nil || !m.authentic(authenticator(t, 1).Keys()) {
				t.Errorf("%s: the manifest is %+v", name, m)
			}
			shut(t, s)
		}
	})
}

// Two instances that meet a store from before at once both see all of it, and neither takes the other for a forger.
func TestTwoInstancesMeetAStoreFromBefore(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	at := func(c *Config) { c.DataDir, c.URL, c.Replicas = "", srv.ClientURL(), 1 }
	old, err := kv.Open(t.Context(), open(t, at).Link, kv.Config{Name: "t"})
	harness.OK(t, err)
	for i := range 100 {
		if _, err := old.Put(t.Context(), fmt.Sprintf("k.%d", i), []byte("old")); err != nil {
			t.Fatal(err)
		}
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			table := authenticated(t, open(t, at), 1)
			n := 0
			if err := table.Each(t.Context(), "k", func(kv.Entry) error { n++; return nil }); err != nil || n != 100 {
				t.Errorf("%d of 100 records, %v", n, err)
			}
		})
	}
	both.Wait()
}

// A new master key signs the manifest anew; then the old one can go.
func TestTheManifestIsSignedWithTheNewKey(t *testing.T) {
	t.Parallel()
	stores(t, func(t *testing.T, open func(...func(*Config)) *Store) {
		for i, fills := range [][]byte{{1}, {2, 1}, {2}} {
			s := open()
			table := authenticated(t, s, fills...)
			if i == 0 {
				if _, err := table.Put(t.Context(), "key", []byte("value")); err != nil {
					t.Fatal(err)
				}
			}
			if got := valueOf(t, table, "key"); got != "value" {
				t.Errorf("with the keys %v: %q", fills, got)
			}
			harness.OK(t, s.WriteManifest(t.Context(), "v1", nil))
			shut(t, s)
		}
	})
}
