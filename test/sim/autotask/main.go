// Command autotask runs the simulated Autotask PSA as a server of its own, for people who want to try an integration
// by hand and for checks that speak to it over HTTP. It is never part of the product.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"channelsync/test/sim/autotask/sim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// settings are what the flags say.
type settings struct {
	listen  string
	sim     sim.Config
	seed    sim.SeedSpec
	trickle time.Duration
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var c settings
	f := flag.NewFlagSet("autotask", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.listen, "listen", "127.0.0.1:9090", "`address` to listen on")
	f.StringVar(&c.sim.Username, "username", "api@msp.example", "the API user's user name")
	f.StringVar(&c.sim.Secret, "secret", "simulated-$ecret#1", "the API user's secret")
	f.StringVar(&c.sim.TrackingIdentifier, "tracking-identifier", "SIMULATEDTRACKINGIDENTIFIER",
		"the API tracking identifier")
	f.BoolVar(&c.sim.DatesWithZone, "dates-with-zone", false,
		"end every date in Z; otherwise some entities answer without, as the vendor does")
	f.BoolVar(&c.sim.Undated, "no-contract-stamp", false, "an older build: contracts have no lastModifiedDateTime")
	f.IntVar(&c.seed.Companies, "companies", 60, "`number` of companies to start with")
	f.Int64Var(&c.sim.Seed, "seed", 1, "of everything random; the same `number` makes the same tenant")
	f.Float64Var(&c.sim.Scale, "scale", 1, "`factor` on the vendor's waits: 0.01 turns 30 s between repeats into 0.3 s")
	f.IntVar(&c.sim.Modes.CalloutsPerHour, "callouts-per-hour", 1500,
		"callouts an entity may send in an hour (scaled); 0 = any `number`")
	f.BoolVar(&c.sim.Modes.Latency, "latency", false, "slow down from half of the hourly threshold on, as the vendor does")
	f.DurationVar(&c.trickle, "trickle", 0, "make a random edit this often; 0 = never")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	switch {
	case f.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case c.sim.Scale <= 0 || c.seed.Companies < 0 || c.trickle < 0:
		return c, errors.New("--scale wants a number above 0, --companies and --trickle none below 0")
	}
	if c.sim.Modes.CalloutsPerHour == 0 {
		c.sim.Modes.CalloutsPerHour = -1
	}
	return c, nil
}

// run serves until ctx ends and returns the exit code: 0 ended, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "autotask:", err)
		return 2
	}
	if err := serve(ctx, c, stdout); err != nil {
		fmt.Fprintln(stderr, "autotask:", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, c settings, stdout io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	tenant := sim.New(c.sim)
	defer tenant.Close()
	tenant.Seed(c.seed)

	server := &http.Server{Handler: tenant.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	announce(stdout, c, listener.Addr())

	trickled := make(chan struct{})
	go func() {
		defer close(trickled)
		if c.trickle > 0 {
			tenant.Trickle(ctx, c.trickle, func(what string) { fmt.Fprintln(stdout, "edit:", what) })
		}
	}()
	select {
	case err = <-served:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err = nil
	}
	tenant.Close() // ends requests that a fault keeps hanging, and the trickle
	<-trickled
	_ = server.Close() // a simulator has nothing to finish
	return err
}

func announce(stdout io.Writer, c settings, addr net.Addr) {
	fmt.Fprintf(stdout, `Autotask simulator, %d companies
  user name            %s
  secret               %s   (simulated: it opens nothing else)
  tracking identifier  %s
  base URL             http://%s/atservicesrest/
  zone discovery       http://%s/atservicesrest/v1.0/zoneInformation?user=…
  page                 http://%s/
  control              http://%s/sim/state, /sim/stats, /sim/faults, /sim/modes
Ctrl-C ends it.
`, c.seed.Companies, c.sim.Username, c.sim.Secret, c.sim.TrackingIdentifier, addr, addr, addr, addr)
}
