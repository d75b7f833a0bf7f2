package events

import (
	"testing"

	"channelsync/events/internal/natstest"
)

// Signals and changes of tables are taken on goroutines of the connection. What one of
// them does to its taker harms that one alone.
func TestAPanicAtOneSignalLeavesTheNextOnes(t *testing.T) {
	t.Parallel()
	b := open(t)
	heard := make(chan string, 1)
	err := b.Signals(t.Context(), "feed", "*", func(_ string, data []byte) {
		if string(data) == "poison" {
			panic("stepped on it")
		}
		heard <- string(data)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"poison", "next"} {
		if err := b.Signal("feed", inst, []byte(what)); err != nil {
			t.Fatal(err)
		}
	}
	natstest.Await(t, heard, "next")
}
