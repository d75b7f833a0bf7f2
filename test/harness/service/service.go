// Package service is channelsync between its two vendors, in one process: the real
// service with the settings a user would give, an Autotask simulator and a
// Channel Program simulator, each behind a real listener. End-to-end tests and
// benchmarks start one and drive it from the outside.
package service

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/internal/progress"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
	"channelsync/test/sim/oracle"
)

// What every harness's vendors are set up with; no real credential looks like these.
const (
	Username   = "api-user@msp.example"
	Secret     = "At-Secret-7f$#Zq91"
	TrackingID = "TRACKING-IDENTIFIER-0123456"
	Connection = "msp-one"
	Token      = "cp-token-5d0f7c1b9a"
	AdminToken = "admin-token-of-this-test-harness"
)

// Options is what a test decides; the zero value is a harness of defaults.
type Options struct {
	Autotask   atsim.Config                    // credentials are filled in
	Target     cpsim.Config                    // the connection is filled in
	NATSURL    string                          // empty: embedded
	DataDir    string                          // empty: a directory of the test's own
	NoWebhooks bool                            // no --public-url
	Hosts      []string                        // host:port values beside the simulator's that may be a zone
	Settings   map[string]string               // flags without dashes, over the harness's own
	Log        *zap.Logger                     // nil: the test's log, warnings and worse
	Now        func() time.Time                // the service's clock
	Quiet      time.Duration                   // how long an issue is there, or gone, until it is published; 0: as in production
	Wrap       func(http.Handler) http.Handler // stands between the service and Autotask
	Binary     string                          // run this program as a child process instead
	TLS        bool                            // the vendors speak HTTPS, and HTTP/2; needs Binary, which is given the authority to trust
	Beside     *Harness                        // another instance: it has the vendors of that harness
	Version    string                          // of the service; empty: "test"
	Stall      progress.Limits                 // how long work may stand still; zero: as in production
}

// Harness is a running service between its vendors.
type Harness struct {
	T        testing.TB
	Autotask *atsim.Sim
	Target   *cpsim.Sim
	Admin    *client.Client

	AutotaskURL, TargetURL string
	CallbackURL, AdminURL  string
	DataDir                string
	LogFile                string // of a child process

	opts      Options
	service   service
	transport *http.Transport // to the admin API
	past      oracle.Past     // what was expected so far
	callback  string          // the address to listen on again after a restart
	admin     string
}

// New starts a harness without an installation; the test's cleanup stops it.
func New(t testing.TB, opts Options) *Harness {
	t.Helper()
	w := &Harness{
		T: t, opts: opts, DataDir: opts.DataDir, callback: "127.0.0.1:0", admin: "127.0.0.1:0", transport: &http.Transport{},
		LogFile: filepath.Join(t.TempDir(), "service.log"),
	}
	if w.DataDir == "" {
		w.DataDir = t.TempDir()
	}
	if other := opts.Beside; other != nil {
		w.Autotask, w.Target, w.AutotaskURL, w.TargetURL = other.Autotask, other.Target, other.AutotaskURL, other.TargetURL
		t.Cleanup(w.Stop)
		w.Start()
		return w
	}
	at := opts.Autotask
	at.Username, at.Secret, at.TrackingIdentifier = Username, Secret, TrackingID
	w.Autotask = atsim.New(at)
	cp := opts.Target
	if cp.Connections == nil {
		cp.Connections = []cpsim.Connection{{ID: Connection, Token: Token, AccountName: "Example MSP"}}
	}
	var err error
	if w.Target, err = cpsim.New(cp); err != nil {
		t.Fatal(err)
	}
	autotask := w.Autotask.Handler()
	if opts.Wrap != nil {
		autotask = opts.Wrap(autotask)
	}
	atServer, cpServer := w.serve(autotask), w.serve(w.Target.Handler())
	t.Cleanup(func() {
		w.Stop()
		w.Autotask.Close()
		w.Target.Close()
		atServer.Close()
		cpServer.Close()
	})
	w.AutotaskURL, w.TargetURL = atServer.URL, cpServer.URL
	w.Start()
	return w
}

// serve is a vendor's listener.
func (w *Harness) serve(h http.Handler) *httptest.Server {
	if !w.opts.TLS {
		return httptest.NewServer(h)
	}
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.StartTLS()
	return server
}

// Start starts the service; after Stop it comes back on the same addresses and data.
func (w *Harness) Start() {
	w.T.Helper()
	w.Launch()
	w.Answers(30 * time.Second)
}

// Launch is Start without waiting: a service that cannot reach its store does not answer yet.
func (w *Harness) Launch() {
	w.T.Helper()
	if w.opts.Binary != "" {
		w.service = w.startChild()
	} else {
		w.service = w.startHere()
	}
	w.callback, w.admin = w.service.Addr()
	w.CallbackURL, w.AdminURL = "http://"+w.callback, "http://"+w.admin
	admin, err := client.New(client.Config{URL: w.AdminURL, Token: AdminToken, Transport: w.transport})
	harness.OK(w.T, err)
	w.Admin = admin
}

// Answers waits until the service answers.
func (w *Harness) Answers(within time.Duration) {
	w.T.Helper()
	w.Eventually("the service answers", within, func() error {
		_, err := w.Admin.Status(w.T.Context())
		return err
	})
}

// Stop stops the service and leaves the vendors running.
func (w *Harness) Stop() {
	w.T.Helper()
	if w.service == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := w.service.Stop(ctx); err != nil {
		w.T.Error(err)
	}
	w.service = nil
	w.transport.CloseIdleConnections()
}

// Set changes a setting for the next Start.
func (w *Harness) Set(flag, value string) {
	settings := map[string]string{flag: value}
	for k, v := range w.opts.Settings {
		if k != flag {
			settings[k] = v
		}
	}
	w.opts.Settings = settings
}

func (w *Harness) args() []string {
	_, host, _ := strings.Cut(w.AutotaskURL, "://")
	hosts := append([]string{host}, w.opts.Hosts...)
	publicURL := w.publicURL() // settles the address that callbacks are taken on
	settings := map[string]string{
		"callback-listen": w.callback, "admin-listen": w.admin, "data-dir": w.DataDir, "admin-token": AdminToken,
		"channel-program-url": w.TargetURL, "autotask-discovery-url": w.AutotaskURL + "/atservicesrest", "autotask-allow-hosts": strings.Join(hosts, ","),
		"contract-poll-interval": "1s", "log-format": "json",
	}
	if !w.opts.NoWebhooks {
		settings["public-url"] = publicURL
	}
	if w.opts.NATSURL != "" {
		settings["nats-url"], settings["nats-replicas"] = w.opts.NATSURL, "1"
		settings["master-key"] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	}
	for k, v := range w.opts.Settings {
		settings[k] = v
	}
	var args []string
	for k, v := range settings {
		args = append(args, "--"+k+"="+v)
	}
	return args
}

// publicURL is known before the first start: the callback listener takes a port
// that was free a moment ago.
func (w *Harness) publicURL() string {
	if strings.HasSuffix(w.callback, ":0") {
		w.callback = FreeAddr(w.T)
	}
	return "http://" + w.callback
}

// Create is the request that installs the harness's Autotask with both syncs.
func Create(syncs ...v1.Sync) v1.CreateInstallation {
	if len(syncs) == 0 {
		syncs = v1.Syncs
	}
	return v1.CreateInstallation{
		Name: "Example MSP", Username: Username, Secret: Secret, TrackingIdentifier: TrackingID, Syncs: syncs,
		ChannelProgram: v1.ChannelProgramTarget{ConnectionID: Connection, Token: Token},
	}
}

// Install creates the installation and waits until it is live.
func (w *Harness) Install(syncs ...v1.Sync) v1.Installation {
	w.T.Helper()
	in, err := w.Admin.CreateInstallation(w.T.Context(), Create(syncs...))
	if err != nil {
		w.T.Fatalf("create installation: %v", err)
	}
	return w.Until(in.ID, "live", 60*time.Second, func(in v1.Installation) bool { return in.State == v1.StateLive })
}

// Until waits until the installation is as wanted.
func (w *Harness) Until(id, what string, within time.Duration, want func(v1.Installation) bool) v1.Installation {
	w.T.Helper()
	var last v1.Installation
	w.Eventually("installation "+what, within, func() error {
		in, err := w.Admin.Installation(w.T.Context(), id)
		if err != nil {
			return err
		}
		last = in
		if !want(in) {
			return fmt.Errorf("state %s, backlog %d, issues %v", in.State, in.Backlog, in.Issues)
		}
		return nil
	})
	return last
}

// Eventually polls until check is nil; the test fails with its last error.
func (w *Harness) Eventually(what string, within time.Duration, check func() error) {
	w.T.Helper()
	harness.Eventually(w.T, what, within, check)
}

// Idle waits until no record of the installation is due, waiting or retrying.
func (w *Harness) Idle(id string, within time.Duration) {
	w.T.Helper()
	w.Until(id, "idle", within, func(in v1.Installation) bool { return in.Backlog == 0 })
}
