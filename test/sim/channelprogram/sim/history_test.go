package sim

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHistoryTellsEveryPush(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/clients/1", client("One", 1))
	tr.post(t, clientBatch, keyOf(1), batchOf(batchInput{"1", client("One!", 2)}, batchInput{"2", client("", 2)}))
	tr.fault(t, Fault{Kind: FaultUnavailable, Next: 1})
	tr.put(t, "/clients/1", client("One", 3))
	tr.put(t, "/contracts/1", agreement(ClientRef{"1", "One"}, 4))

	type line struct {
		Operation, Entity, ID, Outcome, Code, Trigger string
		Status, Revision                              int
	}
	var have []line
	for _, p := range tr.Pushes(testConnection) {
		have = append(have, line{p.Operation, p.Entity, p.ExternalID, p.Outcome, p.Code, p.Trigger, p.Status, p.Revision})
	}
	want := []line{
		{"upsertClient", "client", "1", OutcomeCreated, "", "webhook", 201, 1},
		{"batchUpsertClients", "client", "1", OutcomeUpdated, "", "webhook", 207, 2},
		{"batchUpsertClients", "client", "2", OutcomeRejected, CodeInvalidRequest, "webhook", 207, 0},
		{"upsertClient", "client", "1", OutcomeRefused, CodeUnavailable, "webhook", 503, 0},
		{"upsertContract", "contract", "1", OutcomeCreated, "", "", 201, 1},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("history: %s", diff)
	}
	push := tr.PushesOf(testConnection, "1")[1]
	var body ClientInput
	if err := json.Unmarshal(push.Body, &body); err != nil || body.Name != "One!" {
		t.Errorf("body %s: %v", push.Body, err)
	}
	if !push.ObservedAt.Equal(client("", 2).Source.ObservedAt) || !push.At.Equal(t0) || push.RequestID == "" {
		t.Errorf("push %+v", push)
	}
	writes := map[string]map[string]int{
		"client/1":   {"upsertClient": 1, "batchUpsertClients": 1},
		"client/2":   {"batchUpsertClients": 1},
		"contract/1": {"upsertContract": 1},
	}
	if diff := cmp.Diff(writes, tr.Writes(testConnection)); diff != "" {
		t.Errorf("writes: %s", diff)
	}
	requests := map[string]map[int]int{
		"upsertClient": {201: 1, 503: 1}, "batchUpsertClients": {207: 1}, "upsertContract": {201: 1},
	}
	stats := tr.Stats()
	if diff := cmp.Diff(requests, stats.Requests); diff != "" || stats.Total != 4 || stats.MaxInFlight != 1 {
		t.Errorf("stats %+v: %s", stats, diff)
	}
	outcomes := map[string]int{OutcomeCreated: 2, OutcomeUpdated: 1, OutcomeRejected: 1, OutcomeRefused: 1}
	if diff := cmp.Diff(outcomes, stats.Outcomes); diff != "" {
		t.Errorf("outcomes: %s", diff)
	}

	tr.ResetStats()
	if len(tr.Pushes(testConnection)) != 0 || len(tr.Writes(testConnection)) != 0 || tr.Stats().Total != 0 {
		t.Error("something is left after a reset")
	}
	if len(tr.Clients(testConnection)) != 1 {
		t.Error("the reset took data")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := newHistory(10)
	for i := range 1000 {
		h.add(Push{Revision: i, Entity: EntityClient, ExternalID: "1", Operation: "upsertClient", Outcome: OutcomeUpdated})
		if len(h.pushes) > 12 {
			t.Fatalf("%d pushes are held", len(h.pushes))
		}
	}
	list := h.list()
	if len(list) != 10 || list[0].Revision != 990 || list[9].Revision != 999 {
		t.Errorf("%d pushes, %d to %d", len(list), list[0].Revision, list[len(list)-1].Revision)
	}
	if n := h.writes[recordKey{EntityClient, "1"}]["upsertClient"]; n != 1000 {
		t.Errorf("%d writes counted", n)
	}
}

func TestOverlapsAreReported(t *testing.T) {
	tr := start(t, Config{})
	id := tr.fault(t, Fault{Kind: FaultHang, Next: 1})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = tr.try(tr.request(http.MethodPut, "/clients/1", client("One", 1))) // it ends without an answer
	})
	eventually(t, "the first is at work", func() bool { return tr.writing() == 1 })
	tr.put(t, "/clients/2", client("Two", 1))
	tr.put(t, "/contracts/1", agreement(ClientRef{"1", "One"}, 1))
	if n := len(tr.Overlaps()); n != 0 {
		t.Fatalf("%d overlaps between different records", n)
	}
	tr.post(t, clientBatch, keyOf(1), batchOf(batchInput{"3", client("Three", 1)}, batchInput{"1", client("One", 2)}))
	tr.ClearFault(id)
	wg.Wait()
	list := tr.Overlaps()
	if len(list) != 1 || tr.Stats().Overlaps != 1 {
		t.Fatalf("overlaps: %+v", list)
	}
	if o := list[0]; o.Entity != EntityClient || o.ExternalID != "1" || o.Requests[0] == o.Requests[1] ||
		o.Connection != testConnection {
		t.Errorf("overlap %+v", o)
	}
	eventually(t, "nothing is at work", func() bool { return tr.writing() == 0 })
	tr.put(t, "/clients/1", client("One", 3))
	if n := len(tr.Overlaps()); n != 1 {
		t.Errorf("%d overlaps after one at a time", n)
	}
}

// Writes of one record that follow each other as fast as they can never count as overlapping.
func TestFastSequenceIsNoOverlap(t *testing.T) {
	tr := startSampled(t)
	for i := range 300 {
		tr.put(t, "/clients/1", client("One", i))
	}
	if list := tr.Overlaps(); len(list) != 0 {
		t.Errorf("overlaps: %+v", list)
	}
}
