//go:build !linux

package store

import (
	"testing"

	"channelsync/events/internal/natstest"
)

func breakWrites(t *testing.T, _ string) {
	t.Helper()
	natstest.NotTested(t, "no list of open files here")
}
