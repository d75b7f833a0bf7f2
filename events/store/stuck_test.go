package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A frozen store is reported where only a restart of the process helps. A disk that takes no
// writes is not reported, since a restart would not help.
func TestAFrozenStoreOnAGoodDiskIsReported(t *testing.T) {
	t.Parallel()
	b := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*stuckChecks*stuckEvery)
	defer cancel()
	stuck := make(chan error, 1)
	go func() { stuck <- b.AwaitStuck(ctx) }()
	put(t, b)
	breakWrites(t, filepath.Join(streamsDir(b.cfg.DataDir), tableStream, "msgs"))
	short, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if err := putIn(short, t, b); err == nil {
		t.Fatal("acknowledged what could not be written")
	}
	if err := <-stuck; err == nil || !strings.Contains(err.Error(), tableStream) {
		t.Errorf("got %v, want the frozen stream", err)
	}
	if err := takesWrites(filepath.Join(b.cfg.DataDir, "nowhere")); err == nil {
		t.Error("a disk that takes no file is good")
	}
}

func TestAHealthyStoreIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), stuckEvery+stuckEvery/2)
	defer cancel()
	if err := b.AwaitStuck(ctx); err != nil {
		t.Error(err)
	}
}
