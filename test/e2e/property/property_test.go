package property

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/test/e2e/world"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

const (
	lanes   = 3  // most of a check is waiting, so that lanes can share a core
	longest = 40 // steps of a history
	// settles bounds how long both sides may differ after the last step.
	settles = 20 * time.Second
)

// TestAnyHistoryEndsInWhatTheRulesSay plays random histories, each in a world of its own.
func TestAnyHistoryEndsInWhatTheRulesSay(t *testing.T) {
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane+1), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				play := rapid.SliceOfN(oneStep(), 10, longest).Draw(rt, "steps")
				seed := rapid.Int64Range(1, 1000).Draw(rt, "tenant")
				// Drawn as a whole first: the world belongs to a test of its own, whose clean-up ends it.
				if !t.Run("history", func(t *testing.T) { run(t, seed, play) }) {
					rt.Fatalf("both sides differ after %d steps", len(play))
				}
			})
		})
	}
}

// history is one world and what happened in it.
type history struct {
	*world.World
	t       *testing.T
	done    []string
	running bool
}

func run(t *testing.T, seed int64, play []step) {
	h := begin(t, seed)
	for _, s := range play {
		h.do(s)
		h.Expected() // what is in scope only between two steps may have been pushed
	}
	h.end()
}

// begin starts a world with a small tenant that is live.
func begin(t *testing.T, seed int64) *history {
	t.Helper()
	w := world.New(t, world.Options{
		Autotask: atsim.Config{
			Seed: seed, Scale: 0.01, Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1},
		},
		Settings: map[string]string{
			"coalesce-window": "20ms", "contract-poll-interval": "1s", "contract-parts-interval": "1s", "webhook-check-interval": "1s",
		},
	})
	w.Autotask.Seed(atsim.SeedSpec{Companies: 12, UnitPeriods: 2, Seed: seed})
	h := &history{World: w, t: t, running: true}
	in := w.Install()
	if err := w.TryAgree(settles); err != nil {
		t.Fatalf("after the backfill: %v", err)
	}
	w.Until(in.ID, "live", settles, func(in v1.Installation) bool { return in.State == v1.StateLive })
	return h
}

// end lets everything come to rest and compares.
func (h *history) end() {
	h.t.Helper()
	h.Autotask.ClearFaults(0)
	if !h.running {
		h.Start()
	}
	err := h.TryAgree(settles)
	if err == nil {
		h.DeliverAll(settles) // what comes late must not undo it
		err = h.TryAgree(settles)
	}
	if err != nil {
		h.t.Fatalf("after\n  %s\n%v", strings.Join(h.done, "\n  "), err)
	}
	if o := h.Target.Overlaps(); len(o) > 0 {
		h.t.Errorf("overlapping writes: %+v", o)
	}
}

// misbehave puts a fault of the callouts in force for the next few.
func (h *history) misbehave(which, how int) string {
	kinds := []atsim.Fault{
		{Kind: fault.Lose, Action: "Update"}, // a deletion that is never told of leaves no trace but its absence
		{Kind: fault.Lose, Action: "Create"},
		{Kind: fault.Gap, Logged: true},
		{Kind: fault.Duplicate, Count: 3},
		{Kind: fault.Reorder},
		{Kind: fault.BadSign},
		{Kind: fault.UnknownGUID},
		{Kind: fault.NoFields},
		{Kind: fault.Values},
		{Kind: fault.EntityType, Text: "companies"},
	}
	f := kinds[which%len(kinds)]
	f.Next = 1 + how%5
	if f.Kind == fault.EntityType {
		f.Entity = "Companies"
	}
	h.Autotask.SetFault(f)
	return fmt.Sprintf("the next %d callouts: %s %s", f.Next, f.Kind, f.Action)
}

// restart stops the service, or starts it again: edits go on meanwhile.
func (h *history) restart(int, int) string {
	if h.running = !h.running; h.running {
		h.Start()
		return "the service starts"
	}
	h.Stop()
	return "the service stops"
}
