package sim

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFaultsThatAnswer(t *testing.T) {
	tr := start(t, Config{})
	for _, c := range []struct {
		kind      FaultKind
		status    int
		code      string
		retryable bool
	}{
		{FaultRateLimited, 429, CodeQuotaExceeded, true},
		{FaultUnavailable, 503, CodeUnavailable, true},
		{FaultUnauthenticated, 401, CodeUnauthenticated, false},
		{FaultSubscription, 402, CodeSubscriptionRequired, false},
		{FaultForbidden, 403, CodeForbidden, false},
		{FaultPaused, 409, CodeConnectionPaused, false},
		{FaultUninstalled, 410, CodeConnectionUninstalled, false},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			tr.fault(t, Fault{Kind: c.kind, RetryAfter: 7, Next: 2})
			for _, g := range []got{
				tr.put(t, "/clients/1", client("Acme", 1)),
				tr.post(t, clientBatch, keyOf(1), batchOf(batchInput{"1", client("Acme", 1)})),
			} {
				p := g.problem(t)
				if g.status != c.status || p.Code != c.code || p.Retryable != c.retryable ||
					g.header.Get("Retry-After") != "7" {
					t.Errorf("%d, Retry-After %q: %s", g.status, g.header.Get("Retry-After"), g.body)
				}
			}
			if g := tr.get(t, ""); g.status != 200 {
				t.Errorf("after the last of two: %d", g.status)
			}
		})
	}
	if n := len(tr.Clients(testConnection)); n != 0 {
		t.Errorf("%d clients were stored", n)
	}
}

func TestFaultServerErrorHasNoBody(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultServerError})
	g := tr.do(t, loosely(tr.request(http.MethodPut, "/clients/1", client("Acme", 1))))
	if g.status != 500 || len(g.body) != 0 {
		t.Errorf("%d %q", g.status, g.body)
	}
}

func TestFaultPausedShowsInHandshake(t *testing.T) {
	tr := start(t, Config{})
	for kind, state := range map[FaultKind]string{FaultPaused: StatePaused, FaultUninstalled: StateUninstalled} {
		id := tr.fault(t, Fault{Kind: kind})
		var c connectionAnswer
		g := tr.get(t, "")
		g.into(t, &c)
		if g.status != 200 || c.State != state {
			t.Errorf("%s: %d %s", kind, g.status, g.body)
		}
		if !tr.ClearFault(id) {
			t.Errorf("%s was not there to clear", kind)
		}
	}
}

func TestFaultsChooseTheirRequests(t *testing.T) {
	tr := start(t, Config{Connections: []Connection{
		{ID: testConnection, Token: testToken}, {ID: "other", Token: testToken},
	}})
	tr.put(t, "/clients/1", client("Acme", 1))
	for _, c := range []struct {
		name   string
		fault  Fault
		method string
		path   string
		hit    bool
	}{
		{"a read, faults on writes", Fault{Operation: "writes"}, http.MethodGet, "/clients/1", false},
		{"a write, faults on writes", Fault{Operation: "writes"}, http.MethodPut, "/clients/1", true},
		{"a read, faults on reads", Fault{Operation: "reads"}, http.MethodGet, "/clients/1", true},
		{"the handshake, faults on reads", Fault{Operation: "reads"}, http.MethodGet, "", true},
		{"an operation by its id", Fault{Operation: "getClient"}, http.MethodGet, "/clients/1", true},
		{"another operation", Fault{Operation: "getContract"}, http.MethodGet, "/clients/1", false},
		{"the record", Fault{ExternalIDs: []string{"7", "1"}}, http.MethodPut, "/clients/1", true},
		{"another record", Fault{ExternalIDs: []string{"7"}}, http.MethodPut, "/clients/1", false},
		{"a fault of records, the handshake", Fault{ExternalIDs: []string{"1"}}, http.MethodGet, "", false},
		{"another connection", Fault{Connection: "other"}, http.MethodPut, "/clients/1", false},
		{"the connection", Fault{Connection: testConnection}, http.MethodPut, "/clients/1", true},
	} {
		c.fault.Kind = FaultUnavailable
		tr.fault(t, c.fault)
		var body any
		if c.method == http.MethodPut {
			body = client("Acme", 1)
		}
		if g := tr.do(t, tr.request(c.method, c.path, body)); (g.status == 503) != c.hit {
			t.Errorf("%s: %d", c.name, g.status)
		}
		tr.ClearFaults()
	}
}

func TestFaultWithProbability(t *testing.T) {
	tr := start(t, Config{Seed: 1})
	tr.fault(t, Fault{Kind: FaultUnavailable, Probability: 0.3})
	hits := 0
	for range 200 {
		if tr.get(t, "").status == 503 {
			hits++
		}
	}
	if hits < 30 || hits > 90 {
		t.Errorf("%d of 200 hit, want about 60", hits)
	}
}

func TestFaultReset(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultReset, Next: 1})
	_, err := tr.try(tr.postRequest(clientBatch, keyOf(1), batchOf(batchInput{"1", client("Acme", 1)})))
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want a reset", err)
	}
	if n := len(tr.Clients(testConnection)); n != 0 {
		t.Errorf("%d clients were stored", n)
	}
}

func TestFaultLostResponse(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultLostResponse, Next: 2})
	body := batchOf(batchInput{"1", client("Acme", 1)})
	if _, err := tr.try(tr.postRequest(clientBatch, keyOf(1), body)); err == nil {
		t.Fatal("the batch got an answer")
	}
	if _, err := tr.try(tr.request(http.MethodPut, "/clients/2", client("Beta", 1))); err == nil {
		t.Fatal("the put got an answer")
	}
	g := tr.post(t, clientBatch, keyOf(1), body)
	if g.header.Get("Idempotency-Replayed") != "true" || g.outcomes(t)[0] != OutcomeCreated {
		t.Errorf("the batch again: %s", g.body)
	}
	if r := tr.put(t, "/clients/2", client("Beta", 1)).item(t); r.Outcome != OutcomeUnchanged {
		t.Errorf("the put again: %s", r.Outcome)
	}
	pushes := tr.PushesOf(testConnection, "1")
	if len(pushes) != 2 || !pushes[0].Lost || pushes[0].Status != 0 || !pushes[1].Replayed {
		t.Errorf("history: %+v", pushes)
	}
	if s := tr.Stats(); s.Lost != 2 || s.Requests["batchUpsertClients"][0] != 1 {
		t.Errorf("stats: %+v", s)
	}
}

func TestFaultHangEndsWithItsCaller(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultHang})
	tr.client.Timeout = 20 * time.Millisecond
	if _, err := tr.try(tr.request(http.MethodPut, "/clients/1", client("Acme", 1))); err == nil {
		t.Fatal("it got an answer")
	}
	eventually(t, "the request ends", func() bool { return tr.Stats().InFlight == 0 })
	pushes := tr.Pushes(testConnection)
	if len(pushes) != 1 || pushes[0].Outcome != OutcomeRefused || pushes[0].Code != string(FaultHang) {
		t.Errorf("history: %+v", pushes)
	}
}

func TestFaultAnswerIsGivenAsItStands(t *testing.T) {
	tr := start(t, Config{})
	for _, f := range []Fault{
		{Status: 403, Body: "<html><title>Request blocked</title></html>"},
		{Status: 400, ContentType: "application/problem+json", Body: `{"code":"invalid_request"}`},
		{Status: 504},
		{Status: 200, ContentType: "application/json", Body: `{"ok":true}`},
	} {
		f.Kind, f.Next = FaultAnswer, 1
		tr.fault(t, f)
		g := tr.do(t, loosely(tr.request(http.MethodPut, "/clients/1", client("Acme", 1))))
		want := f.ContentType
		if want == "" {
			want = "text/html; charset=utf-8"
		}
		if g.status != f.Status || string(g.body) != f.Body || g.header.Get("Content-Type") != want {
			t.Errorf("%+v: %d %s %q", f, g.status, g.header.Get("Content-Type"), g.body)
		}
	}
	pushes := tr.Pushes(testConnection)
	if len(pushes) != 4 || pushes[0].Outcome != OutcomeRefused || pushes[0].Status != 403 || pushes[0].Code != string(FaultAnswer) {
		t.Errorf("history: %+v", pushes)
	}
	if n := len(tr.Clients(testConnection)); n != 0 {
		t.Errorf("%d clients were stored", n)
	}
}

func TestFaultsByWhatIsWritten(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultUnavailable, Contains: "Bad & Sons"})
	batch := func(n int, names ...string) got {
		var list []batchInput
		for i, name := range names {
			list = append(list, batchInput{strconv.Itoa(i + 1), client(name, n)})
		}
		return tr.post(t, clientBatch, keyOf(n), batchOf(list...))
	}
	if g := tr.put(t, "/clients/1", client("Bad & Sons", 1)); g.status != 503 {
		t.Errorf("the record alone: %d", g.status)
	}
	if g := batch(1, "Good", "Bad & Sons"); g.status != 503 {
		t.Errorf("a batch with it: %d", g.status)
	}
	if g := batch(2, "Good", "Better"); g.status != 200 {
		t.Errorf("a batch without it: %d", g.status)
	}
	if g := tr.get(t, "/clients/1"); g.status != 200 {
		t.Errorf("a read: %d", g.status)
	}
	tr.ClearFaults()
	tr.fault(t, Fault{Kind: FaultRejectItems, Contains: "Bad"})
	if got := batch(3, "Good", "Bad", "Better").outcomes(t); got[0] != OutcomeUnchanged || got[1] != OutcomeRejected || got[2] != OutcomeCreated {
		t.Errorf("of items: %v", got)
	}
	tr.ClearFaults()
	tr.fault(t, Fault{Kind: FaultUnavailable, MinRecords: 3})
	if g := batch(4, "One", "Two", "Three"); g.status != 503 {
		t.Errorf("three records: %d", g.status)
	}
	if g := batch(5, "One", "Two"); g.status != 200 {
		t.Errorf("two records: %d", g.status)
	}
	if g := tr.get(t, ""); g.status != 200 {
		t.Errorf("the handshake: %d", g.status)
	}
}

func TestFaultLateResponseIsStoredAtOnce(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultLateResponse, DelayMillis: 60_000})
	tr.client.Timeout = 50 * time.Millisecond
	if _, err := tr.try(tr.request(http.MethodPut, "/clients/1", client("Acme", 1))); err == nil {
		t.Fatal("it got an answer")
	}
	if n := len(tr.Clients(testConnection)); n != 1 {
		t.Errorf("%d clients are stored", n)
	}
	eventually(t, "the request ends with its caller", func() bool { return tr.Stats().InFlight == 0 })
	tr.ClearFaults()
	tr.client.Timeout = patience
	tr.fault(t, Fault{Kind: FaultLateResponse, DelayMillis: 30})
	before := time.Now()
	g := tr.post(t, clientBatch, keyOf(1), batchOf(batchInput{"1", client("Acme", 1)}))
	if took := time.Since(before); g.status != 200 || g.outcomes(t)[0] != OutcomeUnchanged || took < 30*time.Millisecond {
		t.Errorf("%d %s after %s", g.status, g.body, took)
	}
}

func TestFaultSlow(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultSlow, DelayMillis: 30})
	before := time.Now()
	if g := tr.put(t, "/clients/1", client("Acme", 1)); g.status != 201 {
		t.Fatalf("status %d", g.status)
	}
	if took := time.Since(before); took < 30*time.Millisecond {
		t.Errorf("took %s, want at least 30ms", took)
	}
}

func TestFaultsOfItems(t *testing.T) {
	tr := start(t, Config{})
	tr.fault(t, Fault{Kind: FaultFailItems, ExternalIDs: []string{"2"}, Next: 2})
	tr.fault(t, Fault{Kind: FaultFailItems, ExternalIDs: []string{"3"}, Permanent: true, Code: "broken"})
	tr.fault(t, Fault{
		Kind: FaultRejectItems, ExternalIDs: []string{"4"}, Code: "too_long", Pointer: "/phones/0/value", Detail: "long",
	})
	body := func(observed int) any {
		var list []batchInput
		for _, id := range []string{"1", "2", "3", "4"} {
			list = append(list, batchInput{id, client("Client "+id, observed)})
		}
		return batchOf(list...)
	}
	g := tr.post(t, clientBatch, keyOf(1), body(1))
	want := []string{OutcomeCreated, OutcomeFailed, OutcomeFailed, OutcomeRejected}
	if diff := cmp.Diff(want, g.outcomes(t)); diff != "" || g.status != 207 {
		t.Fatalf("%d %s", g.status, diff)
	}
	b := g.batch(t)
	if diff := cmp.Diff(Summary{Total: 4, Succeeded: 1, Rejected: 1, Failed: 2}, b.Summary); diff != "" {
		t.Errorf("summary: %s", diff)
	}
	if !*b.Results[1].Retryable || *b.Results[2].Retryable || b.Results[2].Problem.Code != "broken" {
		t.Errorf("failed: %s", g.body)
	}
	if e := b.Results[3].Problem.Errors[0]; e != (FieldError{"#/inputs/3/data/phones/0/value", "too_long", "long"}) {
		t.Errorf("rejected: %+v", e)
	}
	if g := tr.put(t, "/clients/2", client("Client 2", 1)); g.status != 503 || !g.problem(t).Retryable {
		t.Errorf("a failed single: %d %s", g.status, g.body)
	}
	if g := tr.put(t, "/clients/4", client("Client 4", 1)); g.status != 422 || g.problem(t).Code != "too_long" {
		t.Errorf("a rejected single: %d %s", g.status, g.body)
	}
	tr.ClearFaults()
	want = []string{OutcomeUnchanged, OutcomeCreated, OutcomeCreated, OutcomeCreated}
	if diff := cmp.Diff(want, tr.post(t, clientBatch, keyOf(2), body(1)).outcomes(t)); diff != "" {
		t.Errorf("afterwards: %s", diff)
	}
}

func TestFaultsOfShape(t *testing.T) {
	tr := start(t, Config{})
	send := func(n int) got {
		return tr.do(t, loosely(tr.postRequest(clientBatch, keyOf(n), batchOf(
			batchInput{"1", client("One", n)}, batchInput{"2", client("Two", n)}))))
	}
	tr.fault(t, Fault{Kind: FaultEmptyResults, Next: 1})
	if g := send(1); g.status != 207 || string(g.body) !=
		`{"results":[],"summary":{"total":0,"succeeded":0,"rejected":0,"failed":0}}`+"\n" {
		t.Errorf("empty: %d %s", g.status, g.body)
	}
	tr.fault(t, Fault{Kind: FaultWrongCount, Next: 1})
	if g := send(2); g.status != 207 || len(g.batch(t).Results) != 1 {
		t.Errorf("one less: %d %s", g.status, g.body)
	}
	if g := send(1); g.status != 200 || len(g.batch(t).Results) != 2 {
		t.Errorf("the stored answer is whole: %d %s", g.status, g.body)
	}
	if n := len(tr.Clients(testConnection)); n != 2 {
		t.Errorf("%d clients, want 2: the work was done", n)
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	tr := start(t, Config{})
	for name, f := range map[string]Fault{
		"no kind":            {},
		"unknown kind":       {Kind: "fire"},
		"odd probability":    {Kind: FaultReset, Probability: 1.5},
		"negative count":     {Kind: FaultReset, Next: -1},
		"slow by how much":   {Kind: FaultSlow},
		"late by how much":   {Kind: FaultLateResponse},
		"answers what":       {Kind: FaultAnswer},
		"no HTTP status":     {Kind: FaultAnswer, Status: 99},
		"fewer than none":    {Kind: FaultReset, MinRecords: -1},
		"waits the past out": {Kind: FaultUnavailable, RetryAfter: -1},
	} {
		if _, err := tr.SetFault(f); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if n := len(tr.Faults()); n != 0 {
		t.Errorf("%d faults are set", n)
	}
}
