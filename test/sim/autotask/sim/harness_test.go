package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user   = "api@msp.example"
	secret = "pa$$#word"
	code   = "TRACKING"
)

// tenant is a simulator behind a socket, and a client that is logged in.
type tenant struct {
	*sim.Sim
	t      *testing.T
	server *httptest.Server
	client *http.Client
	clock  *clock
	header http.Header
}

// clock is the injected now; it stands still unless it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) Add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func start(t *testing.T, change func(*sim.Config)) *tenant {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 123_456_700, time.UTC)}
	cfg := sim.Config{Username: user, Secret: secret, TrackingIdentifier: code, Scale: 0.0005, Seed: 1, Now: c.Now}
	if change != nil {
		change(&cfg)
	}
	s := sim.New(cfg)
	server := httptest.NewServer(s.Handler())
	tn := &tenant{
		Sim: s, t: t, server: server, client: server.Client(), clock: c,
		header: http.Header{"Username": {user}, "Secret": {secret}, "Apiintegrationcode": {code}},
	}
	t.Cleanup(func() {
		s.Close()
		tn.client.CloseIdleConnections()
		server.Close()
	})
	return tn
}

// reply is an answer, decoded when it is JSON.
type reply struct {
	status int
	raw    string
	body   map[string]any
}

func (r reply) text() string {
	if list, ok := r.body["errors"].([]any); ok && len(list) > 0 {
		text, _ := list[0].(string)
		return text
	}
	text, _ := r.body["Message"].(string)
	return text
}

func (r reply) items() []map[string]any {
	list, _ := r.body["items"].([]any)
	rows := make([]map[string]any, 0, len(list))
	for _, item := range list {
		row, _ := item.(map[string]any)
		rows = append(rows, row)
	}
	return rows
}

func (r reply) item() map[string]any { row, _ := r.body["item"].(map[string]any); return row }

func (r reply) id() int64 { id, _ := r.body["itemId"].(float64); return int64(id) }

func (r reply) page(key string) string {
	details, _ := r.body["pageDetails"].(map[string]any)
	text, _ := details[key].(string)
	return text
}

// send makes any request; a path without a host is under the REST base.
func (tn *tenant) send(method, path, body string) (reply, error) {
	url := path
	switch {
	case len(path) > 5 && path[:5] == "/sim/" || path == "/":
		url = tn.server.URL + path
	case len(path) < 4 || path[:4] != "http":
		url = tn.server.URL + "/atservicesrest/v1.0/" + path
	}
	ctx, cancel := context.WithTimeout(tn.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return reply{}, err
	}
	req.Header = tn.header.Clone()
	resp, err := tn.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: resp.StatusCode, raw: string(raw)}
	_ = json.Unmarshal(raw, &r.body) // not every body is an object
	return r, nil
}

func (tn *tenant) do(method, path, body string) reply {
	tn.t.Helper()
	r, err := tn.send(method, path, body)
	if err != nil {
		tn.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// must is do for requests that have to succeed.
func (tn *tenant) must(method, path, body string) reply {
	tn.t.Helper()
	r := tn.do(method, path, body)
	if r.status < 200 || r.status > 299 {
		tn.t.Fatalf("%s %s: %d %s", method, path, r.status, r.raw)
	}
	return r
}

func (tn *tenant) waitCallouts() {
	tn.t.Helper()
	ctx, cancel := context.WithTimeout(tn.t.Context(), 10*time.Second)
	defer cancel()
	if err := tn.WaitCallouts(ctx); err != nil {
		tn.t.Fatal(err)
	}
}

// hookServer receives callouts.
type hookServer struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	answer func(n int) int
}

type received struct {
	path      string
	raw       string
	body      map[string]any
	signature string
}

func receive(t *testing.T, answer func(n int) int) *hookServer {
	t.Helper()
	h := &hookServer{answer: answer}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got := received{path: r.URL.Path, raw: string(raw), signature: r.Header.Get(callout.SignatureHeader)}
		_ = json.Unmarshal(raw, &got.body)
		h.mu.Lock()
		h.got = append(h.got, got)
		status := http.StatusNoContent
		if h.answer != nil {
			status = h.answer(len(h.got))
		}
		h.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hookServer) all() []received {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]received(nil), h.got...)
}
