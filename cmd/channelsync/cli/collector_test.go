package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"channelsync/test/harness"
)

func TestGrowthPercent(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 400, 1: 400, 24 << 20: 400, 32 << 20: 300, 48 << 20: 200, 96<<20 - 1: 100, 96 << 20: 100, 1 << 40: 100,
	} {
		if got := growthPercent(live); got != want {
			t.Errorf("of %d bytes the heap may grow by %d %%, want %d %%", live, got, want)
		}
	}
}

func percent() uint64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// TestSmallHeapMayGrow holds more and more, and sees the percentage follow after a collection.
func TestSmallHeapMayGrow(t *testing.T) {
	before := percent()
	stop := relaxCollector(func(string) (string, bool) { return "", false })
	if got := percent(); got != mostPercent {
		t.Errorf("of an empty heap: %d %%, want %d %%", got, mostPercent)
	}
	held := make([]byte, 2*leastGrowth)
	harness.Until(t, "a large heap may grow by what lives", 30*time.Second, func() bool {
		runtime.GC()
		return percent() == 100
	})
	runtime.KeepAlive(held)
	stop()
	runtime.GC()
	if got := percent(); got != before {
		t.Errorf("after the end: %d %%, want %d %% as before", got, before)
	}
}

func TestGOGCIsLeftAlone(t *testing.T) {
	before := debug.SetGCPercent(177) // as GOGC does
	defer debug.SetGCPercent(before)
	stop := relaxCollector(func(name string) (string, bool) { return "177", name == "GOGC" })
	defer stop()
	if got := percent(); got != 177 {
		t.Errorf("it is %d %%", got)
	}
}
