//go:build !linux

package store

import (
	"testing"

	"channelsync/test/harness"
)

func breakWrites(t *testing.T, _ string) {
	t.Helper()
	harness.NotTested(t, "no list of open files here")
}
