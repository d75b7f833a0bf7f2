package control

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/sync/audit"
	"channelsync/sync/deadletter"
	"channelsync/sync/history"
	"channelsync/sync/installation"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
	"channelsync/sync/seal"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
	"channelsync/test/harness/vaults"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

func TestMain(m *testing.M) {
	harness.Parallel(8) // most of what a test does is waiting
	harness.Main(m)
}

const (
	connection = "msp-one"
	username   = "api@msp.example"
	secret     = "secret-0123456789"
	tracking   = "TRACK"
	cpToken    = "token-0123456789"
)

// desk is a manager between the two simulated vendors, on a real event store.
type desk struct {
	*Manager
	t             *testing.T
	named         sync.Map // what its watchdog has said, see watched
	at            *atsim.Sim
	cp            *cpsim.Sim
	atURL         string
	keys          *kv.Table
	installations *kv.Table

	mu       sync.Mutex
	callouts []func() // called for every callout
}

type setup struct {
	autotask  atsim.Config
	publicURL string
}

// newDesk also lets the test run beside others: it waits for the disk most of the time.
func newDesk(t *testing.T, s setup) *desk {
	t.Helper()
	t.Parallel()
	d := &desk{t: t}
	s.autotask.Username, s.autotask.Secret, s.autotask.TrackingIdentifier, s.autotask.Transport = username, secret, tracking, listens{d}
	d.at = atsim.New(s.autotask)
	var err error
	d.cp, err = cpsim.New(cpsim.Config{Connections: []cpsim.Connection{{ID: connection, Token: cpToken}, {ID: "other", Token: cpToken + "-other"}}})
	harness.OK(t, err)
	atServer, cpServer := httptest.NewServer(d.at.Handler()), httptest.NewServer(d.cp.Handler())
	d.atURL = atServer.URL
	bus := stores.Open(t)
	t.Cleanup(func() {
		d.at.Close()
		d.cp.Close()
		atServer.Close()
		cpServer.Close()
	})
	tables := map[string]*kv.Table{}
	for _, name := range []string{"keys", "installations", "ledger", "jobs", "audit", "history"} {
		tables[name] = stores.Table(t, bus, name)
	}
	d.keys, d.installations = tables["keys"], tables["installations"]
	vault := vaults.Open(t, d.keys)
	store, err := installation.Open(t.Context(), d.installations, vault)
	harness.OK(t, err)
	jobs, err := job.Open(t.Context(), tables["jobs"], time.Now)
	harness.OK(t, err)
	audit := openAudit(t, tables["audit"])
	hosts := autotask.NewHosts([]string{strings.TrimPrefix(atServer.URL, "http://")})
	d.Manager = New(Config{
		Bus: bus, Vault: vault, Store: store, Ledger: ledger.New(tables["ledger"], vault), DeadLetters: deadletter.New(bus.DeadLetters(), vault, time.Now),
		Jobs: jobs, Audit: audit, History: history.New(history.Config{Table: tables["history"], Now: time.Now, Log: zap.NewNop()}), Hosts: hosts, Discovery: autotask.Discoverer{URL: atServer.URL + "/atservicesrest", Hosts: hosts, Client: atServer.Client()},
		ChannelProgramURL: cpServer.URL, PublicURL: s.publicURL,
		Intervals:         Intervals{Poll: time.Hour, Parts: time.Hour, Sweep: 24 * time.Hour, WebhookCheck: time.Hour, Coalesce: 10 * time.Millisecond},
		AutotaskTransport: atServer.Client().Transport, TargetTransport: cpServer.Client().Transport, Now: time.Now, Log: zap.NewNop(),
	})
	return d
}

// listens takes the callouts, as the public listener would.
type listens struct{ d *desk }

func (l listens) RoundTrip(r *http.Request) (*http.Response, error) {
	l.d.mu.Lock()
	callouts := l.d.callouts
	l.d.mu.Unlock()
	for _, fn := range callouts {
		fn()
	}
	return &http.Response{StatusCode: http.StatusNoContent, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, Request: r}, nil
}

func (d *desk) onCallout(fn func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.callouts = append(d.callouts, fn)
}

// run runs the installations, and the dispatcher, until the test ends or the returned function is called.
func (d *desk) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { d.Run(ctx) })
	wg.Go(func() {
		if err := d.Bus.Dispatch(ctx); err != nil {
			d.t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	d.t.Cleanup(stop)
	d.eventually("the manager runs", func() error {
		d.Manager.mu.Lock()
		defer d.Manager.mu.Unlock()
		if d.running == nil {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	return stop
}

// eventually polls until check is nil.
func (d *desk) eventually(what string, check func() error) {
	d.t.Helper()
	harness.Eventually(d.t, what, harness.Soon, check)
}

func request(syncs ...v1.Sync) v1.CreateInstallation {
	if len(syncs) == 0 {
		syncs = v1.Syncs
	}
	return v1.CreateInstallation{
		Name: "Example MSP", Username: username, Secret: secret, TrackingIdentifier: tracking, Syncs: syncs,
		ChannelProgram: v1.ChannelProgramTarget{ConnectionID: connection, Token: cpToken},
	}
}

func (d *desk) create(syncs ...v1.Sync) v1.Installation {
	d.t.Helper()
	in, err := d.Create(d.t.Context(), request(syncs...))
	harness.OK(d.t, err)
	return in
}

// live waits until an installation is.
func (d *desk) live(id string) v1.Installation {
	d.t.Helper()
	var last v1.Installation
	d.eventually("live", func() (err error) {
		if last, err = d.Get(d.t.Context(), id); err == nil && last.State != v1.StateLive {
			err = fmt.Errorf("%s, %v", last.State, last.Issues)
		}
		return err
	})
	return last
}

func (d *desk) kept(id string) *installation.Installation {
	d.t.Helper()
	in, err := d.Store.Get(id)
	harness.OK(d.t, err)
	return in
}

func (d *desk) customer(name string) int64 {
	return d.at.Put("Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true})
}

// openAudit opens the audit as every instance does.
func openAudit(t *testing.T, table audit.Table) *audit.Log {
	t.Helper()
	ring, err := seal.NewRing(bytes.Repeat([]byte{3}, seal.KeySize))
	harness.OK(t, err)
	a, err := audit.Open(t.Context(), audit.Config{Table: table, Sealer: ring, Now: time.Now, Log: zap.NewNop()})
	harness.OK(t, err)
	return a
}
