package sim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const clientBatch = "/clients/batch/upsert"

func TestBatchAnswersEveryInputInOrder(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/clients/2", client("Two", 5))
	g := tr.post(t, clientBatch, keyOf(1), batchOf(
		batchInput{"1", client("One", 1)},
		batchInput{"2", client("Late", 1)},
		batchInput{"3", client("", 1)},
		batchInput{"4", map[string]any{"name": "Four", "surplus": 1}},
		batchInput{"5", 7},
	))
	if g.status != http.StatusMultiStatus {
		t.Fatalf("status %d: %s", g.status, g.body)
	}
	b := g.batch(t)
	want := []string{OutcomeCreated, OutcomeStale, OutcomeRejected, OutcomeRejected, OutcomeRejected}
	if diff := cmp.Diff(want, g.outcomes(t)); diff != "" {
		t.Fatalf("outcomes: %s", diff)
	}
	if diff := cmp.Diff(Summary{Total: 5, Succeeded: 2, Rejected: 3}, b.Summary); diff != "" {
		t.Errorf("summary: %s", diff)
	}
	for i, r := range b.Results {
		if *r.Index != i || r.ExternalID != fmt.Sprint(i+1) {
			t.Errorf("result %d is of %s at %d", i, r.ExternalID, *r.Index)
		}
	}
	p := b.Results[2].Problem
	if p.Code != CodeInvalidRequest || len(p.Errors) != 1 || p.Errors[0].Pointer != "#/inputs/2/data/name" ||
		p.Errors[0].Code != "too_short" || *b.Results[2].Retryable {
		t.Errorf("the problem of an empty name: %+v", p)
	}
	if p := b.Results[4].Problem; p.Errors[0].Pointer != "#/inputs/4/data" || p.Errors[0].Code != "type" {
		t.Errorf("the problem of a number: %+v", p)
	}
	if g := tr.post(t, clientBatch, keyOf(2), batchOf(batchInput{"9", client("Nine", 1)})); g.status != 200 {
		t.Errorf("a batch without a failure: %d", g.status)
	}
}

func TestBatchRefusedWhole(t *testing.T) {
	tr := start(t, Config{MaxBatch: 2})
	one := func(id string) batchInput { return batchInput{id, client("X", 1)} }
	for _, c := range []struct {
		name    string
		body    any
		code    string
		pointer string
	}{
		{"twice the same id", batchOf(one("1"), one("1")), CodeDuplicateExternalID, "#/inputs/1/externalId"},
		{"too many", batchOf(one("1"), one("2"), one("3")), CodeInvalidRequest, "#/inputs"},
		{"none", `{"inputs":[]}`, CodeInvalidRequest, "#/inputs"},
		{"no inputs", `{}`, CodeInvalidRequest, "#/inputs"},
		{"not a list", `{"inputs":{}}`, CodeInvalidRequest, "#/inputs"},
		{"not an object", `[]`, CodeInvalidRequest, "#"},
		{"a field too many", `{"inputs":[{"externalId":"1","data":{}}],"dryRun":true}`, CodeInvalidRequest, "#/dryRun"},
		{
			"a field too many in an input", `{"inputs":[{"externalId":"1","data":{},"id":1}]}`, CodeInvalidRequest,
			"#/inputs/0/id",
		},
		{"no data", `{"inputs":[{"externalId":"1"}]}`, CodeInvalidRequest, "#/inputs/0/data"},
		{"an id as a number", `{"inputs":[{"externalId":1,"data":{}}]}`, CodeInvalidRequest, "#/inputs/0/externalId"},
		{
			"an id that cannot be", `{"inputs":[{"externalId":"a/b","data":{}}]}`, CodeInvalidRequest,
			"#/inputs/0/externalId",
		},
	} {
		g := tr.post(t, clientBatch, keyOf(1), c.body)
		p := g.problem(t)
		if g.status != 422 || p.Code != c.code || len(p.Errors) == 0 || p.Errors[0].Pointer != c.pointer {
			t.Errorf("%s: %d %s", c.name, g.status, g.body)
		}
	}
	if n := len(tr.Clients(testConnection)); n != 0 {
		t.Errorf("%d clients were stored", n)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	tr := start(t, Config{})
	body := batchOf(batchInput{"1", client("One", 1)})
	for name, key := range map[string]string{
		"none": "", "short": strings.Repeat("k", 15), "long": strings.Repeat("k", 256),
		"quoted short": `"` + strings.Repeat("k", 15) + `"`,
	} {
		g := tr.post(t, clientBatch, key, body)
		if g.status != 400 || g.problem(t).Code != CodeInvalidRequest {
			t.Errorf("%s: %d %s", name, g.status, g.body)
		}
	}
	first := tr.post(t, clientBatch, keyOf(1), body)
	if first.status != 200 || first.outcomes(t)[0] != OutcomeCreated || first.header.Get("Idempotency-Replayed") != "" {
		t.Fatalf("first: %d %s", first.status, first.body)
	}
	again := tr.post(t, clientBatch, `"`+keyOf(1)+`"`, body)
	if again.header.Get("Idempotency-Replayed") != "true" || string(again.body) != string(first.body) {
		t.Errorf("again: %v %s", again.header, again.body)
	}
	other := tr.post(t, clientBatch, keyOf(1), batchOf(batchInput{"1", client("One", 2)}))
	if other.status != 422 || other.problem(t).Code != CodeIdempotencyKeyReused {
		t.Errorf("another body: %d %s", other.status, other.body)
	}
	elsewhere := tr.post(t, "/contracts/batch/upsert", keyOf(1), body)
	if elsewhere.status != 422 || elsewhere.problem(t).Code != CodeIdempotencyKeyReused {
		t.Errorf("another operation: %d %s", elsewhere.status, elsewhere.body)
	}
	tr.clock.advance(idempotencyTTL)
	if g := tr.post(t, clientBatch, keyOf(1), body); g.header.Get("Idempotency-Replayed") != "true" {
		t.Error("not kept for 24 hours")
	}
	tr.clock.advance(time.Second)
	if g := tr.post(t, clientBatch, keyOf(1), body); g.outcomes(t)[0] != OutcomeUnchanged {
		t.Errorf("after 24 hours: %s", g.body)
	}
	if n := tr.Stats().Replayed; n != 2 {
		t.Errorf("%d replays counted, want 2", n)
	}
}

// A partial failure that only the caller can correct is final; one that another try may cure is not.
func TestOnlyFinalAnswersAreStored(t *testing.T) {
	tr := start(t, Config{})
	bad := batchOf(batchInput{"1", client("", 1)})
	tr.post(t, clientBatch, keyOf(1), bad)
	if g := tr.post(t, clientBatch, keyOf(1), bad); g.status != 207 || g.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("rejected, again: %d %v", g.status, g.header)
	}
	body := batchOf(batchInput{"2", client("Two", 1)}, batchInput{"3", client("Three", 1)})
	for i, f := range []Fault{
		{Kind: FaultUnavailable, Next: 1},
		{Kind: FaultRateLimited, Next: 1, RetryAfter: 1},
		{Kind: FaultFailItems, Next: 1, ExternalIDs: []string{"2"}},
	} {
		tr.fault(t, f)
		first := tr.post(t, clientBatch, keyOf(2), body)
		if first.status != []int{503, 429, 207}[i] {
			t.Fatalf("%s: %d", f.Kind, first.status)
		}
	}
	g := tr.post(t, clientBatch, keyOf(2), body)
	if diff := cmp.Diff([]string{OutcomeCreated, OutcomeUnchanged}, g.outcomes(t)); diff != "" || g.status != 200 {
		t.Errorf("another try: %d %s", g.status, diff)
	}
}

func TestKeyInProgress(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultHang, Next: 1})
	body := batchOf(batchInput{"1", client("One", 1)})
	hung := make(chan error, 1)
	go func() {
		_, err := tr.try(tr.postRequest(clientBatch, keyOf(1), body))
		hung <- err
	}()
	eventually(t, "the first request is at work", func() bool { return tr.writing() == 1 })
	other := tr.post(t, clientBatch, keyOf(1), batchOf(batchInput{"1", client("Other", 1)}))
	if other.status != 422 || other.problem(t).Code != CodeIdempotencyKeyReused {
		t.Errorf("another body meanwhile: %d %s", other.status, other.body)
	}
	g := tr.post(t, clientBatch, keyOf(1), body)
	if p := g.problem(t); g.status != 409 || p.Code != CodeIdempotencyInProgress || !p.Retryable {
		t.Errorf("the same key meanwhile: %d %s", g.status, g.body)
	}
	tr.ClearFaults()
	if err := <-hung; err == nil {
		t.Error("the hung request got an answer")
	}
	if g := tr.post(t, clientBatch, keyOf(1), body); g.status != 200 || g.outcomes(t)[0] != OutcomeCreated {
		t.Errorf("the same key afterwards: %d %s", g.status, g.body)
	}
}
