// Package codes has the keys that tests authenticate tables with.
package codes

import (
	"bytes"
	"testing"

	"channelsync/internal/mac"
	"channelsync/test/harness"
)

// Keys is a ring of keys that differ in the byte they consist of.
func Keys(t testing.TB, fills ...byte) *mac.Keys {
	t.Helper()
	var raws [][]byte
	for _, f := range fills {
		raws = append(raws, bytes.Repeat([]byte{f}, 32))
	}
	keys, err := mac.New(raws...)
	harness.OK(t, err)
	return keys
}
