package channelprogram_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"channelsync/api/channelprogram"
	"channelsync/test/harness"
)

const (
	connectionID = "conn-1"
	token        = "token-of-the-test"
)

// sent is one request as the target got it.
type sent struct {
	Method, Path, Key, Auth string
	Body                    []byte
}

func (s sent) inputs(t *testing.T) []string {
	t.Helper()
	var body struct {
		Inputs []struct {
			ExternalID string `json:"externalId"`
		} `json:"inputs"`
	}
	if err := json.Unmarshal(s.Body, &body); err != nil {
		t.Fatalf("body of %s: %v", s.Path, err)
	}
	var ids []string
	for _, in := range body.Inputs {
		ids = append(ids, in.ExternalID)
	}
	return ids
}

// target is an ingest API that refuses every request that openapi.yaml does not
// describe, and answers as the test says.
type target struct {
	*httptest.Server
	t      *testing.T
	router routers.Router
	answer func(sent) reply

	mu   sync.Mutex
	sent []sent
}

type reply struct {
	status int
	header map[string]string
	body   any  // text as it is, anything else as JSON
	wild   bool // not what the document describes, on purpose
}

func document(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatalf("load openapi.yaml: %v", err)
	}
	return doc
}

func newTarget(t *testing.T, answer func(sent) reply) *target {
	t.Helper()
	doc := document(t)
	doc.Servers = nil // the test's host is not the document's
	router, err := gorillamux.NewRouter(doc)
	harness.OK(t, err)
	tg := &target{t: t, router: router, answer: answer}
	tg.Server = httptest.NewServer(tg)
	t.Cleanup(func() {
		tg.CloseClientConnections()
		tg.Close()
	})
	return tg
}

func (tg *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := tg.router.FindRoute(r)
	if err != nil {
		tg.t.Errorf("%s %s is not in openapi.yaml: %v", r.Method, r.URL.Path, err)
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		tg.t.Errorf("%s %s: request breaks openapi.yaml: %v", r.Method, r.URL.Path, err)
	}
	s := sent{
		Method: r.Method, Path: r.URL.Path, Body: body,
		Key: r.Header.Get("Idempotency-Key"), Auth: r.Header.Get("Authorization"),
	}
	tg.mu.Lock()
	tg.sent = append(tg.sent, s)
	tg.mu.Unlock()
	tg.reply(w, in, tg.answer(s))
}

func (tg *target) reply(w http.ResponseWriter, in *openapi3filter.RequestValidationInput, a reply) {
	text, ok := a.body.(string)
	b := []byte(text)
	if !ok && a.body != nil {
		var err error
		if b, err = json.Marshal(a.body); err != nil {
			tg.t.Errorf("marshal the answer: %v", err)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if a.status >= 400 {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if !a.wild {
		err := openapi3filter.ValidateResponse(tg.t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: a.status, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(b)),
		})
		if err != nil {
			tg.t.Errorf("the test's own answer breaks openapi.yaml: %v", err)
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(b)
}

func (tg *target) requests() []sent {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	return append([]sent(nil), tg.sent...)
}

// client speaks to the target, with a transport of its own that the test's end closes.
func (tg *target) client(change ...func(*channelprogram.Config)) *channelprogram.Client {
	tg.t.Helper()
	transport := &http.Transport{}
	tg.t.Cleanup(transport.CloseIdleConnections)
	cfg := channelprogram.Config{
		BaseURL: tg.URL, ConnectionID: connectionID, Token: token, Transport: transport,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := channelprogram.New(cfg)
	harness.OK(tg.t, err)
	return c
}

// took is the answer of a target that takes everything.
func took(t *testing.T) func(sent) reply {
	return func(s sent) reply {
		if s.Method == http.MethodPut {
			return reply{status: 201, body: created(lastSegment(s.Path))}
		}
		return batchOf(s.inputs(t), nil)
	}
}

func created(id string) map[string]any {
	return map[string]any{
		"externalId": id, "outcome": "created", "targetId": "t-" + id,
		"targetUrl": "https://target.example/" + id, "revision": 1,
	}
}

// batchOf answers one result for each id; special ones may be given.
func batchOf(ids []string, special map[string]map[string]any) reply {
	status, results := 200, []any{}
	for i, id := range ids {
		res := created(id)
		if s, ok := special[id]; ok {
			res, status = s, 207
		}
		res["index"] = i
		results = append(results, res)
	}
	return reply{status: status, body: map[string]any{
		"results": results,
		"summary": map[string]any{"total": len(ids), "succeeded": len(ids), "rejected": 0, "failed": 0},
	}}
}

func problem(status int, code, detail string) reply {
	return reply{status: status, body: map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
		"requestId": "req-" + strconv.Itoa(status),
	}}
}

func lastSegment(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

var observedAt = time.Date(2026, 11, 23, 10, 0, 0, 123000000, time.UTC)

func client(name string) channelprogram.ClientInput {
	return channelprogram.ClientInput{
		Name: name,
		Source: channelprogram.Source{
			System: channelprogram.SystemAutotask, ObservedAt: observedAt, Trigger: channelprogram.TriggerWebhook,
		},
	}
}

func contract(name string) channelprogram.ContractInput {
	return channelprogram.ContractInput{
		Client:     channelprogram.ClientRef{ExternalID: "7", Name: "Northwind Dental"},
		VendorName: "Contoso", Name: &name, Source: client("").Source,
	}
}

func items(ids ...string) []channelprogram.Item[channelprogram.ClientInput] {
	var out []channelprogram.Item[channelprogram.ClientInput]
	for _, id := range ids {
		out = append(out, channelprogram.Item[channelprogram.ClientInput]{ExternalID: id, Data: client("Client " + id)})
	}
	return out
}
