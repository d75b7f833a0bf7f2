package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/cli"
	"channelsync/cmd/channelsync/config"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
	"channelsync/test/sim/oracle"
)

// What the simulated vendors are set up with.
const (
	username   = "sandbox@msp.example"
	secret     = "sandbox-secret"
	trackingID = "SANDBOX-TRACKING-IDENTIFIER"
	connection = "sandbox"
	token      = "sandbox-token"
)

// agreeWithin is how long both sides may take to agree after the last edit.
const agreeWithin = 20 * time.Second

// sandbox is everything that runs.
type sandbox struct {
	options
	out      io.Writer
	autotask *atsim.Sim
	target   *cpsim.Sim
	app      *app.App
	admin    *client.Client
	id       string // of the installation
	past     oracle.Past
	closers  []func() error
}

// play runs the sandbox to its end and says whether both sides agreed.
func play(ctx context.Context, o options, stdout, stderr io.Writer) (agree bool, err error) {
	s := &sandbox{options: o, out: stdout}
	defer func() { err = errors.Join(err, s.close()) }()
	log := zap.NewNop()
	if o.verbose {
		log = cli.NewLogger("info", "auto", stderr)
	}
	if err := s.start(ctx, log); err != nil {
		return false, err
	}
	if err := s.install(ctx); err != nil {
		if ctx.Err() != nil {
			return true, nil // stopped before anything was edited
		}
		return false, err
	}
	runCtx, cancel := ctx, context.CancelFunc(func() {})
	if o.runFor > 0 {
		runCtx, cancel = context.WithTimeout(ctx, o.runFor)
	}
	defer cancel()
	edits := s.edit(runCtx)
	return s.summary(context.WithoutCancel(ctx), edits), nil
}

// start starts both simulators and the service.
func (s *sandbox) start(ctx context.Context, log *zap.Logger) error {
	dir, err := os.MkdirTemp("", "channelsync-sandbox-")
	if err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	s.closers = append(s.closers, func() error { return os.RemoveAll(dir) })

	s.autotask = atsim.New(atsim.Config{Username: username, Secret: secret, TrackingIdentifier: trackingID, Seed: s.seed})
	s.closers = append(s.closers, func() error { s.autotask.Close(); return nil })
	// Edits all the time, and polls each second, would use up in minutes what the vendor allows for an hour.
	s.autotask.SetModes(func(m *atsim.Modes) { m.HourlyThreshold, m.CalloutsPerHour = 1_000_000, 1_000_000 })
	s.autotask.Seed(atsim.SeedSpec{Companies: s.companies, Seed: s.seed})
	s.target, err = cpsim.New(cpsim.Config{Connections: []cpsim.Connection{{ID: connection, Token: token, AccountName: "Sandbox MSP"}}})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { s.target.Close(); return nil })
	autotaskURL, err := s.serve(s.autotask.Handler())
	if err != nil {
		return err
	}
	targetURL, err := s.serve(s.target.Handler())
	if err != nil {
		return err
	}
	if err := s.startService(ctx, dir, autotaskURL, targetURL, log); err != nil {
		return err
	}
	_, admin := s.app.Addr()
	fmt.Fprintf(s.out, "Autotask simulator         %s/\nChannel Program simulator  %s/\nconsole and admin API      http://%s/   token: %s\n\n",
		autotaskURL, targetURL, admin, tokenOf(dir))
	return nil
}

// serve serves a simulator on a free loopback port.
func (s *sandbox) serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for a simulator: %w", err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	s.closers = append(s.closers, func() error {
		err := srv.Close()
		<-done
		return err
	})
	return "http://" + l.Addr().String(), nil
}

func (s *sandbox) startService(ctx context.Context, dir, autotaskURL, targetURL string, log *zap.Logger) error {
	callbacks, err := freeAddr()
	if err != nil {
		return err
	}
	if !free(s.options.admin) {
		if s.options.admin, err = freeAddr(); err != nil {
			return err
		}
	}
	cfg, err := config.Parse([]string{
		"--callback-listen=" + callbacks, "--public-url=http://" + callbacks, "--admin-listen=" + s.options.admin, "--data-dir=" + dir,
		"--channel-program-url=" + targetURL, "--autotask-discovery-url=" + autotaskURL + "/atservicesrest",
		"--autotask-allow-hosts=" + strings.TrimPrefix(autotaskURL, "http://"),
		"--contract-poll-interval=1s", "--contract-parts-interval=5s",
	}, func(string) (string, bool) { return "", false })
	if err != nil {
		return err
	}
	s.app, err = app.New(ctx, app.Options{Config: cfg, Version: cli.Version(), Log: log})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error {
		stop, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		return s.app.Stop(stop)
	})
	if err := s.app.Start(ctx); err != nil {
		return err
	}
	_, admin := s.app.Addr()
	s.admin, err = client.New(client.Config{URL: "http://" + admin, Token: v1.Secret(tokenOf(dir))})
	return err
}

// install makes the installation through the real API and waits for its backfill.
func (s *sandbox) install(ctx context.Context) error {
	in, err := s.admin.CreateInstallation(ctx, v1.CreateInstallation{
		Name: "Sandbox MSP", Username: username, Secret: secret, TrackingIdentifier: trackingID, Syncs: v1.Syncs,
		ChannelProgram: v1.ChannelProgramTarget{ConnectionID: connection, Token: token},
	})
	if err != nil {
		return err
	}
	s.id = in.ID
	began := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for in.State != v1.StateLive || in.Backlog > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if in, err = s.admin.Installation(ctx, s.id); err != nil {
			return err
		}
	}
	s.expected()
	fmt.Fprintf(s.out, "installed %q and backfilled %d clients and %d contracts in %s; now editing Autotask\n",
		in.Name, len(s.target.Clients(connection)), len(s.target.Contracts(connection)), time.Since(began).Round(10*time.Millisecond))
	fmt.Fprintln(s.out, "one issue is there on purpose: some contracts of the simulated Autotask have no cost that could be known, as in most real ones")
	return nil
}

func (s *sandbox) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func tokenOf(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "admin-token"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

func free(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}
