package app

import (
	"testing"

	"channelsync/test/harness"
)

// A proxy must hear that an instance stops while it still takes what comes in.
func TestReadinessEndsWithTheBeginningOfTheStop(t *testing.T) {
	a := &App{}
	if _, err := a.serves().Probe(t.Context()); err != nil {
		t.Errorf("before: %v", err)
	}
	harness.OK(t, a.Stop(t.Context()))
	if _, err := a.serves().Probe(t.Context()); err == nil {
		t.Error("ready although it stops")
	}
}
