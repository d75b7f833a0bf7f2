package kv

import (
	"testing"

	"go.uber.org/goleak"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/internal/natstest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The server's clocks and pools that live as long as the process.
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"),
	)
}

func link(t testing.TB) *js.Link {
	t.Helper()
	l, _ := natstest.Open(t, t.TempDir())
	return l
}
