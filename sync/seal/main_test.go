package seal

import (
	"testing"

	"channelsync/events/kv"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
)

func TestMain(m *testing.M) { harness.Main(m) }

const inst = "01hzx3q8r9k2m4n6p8s0t2v4w6"

// keysTable opens the table that keys lie in, on a real store of the test's own.
func keysTable(t *testing.T) *kv.Table {
	t.Helper()
	return stores.Table(t, stores.Open(t), "keys")
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
	harness.OK(t, err)
	return r
}
