package events

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"channelsync/events/internal/natstest"
	"channelsync/test/stress"
)

// TestAnswersStopUnderStress: a question that comes with the stop is either
// answered before the stop returns, or not begun.
func TestAnswersStopUnderStress(t *testing.T) {
	t.Parallel()
	srv := natstest.External(t, &server.Options{StoreDir: t.TempDir()})
	b := open(t, func(c *Config) { c.DataDir, c.URL, c.Replicas = "", srv.ClientURL(), 1 })
	ask := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		_, _ = b.Ask(ctx, "b", "echo", nil) // whether there is an answer depends on the moment
		return nil
	}
	answer := func() error {
		var over atomic.Bool
		stop, err := b.Answer("b", "echo", func(context.Context, []byte) []byte {
			if over.Load() {
				t.Error("a question is answered after the stop")
			}
			return nil
		})
		if err != nil {
			return err
		}
		for range 3 {
			_ = ask()
		}
		stop()
		over.Store(true)
		return nil
	}
	stress.Run(t, ask, ask, ask, ask, answer)
}
