// Package bench measures what takes too long or too much for the ordinary tests.
// Each of its tests runs only when its environment variable is set.
package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	v1 "channelsync/api/v1"
	"channelsync/test/e2e/world"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

const (
	manyInstallations = 300
	manyCompanies     = 200
	manyWatched       = 60 * time.Second // how long an idle service is watched
)

// tenants are many Autotasks behind one address: the user who asks decides which one answers.
type tenants map[string]*atsim.Sim

func newTenants(n int) tenants {
	all := tenants{}
	for i := range n {
		all[userOf(i)] = atsim.New(atsim.Config{
			Username: userOf(i), Secret: "Secret-of-many-1", TrackingIdentifier: "IDENTIFIER-OF-MANY", Seed: int64(i),
			Modes: atsim.Modes{CalloutsPerHour: -1},
		})
	}
	return all
}

func userOf(i int) string       { return fmt.Sprintf("user%03d@msp.example", i) }
func connectionOf(i int) string { return fmt.Sprintf("msp-%03d", i) }

func (all tenants) wrap(rest http.Handler) http.Handler {
	handlers := map[string]http.Handler{}
	for user, sim := range all {
		handlers[user] = sim.Handler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("UserName")
		if user == "" {
			user = r.URL.Query().Get("user")
		}
		if h := handlers[strings.ToLower(user)]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// TestManyInstallations runs 300 installations of 200 companies each in one process
// (the simulators in another) and prints what that costs.
func TestManyInstallations(t *testing.T) {
	if os.Getenv("CHANNELSYNC_MANY") == "" {
		t.Skip("set CHANNELSYNC_MANY=1 to run it: it takes minutes")
	}
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // the first cleanup is the last to run
	all := newTenants(manyInstallations)
	connections := make([]cpsim.Connection, manyInstallations)
	ids := make([][]int64, manyInstallations)
	for i := range manyInstallations {
		connections[i] = cpsim.Connection{ID: connectionOf(i), Token: "token-of-many"}
		sim := all[userOf(i)]
		t.Cleanup(sim.Close)
		for n := range manyCompanies {
			id := sim.Put("Companies", atsim.Row{
				"companyName": fmt.Sprintf("Client %03d-%04d", i, n), "companyType": 1, "isActive": true, "phone": "518-555-0100", "city": "Albany",
			})
			ids[i] = append(ids[i], id)
			sim.Put("Contacts", atsim.Row{
				"companyID": id, "firstName": "Ann", "lastName": "Lee", "emailAddress": fmt.Sprintf("c%03d-%04d@client.example", i, n), "isActive": 1,
			})
		}
	}
	w := world.New(t, world.Options{
		Wrap: all.wrap, Target: cpsim.Config{Connections: connections}, Binary: world.Build(t),
		Settings: map[string]string{"contract-poll-interval": "1m", "log-level": "warn"},
	})
	empty := usageOf(t, w)

	began := time.Now()
	install(t, w)
	made := time.Since(began)
	w.Eventually("all live, nothing due", 20*time.Minute, func() error { return allLive(t, w) })
	took, live := time.Since(began), usageOf(t, w)
	clients := 0
	for i := range manyInstallations {
		clients += len(w.Target.Clients(connectionOf(i)))
	}
	if clients != manyInstallations*manyCompanies {
		t.Errorf("%d clients arrived, want %d", clients, manyInstallations*manyCompanies)
	}
	t.Logf("%d installations of %d companies: created in %s, all live after %s", manyInstallations, manyCompanies,
		made.Round(time.Second), took.Round(time.Second))
	t.Logf("memory: %d MiB empty, %d MiB live; CPU of the backfill %.1f s (%.2f ms a record)", empty.memory>>20, live.memory>>20,
		live.cpu-empty.cpu, (live.cpu-empty.cpu)*1000/float64(clients))

	<-time.After(manyWatched)
	idle := usageOf(t, w)
	t.Logf("idle for %s: %.2f %% of a core, %d MiB", manyWatched, (idle.cpu-live.cpu)/manyWatched.Seconds()*100, idle.memory>>20)

	fresh := edited(w, all, ids)
	t.Logf("freshness of one edit in each installation, all at once: p50 %s, p95 %s", fresh[len(fresh)/2], fresh[len(fresh)*95/100])
	crowded := usageOf(t, w)
	t.Logf("after it: %d MiB, CPU %.1f s", crowded.memory>>20, crowded.cpu-idle.cpu)
}

// install creates every installation, a few at a time.
func install(t *testing.T, w *world.World) {
	t.Helper()
	var wg sync.WaitGroup
	places := make(chan struct{}, 4)
	for i := range manyInstallations {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			_, err := w.Admin.CreateInstallation(t.Context(), v1.CreateInstallation{
				Name: fmt.Sprintf("MSP %03d", i), Username: userOf(i), Secret: "Secret-of-many-1", TrackingIdentifier: "IDENTIFIER-OF-MANY",
				Zone: strings.TrimPrefix(w.AutotaskURL, "http://"), Syncs: v1.Syncs,
				ChannelProgram: v1.ChannelProgramTarget{ConnectionID: connectionOf(i), Token: "token-of-many"},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func allLive(t *testing.T, w *world.World) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	list, err := w.Admin.Installations(ctx)
	if err != nil {
		return err
	}
	states, due := map[v1.State]int{}, 0
	for _, in := range list {
		states[in.State]++
		due += in.Backlog
	}
	if states[v1.StateLive] != manyInstallations || due > 0 {
		return fmt.Errorf("states %v, %d due", states, due)
	}
	return nil
}

// edited edits one company of each tenant and returns how long each took to arrive, sorted.
func edited(w *world.World, all tenants, ids [][]int64) []time.Duration {
	w.T.Helper()
	began := time.Now()
	for i := range manyInstallations {
		if err := all[userOf(i)].Edit("Companies", ids[i][0], atsim.Row{"companyName": "Edited"}); err != nil {
			w.T.Error(err)
		}
	}
	took := make([]time.Duration, manyInstallations)
	w.Eventually("every edit", 2*time.Minute, func() error {
		missing := 0
		for i := range manyInstallations {
			if took[i] > 0 {
				continue
			}
			if c, _ := w.Target.Client(connectionOf(i), strconv.FormatInt(ids[i][0], 10)); c.Data.Name == "Edited" {
				took[i] = time.Since(began).Round(time.Millisecond)
			} else {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d are missing", missing)
		}
		return nil
	})
	slices.Sort(took)
	return took
}

// usage is what the service's process has used.
type usage struct {
	memory int64   // bytes resident
	cpu    float64 // seconds
}

// usageOf reads the process's own metrics.
func usageOf(t *testing.T, w *world.World) usage {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.AdminURL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+world.AdminToken)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	values := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if f, err := strconv.ParseFloat(value, 64); err == nil && strings.HasPrefix(name, "process_") {
			values[name] = f
		}
	}
	if values["process_resident_memory_bytes"] == 0 {
		t.Fatalf("%s: no process metrics", resp.Status)
	}
	return usage{memory: int64(values["process_resident_memory_bytes"]), cpu: values["process_cpu_seconds_total"]}
}
