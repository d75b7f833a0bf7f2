package autotask

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	testSecret   = v1.Secret("pa$$w#rd-of-the-api-user")
	testTracking = v1.Secret("TRACKING-IDENTIFIER-27-CHARS")
)

var (
	testCredentials = Credentials{Username: "key@example.test", Secret: testSecret, TrackingIdentifier: testTracking}
	zone3           = v1.Zone{Name: "America East", URL: "https://webservices3.autotask.net/atservicesrest"}
	zone22          = v1.Zone{Name: "America East 3", URL: "https://webservices22.autotask.net/atservicesrest"}
)

// sent is a request as the vendor received it.
type sent struct {
	method, host, path string
	header             http.Header
	body               string
}

// filters reads the query's body back.
func (s sent) query(t *testing.T) queryBody {
	t.Helper()
	var q queryBody
	if err := json.Unmarshal([]byte(s.body), &q); err != nil {
		t.Fatalf("body of %s %s: %v", s.method, s.path, err)
	}
	return q
}

// vendor answers in memory, without sockets, so that it works under a fake clock.
type vendor struct {
	mu     sync.Mutex
	calls  []sent
	answer http.HandlerFunc
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(raw)
	}
	v.mu.Lock()
	v.calls = append(v.calls, sent{r.Method, r.URL.Host, r.URL.Path, r.Header.Clone(), body})
	v.mu.Unlock()
	r.Body = io.NopCloser(strings.NewReader(body))
	rec := httptest.NewRecorder()
	v.answer(rec, r)
	if r.Context().Err() != nil {
		return nil, context.Cause(r.Context()) // as net/http does
	}
	return rec.Result(), nil
}

func (v *vendor) sent() []sent {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.calls)
}

// always answers every request the same.
func always(status int, body string) *vendor {
	return &vendor{answer: func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) }}
}

// inOrder answers one after the other, and the last one for ever.
func inOrder(answers ...http.HandlerFunc) *vendor {
	var mu sync.Mutex
	n := 0
	return &vendor{answer: func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answer := answers[min(n, len(answers)-1)]
		n++
		mu.Unlock()
		answer(w, r)
	}}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, code, body) }
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// noWait lets tries follow each other at once and keeps the pauses.
type pauses struct {
	mu  sync.Mutex
	all []time.Duration
}

func (p *pauses) wait(_ context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, d)
	return nil
}

// newTestClient is a client of the vendor that never really waits.
func newTestClient(t *testing.T, v *vendor, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		Credentials: testCredentials, Zone: zone3, Transport: v,
		Wait: (&pauses{}).wait,
	}
	for _, f := range change {
		f(&cfg)
	}
	c := New(cfg)
	t.Cleanup(c.Close)
	return c
}

func ptr[T any](v T) *T { return &v }

// decodeAll reads rows as an answer's items.
func decodeAll[T any](t *testing.T, rows ...string) Rows[T] {
	t.Helper()
	s, err := shapeOf(reflect.TypeFor[T](), reflect.TypeFor[T]().Name()+"s")
	harness.OK(t, err)
	items := make([]json.RawMessage, 0, len(rows))
	for _, row := range rows {
		items = append(items, json.RawMessage(row))
	}
	return decodeRows[T](s, items, nil)
}
