package property

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

const (
	lanes   = 6  // most of a check is waiting, so that lanes can share a core
	longest = 40 // steps of a history
	// agreesWithin bounds how long both sides may differ after the last step.
	agreesWithin = 60 * time.Second
)

// TestAnyHistoryEndsInWhatTheRulesSay plays random histories, each in a harness of its own.
func TestAnyHistoryEndsInWhatTheRulesSay(t *testing.T) {
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane+1), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				c := oneCircumstance().Draw(rt, "circumstance")
				play := rapid.SliceOfN(oneStep(), 10, longest).Draw(rt, "steps")
				// Drawn as a whole first: the harness belongs to a test of its own, whose clean-up ends it.
				if !t.Run("history", func(t *testing.T) { run(t, c, play) }) {
					rt.Fatalf("both sides differ after %d steps", len(play))
				}
			})
		})
	}
}

// circumstance is what differs between tenants and builds of Autotask.
type circumstance struct {
	Seed     int64 // of the tenant's data
	Syncs    int
	Undated  bool // contracts have no modification time
	ZonedDay bool // dates end in Z everywhere
	NullGone bool // a GET of what is not there answers null instead of 404
	Typed    bool // callbacks carry numbers as such
}

func oneCircumstance() *rapid.Generator[circumstance] {
	return rapid.Custom(func(t *rapid.T) circumstance {
		return circumstance{
			Seed: rapid.Int64Range(1, 1000).Draw(t, "seed"), Syncs: rapid.IntRange(0, 4).Draw(t, "syncs"),
			Undated: rapid.Bool().Draw(t, "undated"), ZonedDay: rapid.Bool().Draw(t, "zonedDay"),
			NullGone: rapid.Bool().Draw(t, "nullGone"), Typed: rapid.Bool().Draw(t, "typed"),
		}
	})
}

// syncs are both in most histories.
func (c circumstance) syncs() []v1.Sync {
	switch c.Syncs {
	case 0:
		return []v1.Sync{v1.SyncActiveCustomers}
	case 1:
		return []v1.Sync{v1.SyncActiveCustomerContracts}
	default:
		return v1.Syncs
	}
}

// history is one harness and what happened in it.
type history struct {
	*service.Harness
	t       *testing.T
	syncs   []v1.Sync
	done    []string
	running bool
}

func run(t *testing.T, c circumstance, play []step) {
	h := begin(t, c)
	for _, s := range play {
		h.do(s)
		h.Expected(h.syncs...) // what is in scope only between two steps may have been pushed
	}
	h.end()
}

// begin starts a harness with a small tenant that is live.
func begin(t *testing.T, c circumstance) *history {
	t.Helper()
	modes := atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1, TypedValues: c.Typed}
	if c.NullGone {
		modes.NotFound = "null"
	}
	w := service.New(t, service.Options{
		Autotask: atsim.Config{Seed: c.Seed, Scale: 0.01, Undated: c.Undated, DatesWithZone: c.ZonedDay, Modes: modes},
		Settings: map[string]string{
			"coalesce-window": "20ms", "contract-poll-interval": "1s", "contract-parts-interval": "1s", "webhook-check-interval": "1s",
		},
	})
	w.Autotask.Seed(atsim.SeedSpec{Companies: 12, UnitPeriods: 2, Seed: c.Seed})
	goOn(t, w)
	h := &history{Harness: w, t: t, running: true, syncs: c.syncs()}
	in := w.Install(h.syncs...)
	if err := w.TryAgree(agreesWithin, h.syncs...); err != nil {
		t.Fatalf("after the backfill: %v", err)
	}
	w.Until(in.ID, "live", agreesWithin, func(in v1.Installation) bool { return in.State == v1.StateLive })
	return h
}

// goOn lets contracts that have ended go on: only the daily sweep compares what hangs on one that has.
func goOn(t *testing.T, w *service.Harness) {
	t.Helper()
	for _, r := range w.Autotask.All("Contracts") {
		if running(r) {
			continue
		}
		harness.OK(t, w.Autotask.Edit("Contracts", r["id"].(int64), atsim.Row{"endDate": nil}))
	}
}

// end lets everything come to rest and compares.
func (h *history) end() {
	h.t.Helper()
	h.Autotask.ClearFaults(0)
	if !h.running {
		h.Start()
	}
	err := h.TryAgree(agreesWithin, h.syncs...)
	if err == nil {
		h.DeliverAll(agreesWithin) // what comes late must not undo it
		err = h.TryAgree(agreesWithin, h.syncs...)
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

// stumble puts a fault of the REST API in force for the next few requests.
func (h *history) stumble(which, how int) string {
	kinds := []atsim.Fault{
		{Kind: fault.Status, Status: 503},
		{Kind: fault.Status, Status: 500, Text: "Something went wrong."},
		{Kind: fault.Throttle},
		{Kind: fault.Reset},
		{Kind: fault.Truncate},
		{Kind: fault.DropIDs, Entity: "Companies", Probability: 0.3},
		{Kind: fault.DropIDs, Entity: "Contracts", Probability: 0.3},
		{Kind: fault.DropFields, Entity: "Companies", Fields: []string{"phone", "city", "isActive"}},
		{Kind: fault.DropFields, Entity: "Contracts", Fields: []string{"estimatedCost"}},
	}
	f := kinds[which%len(kinds)]
	f.Next = 1 + how%4
	h.Autotask.SetFault(f)
	return fmt.Sprintf("the next %d requests: %s %s", f.Next, f.Kind, f.Entity)
}

// breathe lets the service ask Autotask a few things before the next step.
func (h *history) breathe(_, how int) string {
	if !h.running {
		return "nobody asks anything"
	}
	n := 1 + how%8
	until := h.Autotask.Stats().Total + n
	h.Eventually("the service asks", agreesWithin, func() error {
		if total := h.Autotask.Stats().Total; total < until {
			return fmt.Errorf("%d requests, want %d", total, until)
		}
		return nil
	})
	return fmt.Sprintf("%d requests later", n)
}

// rest ends the faults and lets all that happened so far arrive.
func (h *history) rest(int, int) string {
	if !h.running {
		return "nobody works"
	}
	h.Autotask.ClearFaults(0) // or what is held back for another order would stay so
	if err := h.TryAgree(agreesWithin, h.syncs...); err != nil {
		h.t.Fatalf("after\n  %s\n%v", strings.Join(h.done, "\n  "), err)
	}
	return "both sides agree"
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
