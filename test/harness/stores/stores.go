// Package stores opens real event stores for tests: the embedded NATS server in a directory of
// the test's own.
package stores

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/test/harness"
	"channelsync/test/harness/codes"
)

// closesWithin bounds how long a store may take to close.
const closesWithin = 20 * time.Second

// Open opens a store, which the test's cleanup closes.
func Open(t testing.TB, change ...func(*store.Config)) *events.Bus {
	t.Helper()
	b := In(t, t.TempDir(), change...)
	t.Cleanup(func() { Close(t, b) })
	return b
}

// In opens the store of a directory. The test closes it, since it opens it more than once.
func In(t testing.TB, dir string, change ...func(*store.Config)) *events.Bus {
	t.Helper()
	cfg := store.Config{DataDir: dir, Log: zap.NewNop()}
	for _, c := range change {
		c(&cfg)
	}
	b, err := events.Open(t.Context(), cfg)
	harness.OK(t, err)
	return b
}

// Close closes a store; the context of a test has ended by the time of its cleanup.
func Close(t testing.TB, b *events.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), closesWithin)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Errorf("close the store: %v", err)
	}
}

// Table opens a table of a store, with one revision of each key.
func Table(t testing.TB, b *events.Bus, name string) *kv.Table {
	t.Helper()
	return table(t, b, kv.Config{Name: name, History: 1, Secure: name == "keys"})
}

// Authenticated is Table with one key for all tests: what is written without it is passed over.
func Authenticated(t testing.TB, b *events.Bus, name string) *kv.Table {
	t.Helper()
	return table(t, b, kv.Config{
		Name: name, History: 1, Secure: name == "keys" || name == "tokens",
		Authenticator: kv.NewAuthenticator(kv.AuthenticatorConfig{Keys: codes.Keys(t, 1)}),
	})
}

func table(t testing.TB, b *events.Bus, cfg kv.Config) *kv.Table {
	t.Helper()
	table, err := b.Table(t.Context(), cfg)
	harness.OK(t, err)
	return table
}
