// Package env puts the real program between simulated vendors for the benchmarks: channelsync
// as a process of its own, with the settings a user would give, and any number of simulated
// Autotasks and Channel Program connections in this process. It measures nothing.
package env

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"channelsync/api/client"
	"channelsync/test/bench/process"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

const (
	secret     = "Secret-of-bench-1"
	trackingID = "IDENTIFIER-OF-BENCH"
	token      = "token-of-bench"
	adminToken = "admin-token-of-this-bench-harness"

	startWithin = 2 * time.Minute
	stopWithin  = 30 * time.Second
)

// Config is a env to set up.
type Config struct {
	Binary   string            // channelsync, built
	Dir      string            // an empty directory: the store and the log go there
	Tenants  int               // simulated Autotasks
	Settings map[string]string // flags without dashes, over the env's own
}

// Env is the program and its vendors.
type Env struct {
	Target  *cpsim.Sim
	Tenants []*Tenant
	Admin   *client.Client
	Product *process.Process

	cfg               Config
	autotask, program *httptest.Server
	callback, admin   string // addresses
	transport         *http.Transport
	StartedIn         time.Duration // from the start of the process to its being ready
}

// Open sets the vendors up; the program does not run before Start.
func Open(cfg Config) (*Env, error) {
	b := &Env{cfg: cfg, transport: &http.Transport{}}
	connections := make([]cpsim.Connection, cfg.Tenants)
	for i := range connections {
		t := newTenant(i)
		b.Tenants = append(b.Tenants, t)
		connections[i] = cpsim.Connection{ID: t.Connection, Token: token}
	}
	var err error
	// Every push is looked at by its time, so none may be forgotten.
	if b.Target, err = cpsim.New(cpsim.Config{Connections: connections, History: 1 << 20}); err != nil {
		return nil, fmt.Errorf("set up Channel Program: %w", err)
	}
	b.autotask = httptest.NewServer(byUser(b.Tenants))
	b.program = httptest.NewServer(b.Target.Handler())
	for _, addr := range []*string{&b.callback, &b.admin} {
		if *addr, err = freeAddr(); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	b.Admin, err = client.New(client.Config{URL: "http://" + b.admin, Token: adminToken, Transport: b.transport})
	return b, err
}

// byUser lets the user who asks decide which Autotask answers.
func byUser(tenants []*Tenant) http.Handler {
	handlers := map[string]http.Handler{}
	for _, t := range tenants {
		handlers[t.user] = t.Autotask.Handler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("UserName")
		if user == "" {
			user = r.URL.Query().Get("user")
		}
		if h := handlers[strings.ToLower(user)]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		http.Error(w, "no such user", http.StatusUnauthorized)
	})
}

// DataDir is where the program's store is.
func (b *Env) DataDir() string { return filepath.Join(b.cfg.Dir, "data") }

// CallbackAddr is where callbacks are posted to.
func (b *Env) CallbackAddr() string { return b.callback }

// Set changes a setting for the next Start.
func (b *Env) Set(flag, value string) {
	if b.cfg.Settings == nil {
		b.cfg.Settings = map[string]string{}
	}
	b.cfg.Settings[flag] = value
}

// Start runs the program and returns once it is ready; StartedIn says how long that took.
func (b *Env) Start(ctx context.Context) error {
	settings := map[string]string{
		"callback-listen": b.callback, "admin-listen": b.admin, "data-dir": b.DataDir(), "admin-token": adminToken,
		"public-url": "http://" + b.callback, "channel-program-url": b.program.URL,
		"autotask-discovery-url": b.autotask.URL + "/atservicesrest", "autotask-allow-hosts": b.zone(), "log-format": "json",
	}
	for k, v := range b.cfg.Settings {
		settings[k] = v
	}
	args := []string{"serve"}
	for k, v := range settings {
		args = append(args, "--"+k+"="+v)
	}
	began := time.Now()
	var err error
	b.Product, err = process.Start(process.Config{
		Path: b.cfg.Binary, Args: args, Env: passed(os.Environ()), Log: filepath.Join(b.cfg.Dir, "service.log"),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("channelsync was not ready within %s", startWithin))
	defer cancel()
	err = Until(ctx, 2*time.Millisecond, func() (bool, error) {
		if b.Product.Ended() {
			return false, fmt.Errorf("channelsync ended while it started: %s", b.lastWords())
		}
		ready, err := b.Admin.Ready(ctx)
		return err == nil && ready.Status == "ready", nil
	})
	b.StartedIn = time.Since(began)
	return err
}

// lastWords is the end of the program's log: its directory does not outlive the run.
func (b *Env) lastWords() string {
	text, err := os.ReadFile(filepath.Join(b.cfg.Dir, "service.log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-500):])
}

// passed is what the program inherits: its settings come as flags, the Go runtime's as an operator sets them.
func passed(environ []string) []string {
	out := []string{}
	for _, e := range environ {
		if strings.HasPrefix(e, "GOMEMLIMIT=") || strings.HasPrefix(e, "GOGC=") || strings.HasPrefix(e, "GODEBUG=") {
			out = append(out, e)
		}
	}
	return out
}

func (b *Env) zone() string { return strings.TrimPrefix(b.autotask.URL, "http://") }

// Stop ends the program as an operator would.
func (b *Env) Stop() error {
	if b.Product == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), stopWithin, fmt.Errorf("not within %s", stopWithin))
	defer cancel()
	err := b.Product.Stop(ctx)
	b.Product = nil
	b.transport.CloseIdleConnections()
	return err
}

// Kill ends the program as a crash does.
func (b *Env) Kill() {
	b.Product.Kill()
	b.Product = nil
	b.transport.CloseIdleConnections()
}

// Close ends the program and the vendors.
func (b *Env) Close() error {
	err := b.Stop()
	for _, t := range b.Tenants {
		t.Autotask.Close()
	}
	b.Target.Close()
	b.autotask.Close()
	b.program.Close()
	return err
}

// newTenant is one simulated Autotask with none of the vendor's waits.
func newTenant(i int) *Tenant {
	t := &Tenant{user: fmt.Sprintf("user%04d@msp.example", i), Connection: fmt.Sprintf("msp-%04d", i), Name: fmt.Sprintf("MSP %04d", i)}
	t.Autotask = atsim.New(atsim.Config{
		Username: t.user, Secret: secret, TrackingIdentifier: trackingID, Seed: int64(i), Now: t.now,
		Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1},
	})
	return t
}
