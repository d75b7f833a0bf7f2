package watch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"
	"channelsync/test/harness/stores"
	"channelsync/test/harness/vaults"
	atsim "channelsync/test/sim/autotask/sim"
)

func TestMain(m *testing.M) {
	if os.Getenv(largeTenant) != "" {
		if err := serveLargeTenant(); err != nil {
			fmt.Fprintln(os.Stderr, "serve the simulated tenant:", err)
			os.Exit(1)
		}
		return
	}
	harness.Parallel(4) // most of what a test does is waiting
	harness.Main(m)
}

const (
	publicURL = "https://sync.msp.example"
	username  = "api@msp.example"
	secret    = "secret-0123456789"
)

// bench is watchers on a simulated Autotask and a real event store.
type bench struct {
	t      *testing.T
	at     *atsim.Sim
	url    string
	bus    *events.Bus
	store  *installation.Store
	ledger *ledger.Ledger
	line   *line
	clock  *clock.Clock
	n      int // installations made
	edits  int
}

var errCut = errors.New("the line is cut")

// line carries requests to Autotask until it is cut: the request at the cut is
// not sent, or it is and its answer is lost; all that follow are not sent.
type line struct {
	http.RoundTripper
	see   func(*http.Request) // sees each request before it is sent; nil = nobody does
	mu    sync.Mutex
	calls int
	cut   int // the call to cut at, from 1; 0 = never
	lost  bool
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.see != nil {
		l.see(r)
	}
	l.mu.Lock()
	l.calls++
	here, gone := l.calls == l.cut, l.cut > 0 && l.calls > l.cut
	l.mu.Unlock()
	if gone || here && !l.lost {
		return nil, errCut
	}
	res, err := l.RoundTripper.RoundTrip(r)
	if here && err == nil {
		_ = res.Body.Close()
		return nil, errCut
	}
	return res, err
}

func (l *line) arm(cut int, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.cut, l.lost = 0, cut, lost
}

// takesAll answers the callouts: nobody listens at the public URL of these tests.
type takesAll struct{}

func (takesAll) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNoContent, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, Request: r}, nil
}

// newBench also lets the test run beside others: it waits for the disk most of the time.
func newBench(t *testing.T, cfg atsim.Config) *bench {
	t.Helper()
	t.Parallel()
	return openBench(t, cfg)
}

func openBench(t *testing.T, cfg atsim.Config) *bench {
	t.Helper()
	b := &bench{t: t, clock: clock.At(time.Now())}
	cfg.Transport = takesAll{}
	cfg.Username, cfg.Secret, cfg.TrackingIdentifier = username, secret, "TRACK"
	b.at = atsim.New(cfg)
	server := httptest.NewServer(b.at.Handler())
	b.url = server.URL
	b.line = &line{RoundTripper: server.Client().Transport}
	b.bus = stores.Open(t)
	t.Cleanup(func() {
		b.at.Close()
		server.Close()
	})
	sealed := vaults.Open(t, stores.Table(t, b.bus, "keys"))
	b.ledger = ledger.New(stores.Table(t, b.bus, "ledger"), sealed)
	var err error
	if b.store, err = installation.Open(t.Context(), stores.Table(t, b.bus, "installations"), sealed); err != nil {
		t.Fatal(err)
	}
	return b
}

// forgotten notes what a watcher told the catalogue to forget.
type forgotten struct{ services []int64 }

func (f *forgotten) ForgetServices(ids ...int64) { f.services = append(f.services, ids...) }
func (f *forgotten) ForgetCatalogue()            {}

// watcher makes an installation and its watcher.
func (b *bench) watcher(syncs ...v1.Sync) *Watcher {
	b.t.Helper()
	b.n++
	in := &installation.Installation{
		ID: fmt.Sprintf("01hzx3q8r9k2m4n6p8s0t%05d", b.n), Zone: v1.Zone{Name: "test", URL: b.url + "/atservicesrest"},
		Syncs:   map[v1.Sync]*installation.SyncSettings{},
		Secrets: installation.Secrets{Username: username, Secret: secret, TrackingIdentifier: "TRACK"},
	}
	if len(syncs) == 0 {
		syncs = v1.Syncs
	}
	for _, s := range syncs {
		in.Syncs[s] = &installation.SyncSettings{}
	}
	harness.OK(b.t, b.store.Create(b.t.Context(), in))
	return b.again(in.ID)
}

// again is the watcher of an installation as after a restart.
func (b *bench) again(id string) *Watcher {
	b.t.Helper()
	in := b.installation(id)
	client := autotask.New(autotask.Config{
		Credentials: autotask.Credentials{
			Username: in.Secrets.Username, Secret: v1.Secret(in.Secrets.Secret), TrackingIdentifier: v1.Secret(in.Secrets.TrackingIdentifier),
		},
		Zone: in.Zone, Hosts: autotask.NewHosts([]string{strings.TrimPrefix(b.url, "http://")}), Transport: b.line,
		Wait: func(context.Context, time.Duration) error { return nil },
	})
	return New(Config{
		ID: id, Store: b.store, Autotask: client, Journal: b.bus.Journal(), Ledger: b.ledger, Catalogue: &forgotten{}, Now: b.clock.Now, Log: zap.NewNop(),
		PartsEvery: time.Hour, PollEvery: time.Minute,
		Wait: func(ctx context.Context, d time.Duration) error {
			b.clock.Add(d)
			return ctx.Err()
		},
	})
}

func (b *bench) installation(id string) *installation.Installation {
	b.t.Helper()
	in, err := b.store.Get(id)
	harness.OK(b.t, err)
	return in
}

// edit changes a row in a millisecond of its own: nothing can tell apart two edits that have the same stamp.
func (b *bench) edit(entity string, id int64, fields atsim.Row) {
	b.t.Helper()
	for before := time.Now().UnixMilli(); time.Now().UnixMilli() == before; {
		runtime.Gosched()
	}
	harness.OK(b.t, b.at.Edit(entity, id, fields))
}

// found lists the changes in the journal that were not looked at before.
type found struct {
	b    *bench
	id   string
	upTo uint64
}

func (b *bench) changes(w *Watcher) *found { return &found{b: b, id: w.ID} }

func (f *found) next() []string {
	f.b.t.Helper()
	var out []string
	err := f.b.bus.Journal().Read(f.b.t.Context(), events.ReadFrom{Installation: f.id, FromSequence: f.upTo + 1}, func(c events.StoredChange) error {
		out = append(out, fmt.Sprintf("%s %d %s", c.Kind, c.ID, c.Trigger))
		f.upTo = c.Sequence
		return nil
	})
	harness.OK(f.b.t, err)
	return out
}

// expect checks what was written since the last look.
func (f *found) expect(what string, want ...string) {
	f.b.t.Helper()
	if diff := cmp.Diff(want, f.next()); diff != "" {
		f.b.t.Errorf("%s: %s", what, diff)
	}
}
