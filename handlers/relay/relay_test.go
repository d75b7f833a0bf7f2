package relay

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/events/peer"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/identity"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const installation = "01hzx3q8r9k2m4n6p8s0t2v4w6"

// wire is the bus of all instances of a test.
type wire struct {
	mu       sync.Mutex
	services map[string]func(context.Context, []byte) []byte
	last     []byte // the last question, as a client of NATS would see it
	fail     error
}

func (w *wire) Ask(_ context.Context, instance, service string, question []byte) ([]byte, error) {
	w.mu.Lock()
	fn, fail := w.services[instance+" "+service], w.fail
	w.last = question
	w.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	if fn == nil {
		return nil, peer.ErrNoInstance
	}
	return fn(context.Background(), question), nil // another process: nothing of the asker's context gets there
}

func (w *wire) Answer(instance, service string, fn func(context.Context, []byte) []byte) (func(), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.services[instance+" "+service] = fn
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.services, instance+" "+service)
	}, nil
}

// sealer is a seal that a test can see through: the key, the purpose, the text.
type sealer string

func (s sealer) Seal(purpose string, plain []byte) []byte {
	return []byte(string(s) + "|" + purpose + "|" + string(plain))
}

func (s sealer) Open(purpose string, sealed []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, []byte(string(s)+"|"+purpose+"|"))
	if !ok {
		return nil, errors.New("sealed with another key, or for another purpose")
	}
	return plain, nil
}

// owner is whose all shards are, as an instance sees it.
type owner struct {
	mu sync.Mutex
	id string
}

func (o *owner) Owner(int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.id
}

func (o *owner) set(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.id = id
}

// instance is one with an API that says who answered what.
type instance struct {
	*Relay
	owner  *owner
	server *httptest.Server
}

func newInstance(t *testing.T, w *wire, id, key, owned string) *instance {
	t.Helper()
	api := chi.NewRouter()
	api.HandleFunc("/*", func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/panic") {
			panic("at the API")
		}
		if strings.HasSuffix(r.URL.Path, "/half") {
			rw.Header().Set("Location", "half")
			_, _ = io.WriteString(rw, `{"half":`)
			panic("in the middle of the answer")
		}
		body, _ := io.ReadAll(r.Body)
		rw.Header().Set("Location", r.URL.Path+"/made")
		rw.Header().Set("Content-Type", "text/plain")
		rw.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(rw, "%s did %s %s for %q: %s", id, r.Method, r.URL.RequestURI(), r.Header.Get(access.ActorHeader), body)
		if r.Header.Get("Authorization") != "" && id != "a" {
			t.Error("the token was passed on")
		}
	})
	o := &owner{id: owned}
	line := NewLine(LineConfig{Self: id, Bus: w, Sealer: sealer(key), Log: zap.NewNop()})
	in := &instance{Relay: New(Config{Self: id, Owners: o, Line: line, API: api, Log: zap.NewNop(), Patience: 100 * time.Millisecond}), owner: o}
	stop, err := in.Serve()
	harness.OK(t, err)
	outer := chi.NewRouter()
	outer.Mount("/api/v1", in.Relay)
	in.server = httptest.NewServer(outer)
	t.Cleanup(func() {
		in.server.Close()
		stop()
	})
	return in
}

func (in *instance) do(t *testing.T, method, path, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, in.server.URL+"/api/v1"+path, strings.NewReader(body))
	harness.OK(t, err)
	req.Header.Set(access.ActorHeader, "cli")
	req.Header.Set("Authorization", "Bearer token")
	resp, err := in.server.Client().Do(req)
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	harness.OK(t, err)
	return resp, string(text)
}

func TestRequestsGoToTheirOwner(t *testing.T) {
	w := &wire{services: map[string]func(context.Context, []byte) []byte{}}
	a := newInstance(t, w, "a", "key", "b")
	newInstance(t, w, "b", "key", "b")
	of := "/installations/" + installation
	for _, c := range []struct{ method, path, who string }{
		{"GET", of, "b"},
		{"PATCH", of + "?preview=true", "b"},
		{"GET", of + "/records?kind=company&q=a%20b", "b"},
		{"POST", of + "/syncs/active_customers/stop", "b"},
		{"POST", "/installations", "b"},
		{"POST", "/installations?test=only", "b"},
		{"GET", "/installations", "a"},
		{"GET", "/status", "a"},
		{"GET", "/audit", "a"},
		{"GET", "/zones", "a"},
		{"GET", of + "/feed", "a"},
		{"GET", "/installations/not-an-id", "a"},
		{"GET", "/installations/01HZX3Q8R9K2M4N6P8S0T2V4W6", "a"},
	} {
		resp, text := a.do(t, c.method, c.path, "the body")
		want := fmt.Sprintf("%s did %s /api/v1%s for \"cli\": the body", c.who, c.method, c.path)
		if text != want || resp.StatusCode != http.StatusAccepted {
			t.Errorf("got %s %q, want %q", resp.Status, text, want)
		}
		path, _, _ := strings.Cut(c.path, "?")
		if got := resp.Header.Get("Location"); got != "/api/v1"+path+"/made" {
			t.Errorf("location %q", got)
		}
	}
	for _, path := range []string{"/panic", "/half"} {
		resp, text := a.do(t, "POST", of+path, "")
		if resp.StatusCode != http.StatusInternalServerError || !strings.HasPrefix(text, "{") || !strings.Contains(text, `"code":"internal"`) ||
			strings.Contains(text, "half") || resp.Header.Get("Location") != "" {
			t.Errorf("a panic at the owner, %s: %s %q", path, resp.Status, text)
		}
	}
	if resp, _ := a.do(t, "POST", of+"/stop", strings.Repeat("x", maxBody+1)); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %s", resp.Status)
	}
}

// While nobody, or somebody who does not answer, works for an installation, the store
// answers reads, and what changes something is to be tried again.
func TestRequestsWithoutAnOwner(t *testing.T) {
	w := &wire{services: map[string]func(context.Context, []byte) []byte{}}
	a := newInstance(t, w, "a", "key", "")
	b := newInstance(t, w, "b", "key", "")
	newInstance(t, w, "s", "another key", "s")
	of := "/installations/" + installation
	cases := []struct {
		what, owner string
		fail        error
		hint        string
	}{
		{what: "nobody", hint: "Nothing was done"},
		{what: "one that is gone", owner: "gone", hint: "Nothing was done"},
		{what: "one that gave it up a moment ago", owner: "b", hint: "Nothing was done"},
		{what: "one that is slow", owner: "b", fail: context.DeadlineExceeded, hint: "It may have been done"},
		{what: "one that has another key", owner: "s", hint: "It may have been done"},
	}
	for _, c := range cases {
		a.owner.set(c.owner)
		b.owner.set("a") // not its own: and it must not send it back
		w.mu.Lock()
		w.fail = c.fail
		w.mu.Unlock()
		for _, path := range []string{of, of + "/records"} {
			if _, text := a.do(t, "GET", path, ""); !strings.HasPrefix(text, "a did GET") {
				t.Errorf("%s: a read is answered %q", c.what, text)
			}
		}
		for _, r := range [][2]string{{"POST", of + "/stop"}, {"PATCH", of}, {"GET", of + "/records/company/1/explain"}, {"POST", "/installations"}} {
			resp, text := a.do(t, r[0], r[1], "")
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(text, c.hint) {
				t.Errorf("%s: %s %s is answered %s %q", c.what, r[0], r[1], resp.Status, text)
			}
		}
	}
	a.owner.set("b")
	w.mu.Lock()
	w.fail = peer.ErrTooLarge
	w.mu.Unlock()
	if resp, _ := a.do(t, "GET", of, ""); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("too large to be passed on: %s", resp.Status)
	}
}

// A shard that is handed over is waited for: who asks then notices nothing.
func TestRequestsWaitForAHandover(t *testing.T) {
	w := &wire{services: map[string]func(context.Context, []byte) []byte{}}
	a, b := newInstance(t, w, "a", "key", "b"), newInstance(t, w, "b", "key", "")
	for _, next := range []*instance{b, a} {
		next.Patience, a.Patience = 10*time.Second, 10*time.Second
		time.AfterFunc(70*time.Millisecond, func() {
			a.owner.set(next.Self)
			b.owner.set(next.Self)
		})
		resp, text := a.do(t, "POST", "/installations", "the body")
		if resp.StatusCode != http.StatusAccepted || !strings.HasPrefix(text, next.Self+" did POST") || !strings.HasSuffix(text, "the body") {
			t.Errorf("to %s: %s %q", next.Self, resp.Status, text)
		}
		a.owner.set("")
	}
}

func TestLineTakesAQuestionOnce(t *testing.T) {
	w := &wire{services: map[string]func(context.Context, []byte) []byte{}}
	line := func(id, key string) *Line {
		return NewLine(LineConfig{Self: id, Bus: w, Sealer: sealer(key), Log: zap.NewNop()})
	}
	a, b := line("a", "key"), line("b", "key")
	received := 0
	answer := func(_ context.Context, q []byte) []byte { received++; return append([]byte("re: "), q...) }
	for _, service := range []string{"echo", "other"} {
		if _, err := b.Answer(service, answer); err != nil {
			t.Fatal(err)
		}
	}
	got, err := a.Ask(t.Context(), "b", "echo", []byte("hello"))
	if err != nil || string(got) != "re: hello" {
		t.Fatalf("%q, %v", got, err)
	}
	// Whoever listens has seen the question; asked again, or of another service or instance, it is refused.
	recorded := w.last
	if got := w.services["b echo"](t.Context(), recorded); got != nil {
		t.Errorf("asked again it is answered %q", got)
	}
	if got := w.services["b other"](t.Context(), recorded); got != nil {
		t.Errorf("another service answers it %q", got)
	}
	for _, bad := range [][]byte{nil, []byte("key|question echo b|"), []byte("key|question echo b|\xff12345678"), []byte("nonsense")} {
		if got := w.services["b echo"](t.Context(), bad); got != nil {
			t.Errorf("%q is answered %q", bad, got)
		}
	}
	if received != 1 {
		t.Errorf("received %d questions", received)
	}
	if _, err := line("c", "another key").Ask(t.Context(), "b", "echo", nil); !errors.Is(err, errUnopened) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := a.Ask(t.Context(), "nobody", "echo", nil); !errors.Is(err, peer.ErrNoInstance) {
		t.Errorf("of nobody: %v", err)
	}
}

// Questions are answered on goroutines that no server watches: a panic there would end the process.
func TestPanicOfAnAnswerIsThatQuestionsFailure(t *testing.T) {
	w := &wire{services: map[string]func(context.Context, []byte) []byte{}}
	core, logs := observer.New(zap.ErrorLevel)
	line := NewLine(LineConfig{Self: "b", Bus: w, Sealer: sealer("key"), Log: zap.New(core)})
	if _, err := line.Answer("issues", func(context.Context, []byte) []byte { panic("no issue") }); err != nil {
		t.Fatal(err)
	}
	if answer, err := NewLine(LineConfig{Self: "a", Bus: w, Sealer: sealer("key"), Log: zap.NewNop()}).Ask(t.Context(), "b", "issues", nil); err == nil {
		t.Errorf("answered %q", answer)
	}
	if logs.Len() != 1 || logs.All()[0].ContextMap()["stack"] == "" {
		t.Errorf("logged %v, want the panic with its stack", logs.All())
	}
}

func TestWindow(t *testing.T) {
	var w window
	for _, c := range []struct {
		n    uint64
		want bool
	}{
		{1, true},
		{1, false},
		{3, true},
		{2, true},
		{2, false},
		{windowSize, true},
		{4, true},
		{3 * windowSize, true},
		{windowSize + 1, false},
		{2*windowSize + 1, true},
		{2 * windowSize, false},
		{3*windowSize - 1, true},
		{3 * windowSize, false},
	} {
		if got := w.accept(c.n); got != c.want {
			t.Errorf("number %d is taken: %v, want %v", c.n, got, c.want)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for _, seed := range []string{"", "\n", "{}\nbody", `{"status":200,"header":{"A":["b"]}}` + "\n", "{\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		var head answer
		body, err := unpack(packed, &head)
		if err != nil {
			return
		}
		again, err := pack(head, body)
		harness.OK(t, err)
		var second answer
		rest, err := unpack(again, &second)
		if err != nil || !bytes.Equal(rest, body) || second.Status != head.Status {
			t.Errorf("%q came back as %q, %v", packed, again, err)
		}
	})
}

// TestAskersAreBounded: every start of an instance is another asker, for as long as this one
// lives. Those that ask are remembered however many have ended.
func TestAskersAreBounded(t *testing.T) {
	l := NewLine(LineConfig{Self: "b", Sealer: sealer("key"), Log: zap.NewNop()})
	ask := func(from string, number uint64) error {
		plain := append(binary.BigEndian.AppendUint64([]byte{byte(len(from))}, number), from...)
		_, _, _, err := l.open("echo", l.sealer.Seal(questionFor("b", "echo"), plain))
		return err
	}
	number := uint64(0)
	for i := range 2*askersMost + 10 {
		harness.OK(t, ask(fmt.Sprint("life ", i), 1))
		if i%100 == 0 {
			number++
			harness.OK(t, ask("a", number))
		}
	}
	if n := len(l.seen); n > askersMost {
		t.Errorf("%d askers are remembered", n)
	}
	if ask("a", number) == nil || ask("a", 1) == nil || ask(fmt.Sprint("life ", 2*askersMost), 1) == nil {
		t.Error("a question of one that is remembered is answered twice")
	}
}

// TestAQuestionOfNobodyIsNotAnswered: who asks was found out by the instance that passes it on; without that nobody did.
func TestAQuestionOfNobodyIsNotAnswered(t *testing.T) {
	w := &wire{services: map[string]func(context.Context, []byte) []byte{}}
	in := newInstance(t, w, "b", "key", "b")
	for caller, served := range map[*identity.Caller]bool{nil: false, {Identity: v1.Identity{ID: "t-1", Role: v1.RoleViewer}}: true} {
		answered := &recorder{header: http.Header{}}
		err := in.serve(t.Context(), answered, request{Method: http.MethodGet, URI: "/api/v1/installations/" + installation + "/records", Caller: caller}, nil)
		if (err == nil && answered.status == http.StatusAccepted) != served {
			t.Errorf("of %+v: %d, %v", caller, answered.status, err)
		}
	}
}
