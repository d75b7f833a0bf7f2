package operate

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"channelsync/test/harness/service"
)

// meter stands before Autotask and counts what is read of it.
type meter struct {
	mu   sync.Mutex
	log  []read
	rows int
}

// read is one query that was answered.
type read struct {
	entity string
	rows   int
}

func (m *meter) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // a client that has gone is none of our business
		path := strings.Split(strings.ToLower(r.URL.Path), "/")
		i := slices.Index(path, "v1.0")
		if i < 0 || i+2 >= len(path) || path[i+2] != "query" {
			return
		}
		var body struct{ Items []json.RawMessage }
		if json.Unmarshal(answer.Body.Bytes(), &body) != nil {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.log = append(m.log, read{path[i+1], len(body.Items)})
		m.rows += len(body.Items)
	})
}

func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log, m.rows = nil, 0
}

func (m *meter) read() ([]read, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.log), m.rows
}

// TestBackfillKeepsToItsBudget: Autotask's hourly limit is for all integrations
// together, so rows are read by the page and records by the hundred.
func TestBackfillKeepsToItsBudget(t *testing.T) {
	t.Parallel()
	const least = 600
	var m meter
	w := seeded(t, 960, service.Options{Wrap: m.wrap, Settings: map[string]string{"contract-poll-interval": "1h"}})
	n := len(w.Autotask.All("Contracts"))
	if n < least {
		t.Fatalf("%d contracts, want at least %d", n, least)
	}
	w.Autotask.ResetStats()
	began := time.Now()
	in := w.Install(contracts)
	w.Agree(60*time.Second, contracts)
	w.Quiesce(in.ID)
	requests := w.AutotaskRequests()
	_, rows := m.read()
	budget := 30 + rows/450
	took := time.Since(began).Seconds()
	t.Logf("%d contracts: %d requests for %d rows (budget %d) in %.1f s", n, requests, rows, budget, took)
	if requests > budget {
		t.Errorf("%d requests for %d rows, want at most %d: %v", requests, rows, budget, w.Autotask.Stats().Requests)
	}
}

// TestTheComparisonOfPartsIsCheap: one request per 500 rows of each of the five
// entities that carry no stamp, three for what bundles and products are, and nothing else.
func TestTheComparisonOfPartsIsCheap(t *testing.T) {
	t.Parallel()
	var m meter
	w := seeded(t, 150, service.Options{Wrap: m.wrap, Settings: often()})
	in := w.Install(contracts)
	w.Agree(60*time.Second, contracts)
	w.Quiesce(in.ID)
	want := map[string]int{}
	all := 0
	for _, entity := range []string{
		"ContractServices", "ContractServiceBundles", "ContractServiceUnits", "ContractServiceBundleUnits", "ContractCharges",
	} {
		rows := len(w.Autotask.All(entity))
		all += rows
		want[strings.ToLower(entity)] = rows/500 + 1 // the last page is the one that is not full
	}
	for _, entity := range []string{"servicebundleservices", "products", "productvendors"} {
		want[entity] = 1 // only of the bundles and products that contracts have
	}
	m.reset()
	w.Autotask.ResetStats()
	var pass map[string]int
	w.Eventually("a whole comparison", soon, func() error {
		log, _ := m.read()
		pass = map[string]int{}
		begun := false // the log may begin in the middle of one
		for _, r := range log {
			if r.entity == "contractservices" && pass["productvendors"] > 0 {
				return nil // the next one begins
			}
			begun = begun || r.entity == "contractservices"
			if begun && want[r.entity] > 0 {
				pass[r.entity]++
			}
		}
		return fmt.Errorf("so far %v", pass)
	})
	if !maps.Equal(pass, want) {
		t.Errorf("requests %v, want %v", pass, want)
	}
	requests := 0
	for _, n := range pass {
		requests += n
	}
	t.Logf("%d contracts with %d parts: %d requests a comparison", len(w.Autotask.All("Contracts")), all, requests)
	nothingPushedSince(t, w, in.ID)
}

// nothingPushedSince wants two more polls to find nothing.
func nothingPushedSince(t *testing.T, w *service.Harness, id string) {
	t.Helper()
	w.Target.ResetStats()
	until := w.Autotask.Stats().Requests["Contracts"]["query"] + 2
	w.Eventually("two more polls", soon, func() error {
		if n := w.Autotask.Stats().Requests["Contracts"]["query"]; n < until {
			return fmt.Errorf("%d queries of contracts, want %d", n, until)
		}
		return nil
	})
	w.Idle(id, soon)
	nothingPushed(t, w, "polls that find nothing")
}
