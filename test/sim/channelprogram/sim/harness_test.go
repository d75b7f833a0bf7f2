package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testConnection = "con-1"
	testToken      = "token-1"
	patience       = 5 * time.Second
)

// t0 is when the clock of a target starts.
var t0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// target is a simulator on a socket, with a clock that stands still until it is moved.
type target struct {
	*Sim
	t      testing.TB
	server *httptest.Server
	client *http.Client
	check  *checked
	clock  *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// start serves a simulator with one connection; every answer it gives is held against openapi.yaml.
func start(t testing.TB, config Config) *target {
	t.Helper()
	c := &clock{now: t0}
	config.Now = c.Now
	if config.Connections == nil {
		config.Connections = []Connection{{ID: testConnection, Token: testToken, AccountName: "Acme MSP"}}
	}
	s, err := New(config)
	if err != nil {
		t.Fatalf("new simulator: %v", err)
	}
	server := httptest.NewServer(s.Handler())
	transport := &checked{t: t, next: server.Client().Transport, sample: 1}
	tr := &target{
		Sim: s, t: t, server: server, clock: c, check: transport,
		client: &http.Client{Timeout: patience, Transport: transport},
	}
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return tr
}

// checked is a transport that holds the answers of the ingest API against the
// document: every one, or with sample set one in so many, since checking takes
// far longer than answering.
type checked struct {
	t      testing.TB
	next   http.RoundTripper
	sample int64
	seen   atomic.Int64
}

var contract = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc.Servers = nil
	return gorillamux.NewRouter(doc)
})

type looseKey struct{}

// loosely is for requests whose answer breaks the contract on purpose.
func loosely(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), looseKey{}, true))
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil || r.Context().Value(looseKey{}) != nil || c.seen.Add(1)%c.sample != 0 {
		return resp, err
	}
	router, err := contract()
	if err != nil {
		c.t.Fatalf("load openapi.yaml: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	found, params, err := router.FindRoute(r)
	if err != nil {
		return resp, nil // not of the contract: 404, 405
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	check := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: found, Options: options,
		},
		Status: resp.StatusCode, Header: resp.Header, Options: options,
	}
	check.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(r.Context(), check); err != nil {
		c.t.Errorf("%s %s: the answer %d %s breaks the contract: %v", r.Method, r.URL.Path, resp.StatusCode, body, err)
	}
	return resp, nil
}

// got is an answer, read.
type got struct {
	status int
	header http.Header
	body   []byte
}

func (g got) into(t fataler, v any) {
	t.Helper()
	if err := json.Unmarshal(g.body, v); err != nil {
		t.Fatalf("decode %s: %v", g.body, err)
	}
}

func (g got) problem(t fataler) Problem {
	t.Helper()
	var p Problem
	g.into(t, &p)
	return p
}

func (g got) item(t fataler) ItemResult {
	t.Helper()
	var r ItemResult
	g.into(t, &r)
	return r
}

func (g got) batch(t fataler) BatchResult {
	t.Helper()
	var r BatchResult
	g.into(t, &r)
	return r
}

func (g got) outcomes(t fataler) []string {
	t.Helper()
	var list []string
	for _, r := range g.batch(t).Results {
		list = append(list, r.Outcome)
	}
	return list
}

// request makes a request with the right token; path is under the connection.
func (tr *target) request(method, path string, body any) *http.Request {
	tr.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			tr.t.Fatalf("encode body: %v", err)
		}
		text = string(b)
	}
	url := tr.server.URL + "/v1/connections/" + testConnection + path
	r, err := http.NewRequest(method, url, bytes.NewReader([]byte(text)))
	if err != nil {
		tr.t.Fatalf("make request: %v", err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (tr *target) try(r *http.Request) (got, error) {
	resp, err := tr.client.Do(r)
	if err != nil {
		return got{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return got{resp.StatusCode, resp.Header, body}, err
}

func (tr *target) do(t fataler, r *http.Request) got {
	t.Helper()
	g, err := tr.try(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return g
}

func (tr *target) put(t fataler, path string, body any) got {
	t.Helper()
	return tr.do(t, tr.request(http.MethodPut, path, body))
}

func (tr *target) get(t fataler, path string) got {
	t.Helper()
	return tr.do(t, tr.request(http.MethodGet, path, nil))
}

// post sends a batch under a key.
func (tr *target) post(t fataler, path, key string, body any) got {
	t.Helper()
	return tr.do(t, tr.postRequest(path, key, body))
}

func (tr *target) postRequest(path, key string, body any) *http.Request {
	r := tr.request(http.MethodPost, path, body)
	r.Header.Set("Idempotency-Key", key)
	return r
}

// writing is how many records are being written right now.
func (tr *target) writing() int {
	n := 0
	_ = tr.with(testConnection, func(c *connection) error {
		n = len(c.flights.writing)
		return nil
	})
	return n
}

func (tr *target) fault(t fataler, f Fault) string {
	t.Helper()
	id, err := tr.SetFault(f)
	if err != nil {
		t.Fatalf("set fault: %v", err)
	}
	return id
}

// client is a full client observed so many seconds after t0.
func client(name string, observed int) ClientInput {
	return ClientInput{
		Name:    name,
		Address: &Address{Line1: "1 Main St", City: "Albany", Region: "NY", PostalCode: "12207", Country: "US"},
		Emails:  []Labelled{{Value: "info@example.test", Label: "primary"}},
		Phones:  []Labelled{{Value: "555-0100"}}, Websites: []Labelled{{Value: "https://example.test"}},
		Source: Source{System: "autotask", ObservedAt: t0.Add(time.Duration(observed) * time.Second), Trigger: "webhook"},
	}
}

// agreement is a contract of a client, observed so many seconds after t0.
func agreement(ref ClientRef, observed int) ContractInput {
	return ContractInput{
		Client: ref, VendorName: "MSP Managed Services", VendorNameDefaulted: true, Name: new("Gold"),
		OverallCost: &Money{Amount: "1200.00", Currency: "USD"},
		Source:      Source{System: "autotask", ObservedAt: t0.Add(time.Duration(observed) * time.Second)},
	}
}

type batchInput struct {
	ExternalID string `json:"externalId"`
	Data       any    `json:"data"`
}

func batchOf(inputs ...batchInput) map[string]any { return map[string]any{"inputs": inputs} }

func keyOf(n int) string { return fmt.Sprintf("key-%020d", n) }

// eventually polls until ok, for at most patience.
func eventually(t fataler, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}
