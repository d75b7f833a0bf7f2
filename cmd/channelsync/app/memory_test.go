package app

import (
	"context"
	"runtime/debug"
	"testing"
	"time"

	"go.uber.org/zap"

	"channelsync/cmd/channelsync/config"
	"channelsync/test/harness"
)

// TestMemoryLimitStands shows that what an operator set with GOMEMLIMIT and GOGC is in
// force after everything was opened: the embedded NATS sets nothing of its own either.
func TestMemoryLimitStands(t *testing.T) {
	const limit, percent = 1 << 40, 177
	before, beforePercent := debug.SetMemoryLimit(limit), debug.SetGCPercent(percent) // as GOMEMLIMIT and GOGC do
	t.Cleanup(func() { debug.SetMemoryLimit(before); debug.SetGCPercent(beforePercent) })
	cfg, err := config.Parse([]string{
		"--callback-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--data-dir=" + t.TempDir(),
	}, func(string) (string, bool) { return "", false })
	harness.OK(t, err)
	a, err := New(t.Context(), Options{Config: cfg, Version: "test", Log: zap.NewNop()})
	harness.OK(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	harness.OK(t, a.Start(t.Context()))
	if got := debug.SetMemoryLimit(-1); got != limit {
		t.Errorf("the memory limit is %d, want %d", got, limit)
	}
	if got := debug.SetGCPercent(percent); got != percent {
		t.Errorf("the collector's percentage is %d, want %d", got, percent)
	}
}
