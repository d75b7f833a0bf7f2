package sim_test

import (
	"fmt"
	"sync"
	"testing"

	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/sim"
)

// Everything at once: edits, reads, registrations, faults, modes and the page. Nothing may race, block or lose an event.
func TestEverythingAtOnce(t *testing.T) {
	tn, h := start(t, func(c *sim.Config) {
		c.Modes.Threads, c.Modes.HourlyThreshold, c.Modes.CalloutsPerHour = -1, -1, -1
	}), receive(t, nil)
	tn.Seed(sim.SeedSpec{Companies: 30})
	tn.register("CompanyWebhooks", h.URL, "CompanyName")
	const edits = 40
	work := map[string]func(n int){
		"edit":   func(n int) { tn.Put("Companies", sim.Row{"id": 0, "companyName": fmt.Sprint("name ", n)}) },
		"random": func(int) { tn.RandomEdit() },
		"query":  func(int) { tn.must("POST", "Companies/query", "{"+every+"}") },
		"page":   func(int) { tn.must("GET", "/", "") },
		"modes":  func(n int) { tn.SetModes(func(m *sim.Modes) { m.TypedValues = n%2 == 0 }) },
		"faults": func(int) { tn.ClearFaults(tn.SetFault(sim.Fault{Kind: fault.Slow, Entity: "Contracts"})) },
		"webhook": func(int) {
			tn.must("DELETE", fmt.Sprint("ContactWebhooks/", tn.register("ContactWebhooks", h.URL, "Phone")), "")
		},
		"merge": func(int) { _ = tn.Merge(-1, -2) }, // there are no such companies
	}
	var wg sync.WaitGroup
	for _, do := range work {
		wg.Go(func() {
			for n := range edits {
				do(n)
			}
		})
	}
	wg.Wait()
	tn.waitCallouts()
	seen := map[any]int{}
	last := 0.0
	for _, got := range h.all() {
		if got.body["EntityType"] == "Account" {
			sequence, _ := got.body["SequenceNumber"].(float64)
			seen[sequence]++
			last = max(last, sequence)
		}
	}
	if int(last) < edits || len(seen) != int(last) {
		t.Errorf("%d different of %.0f company events arrived", len(seen), last)
	}
}
