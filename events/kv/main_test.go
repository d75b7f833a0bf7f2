package kv

import (
	"testing"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/internal/natstest"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) {
	harness.Parallel(8) // most of what a test does is waiting
	harness.Main(m)
}

func link(t testing.TB) *js.Link {
	t.Helper()
	l, _ := natstest.Open(t, t.TempDir())
	return l
}
