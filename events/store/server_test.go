package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSecondOpenerIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, func(c *Config) { c.DataDir = dir })
	_, err := Open(t.Context(), Config{DataDir: dir})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	shut(t, b)
	shut(t, open(t, func(c *Config) { c.DataDir = dir }))
}

func TestEmbeddedListensNowhere(t *testing.T) {
	t.Parallel()
	b := open(t)
	if b.server.Addr() != nil || b.server.MonitorAddr() != nil {
		t.Error("the embedded server opened a socket")
	}
	cfg := b.server.JetStreamConfig()
	if !cfg.SyncAlways || !strings.HasPrefix(cfg.StoreDir, b.cfg.DataDir) || cfg.MaxStore <= 0 {
		t.Errorf("runs with %+v", cfg)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	b := open(t)
	h := b.Health(t.Context())
	if h.Err != nil || !h.Embedded || h.Flush != "always" || h.Replicas != 1 || len(h.Frozen) > 0 ||
		h.ServerVersion == "" {
		t.Errorf("healthy: %+v", h)
	}
	shut(t, b)
	b.health.at = time.Time{}
	if h := b.Health(t.Context()); h.Err == nil {
		t.Errorf("closed: %+v", h)
	}
}

// TestHealthSeesAFrozenStream makes a stream's writes fail the way a bad disk does.
func TestHealthSeesAFrozenStream(t *testing.T) {
	b := open(t)
	put(t, b)
	breakWrites(t, filepath.Join(streamsDir(b.cfg.DataDir), tableStream, "msgs"))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := putIn(ctx, t, b); err == nil {
		t.Fatal("acknowledged what could not be written")
	}
	b.health.at = time.Time{}
	h := b.Health(t.Context())
	if h.Err == nil || len(h.Frozen) != 1 || h.Frozen[0] != tableStream {
		t.Errorf("%+v", h)
	}
	if again := b.Health(t.Context()); again.Err == nil {
		t.Error("the remembered answer differs")
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"no data dir":         {},
		"key without cert":    {URL: "nats://h", Key: "k"},
		"domain, embedded":    {DataDir: "d", Domain: "hub"},
		"embedded replicas":   {DataDir: "d", Replicas: 3},
		"too many replicas":   {URL: "nats://h", Replicas: 6},
		"negative retention":  {DataDir: "d", Retention: -1},
		"negative journal":    {DataDir: "d", JournalMaxBytes: -1},
		"negative replicas":   {DataDir: "d", Replicas: -1},
		"cert without key":    {URL: "nats://h", Cert: "c"},
		"no data dir, one of": {Replicas: 1},
	} {
		if _, err := Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if c, err := (Config{URL: "nats://h"}).checked(); err != nil || c.Replicas != 3 {
		t.Errorf("external default: %d, %v", c.Replicas, err)
	}
}
