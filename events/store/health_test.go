package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"channelsync/events/kv"
	"channelsync/test/harness"
	"channelsync/test/harness/servers"

	"github.com/nats-io/nats-server/v2/server"
)

// TestReadinessDoesNotWaitForTheNextWrite: a table whose last write failed while its servers elected a leader was taken
// for one that takes none until it was written again: a minute for the history, for installations whenever somebody
// changed one.
func TestReadinessDoesNotWaitForTheNextWrite(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	b := open(t, func(c *Config) { c.DataDir, c.URL, c.Replicas = "", srv.ClientURL(), 1 })
	for _, cfg := range []kv.Config{
		{Name: "plain"}, {Name: "secure", Secure: true}, {Name: "passing", TTL: time.Hour}, {Name: "memory", Memory: true},
	} {
		table, err := kv.Open(t.Context(), b.Link, cfg)
		harness.OK(t, err)
		table.Failing.Store(true)
		b.health.at = time.Time{}
		if h := b.Health(t.Context()); h.Err != nil || table.Failing.Load() {
			t.Errorf("%s: nobody tried whether it takes writes: %+v", cfg.Name, h)
		}
		// Nobody reads a trace of the trial.
		if _, err := table.Put(t.Context(), "last", []byte("value")); err != nil {
			t.Fatal(err)
		}
		keys := 0
		if err := table.Each(t.Context(), "", func(kv.Entry) error { keys++; return nil }); err != nil || keys != 1 {
			t.Errorf("%s: %d keys, want 1 (%v)", cfg.Name, keys, err)
		}
		watching, seen := context.WithCancel(t.Context())
		if err := table.Watch(watching, "", func(e kv.Event) {
			if e.Key != "last" {
				t.Errorf("%s: saw %q", cfg.Name, e.Key)
			}
			seen()
		}); err != nil {
			t.Error(err)
		}
	}
}

// TestAProbeThatGaveUpIsNobodyElses: what failed since its caller went away is not
// everybody's answer.
func TestAProbeThatGaveUpIsNobodyElses(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	b := open(t, func(c *Config) { c.DataDir, c.URL, c.Replicas = "", srv.ClientURL(), 1 })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if h := b.Health(gone); h.Err == nil {
		t.Error("a caller that is gone gets no error")
	}
	if h := b.Health(t.Context()); h.Err != nil || h.ServerVersion == "" {
		t.Errorf("another one gets %+v", h)
	}
}

// TestAProbeWaitsForNobody: while one look does not end, others leave with their own deadline.
func TestAProbeWaitsForNobody(t *testing.T) {
	t.Parallel()
	b := open(t)
	leave := b.health.observing.TryEnter()
	if leave == nil {
		t.Fatal("somebody looks")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if h := b.Health(ctx); !errors.Is(h.Err, context.DeadlineExceeded) {
		t.Errorf("got %+v", h)
	}
	leave()
	if h := b.Health(t.Context()); h.Err != nil {
		t.Errorf("afterwards %+v", h)
	}
}
