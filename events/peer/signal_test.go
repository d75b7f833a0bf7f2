package peer

import (
	"testing"

	"channelsync/events/internal/natstest"
	"channelsync/test/harness"
)

// Signals are taken on a goroutine of the connection. What one of them does to its taker harms that one alone.
func TestAPanicAtOneSignalLeavesTheNextOnes(t *testing.T) {
	t.Parallel()
	link, _ := natstest.Open(t, t.TempDir())
	b := New(link)
	received := make(chan string, 1)
	err := b.Subscribe(t.Context(), "feed", "*", func(_ string, data []byte) {
		if string(data) == "poison" {
			panic("stepped on it")
		}
		received <- string(data)
	})
	harness.OK(t, err)
	for _, what := range []string{"poison", "next"} {
		harness.OK(t, b.Publish("feed", natstest.Installation, []byte(what)))
	}
	harness.Next(t, received, "next")
}
