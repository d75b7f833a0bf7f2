package seal

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const inst = "01hzx3q8r9k2m4n6p8s0t2v4w6"

// keysTable opens the table that keys lie in, on a real store of the test's own.
func keysTable(t *testing.T) *kv.Table {
	t.Helper()
	bus, err := events.Open(t.Context(), store.Config{DataDir: t.TempDir(), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := bus.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	table, err := bus.Table(t.Context(), kv.Config{Name: "keys", History: 1, Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// ringOf makes a ring of keys that are each one repeated byte.
func ringOf(t testing.TB, seeds ...byte) *Ring {
	t.Helper()
	var raws [][]byte
	for _, s := range seeds {
		raw := make([]byte, KeySize)
		for i := range raw {
			raw[i] = s
		}
		raws = append(raws, raw)
	}
	r, err := NewRing(raws...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
