package sim_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/sim"
)

func TestHourlyThreshold(t *testing.T) {
	tn := start(t, func(c *sim.Config) { c.Modes.HourlyThreshold = 3 })
	numbered(tn, 1)
	tn.must("GET", "Companies/0", "")
	r := tn.must("GET", "thresholdinformation", "")
	if r.raw != `{"externalRequestThreshold":3,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":2}` {
		t.Errorf("threshold %s", r.raw)
	}
	tn.clock.Add(30 * time.Minute)
	tn.must("GET", "Companies/0", "")
	if r := tn.do("GET", "Companies/0", ""); r.status != 429 || !strings.Contains(r.text(), "threshold") {
		t.Errorf("over the threshold: %d %s", r.status, r.raw)
	}
	tn.must("GET", "zoneInformation?user="+user, "")
	tn.clock.Add(31 * time.Minute)
	tn.must("GET", "Companies/0", "")
}

func TestLatencyGrows(t *testing.T) {
	tn := start(t, func(c *sim.Config) {
		c.Modes.HourlyThreshold, c.Modes.Latency, c.Scale = 4, true, 0.1
	})
	numbered(tn, 1)
	var took [4]time.Duration
	for i := range took {
		from := time.Now()
		tn.must("GET", "Companies/0", "")
		took[i] = time.Since(from)
	}
	if took[2] < 50*time.Millisecond || took[3] < 100*time.Millisecond {
		t.Errorf("took %v, want at least 50 ms at half and 100 ms at three quarters", took)
	}
}

// The fourth request at once is refused; other entities are not concerned, children count with their parent.
func TestThreads(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 1)
	tn.SetFault(sim.Fault{Kind: fault.Hang, Entity: "Companies", Next: 3})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _, _ = tn.send("GET", "Companies/0", "") }) // ends in a reset when the simulator closes
	}
	deadline := time.Now().Add(5 * time.Second)
	for ticker := time.NewTicker(2 * time.Millisecond); tn.Stats().MaxConcurrent["Companies"] < 3; <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatal("three requests never ran at once")
		}
	}
	for len(tn.Faults()) > 0 && time.Now().Before(deadline) {
		tn.must("GET", "Contacts/entityInformation", "")
	}
	for _, path := range []string{"Companies/0", "companies/0/Contacts", "Companies/entityInformation"} {
		r := tn.do("GET", path, "")
		if r.status != 429 || !strings.Contains(r.text(), "API thread threshold of 3 threads has been exceeded") {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
	}
	if r := tn.do("POST", "Contacts/query", "{"+every+"}"); r.status != 200 {
		t.Errorf("another entity: %d", r.status)
	}
	if most := tn.Stats().MaxConcurrent["Companies"]; most != 4 {
		t.Errorf("most at once %d, want 4", most)
	}
	tn.Close()
	wg.Wait()
}
