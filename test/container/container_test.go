package container

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/health"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

const (
	soon  = 30 * time.Second
	later = 90 * time.Second
)

// TestSyncsOverNATSInAContainer is the whole way once: the backfill, edits by
// callback, and a restart of the service, which must find what it left.
func TestSyncsOverNATSInAContainer(t *testing.T) {
	needEngine(t)
	t.Parallel()
	w := service.New(t, service.Options{NATSURL: startNATS(t).URL})
	flushed(t, w)
	w.Autotask.Seed(atsim.SeedSpec{Companies: 40})
	in := w.Install(v1.Syncs...)
	w.Agree(soon)

	edits(t, w, 20)
	w.Agree(soon)

	w.Stop()
	edits(t, w, 5)
	w.Start()
	kept, err := w.Admin.Installation(t.Context(), in.ID)
	if err != nil || kept.Name != in.Name {
		t.Fatalf("after a restart: installation %+v, %v", kept, err)
	}
	w.Agree(later)
}

// TestNATSHaltsWhileCallbacksArrive: callbacks that cannot be stored are refused,
// so that Autotask delivers them again, and everything arrives once NATS is back.
func TestNATSHaltsWhileCallbacksArrive(t *testing.T) {
	needEngine(t)
	t.Parallel()
	nats := startNATS(t)
	w := service.New(t, service.Options{
		NATSURL: nats.URL, Log: zap.NewNop(), // errors are what this test is about
		Autotask: atsim.Config{Scale: 0.1, CalloutTimeout: 10 * time.Second}, // repeats after 3 s instead of 30
	})
	w.Autotask.Seed(atsim.SeedSpec{Companies: 20})
	w.Install(v1.Syncs...)
	w.Agree(soon)

	edits(t, w, 10) // some of these are on their way when the server halts
	nats.Halt(t)
	edits(t, w, 10)
	w.Eventually("a callback is refused", soon, func() error {
		for _, c := range w.Autotask.Callouts() {
			if c.Status == http.StatusServiceUnavailable {
				return nil
			}
		}
		return fmt.Errorf("no 503 among %d callouts", len(w.Autotask.Callouts()))
	})
	if got := readiness(t, w); got.Status != "not_ready" {
		t.Errorf("readyz while NATS is away: %+v", got)
	}

	nats.Resume(t)
	w.Eventually("the service is ready again", soon, func() error {
		if got := readiness(t, w); got.Status != "ready" {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	w.Agree(later)
}

// edits renames customers, one after the other.
func edits(t *testing.T, w *service.Harness, n int) {
	t.Helper()
	companies := w.Autotask.All("Companies")
	for i := range n {
		row := companies[i%len(companies)]
		name := fmt.Sprintf("%v %s", row["companyName"], time.Now().Format("15:04:05.000000"))
		if err := w.Autotask.Edit("Companies", row["id"].(int64), atsim.Row{"companyName": name}); err != nil {
			t.Fatalf("edit company: %v", err)
		}
	}
}

// flushed wants /readyz to say that the server flushes before it answers, which
// it knows from the server itself: the shipped configuration lets it ask.
func flushed(t *testing.T, w *service.Harness) {
	t.Helper()
	got := readiness(t, w)
	for _, c := range got.Checks {
		if c.Name == "flush" && c.OK && c.Detail == "every change is on disk before it is answered" {
			return
		}
	}
	t.Errorf("readyz with deploy/nats.conf: %+v", got)
}

func readiness(t *testing.T, w *service.Harness) health.Readiness {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.AdminURL+"/readyz", http.NoBody)
	harness.OK(t, err)
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	var got health.Readiness
	harness.OK(t, json.NewDecoder(resp.Body).Decode(&got))
	return got
}
