// Command channelprogram serves a simulated Channel Program: the ingest API of
// sim/openapi.yaml, a control API to make it misbehave, and a page that shows
// what it holds. Everything is in memory and gone when it stops; it is for
// development and tests, never for real data.
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
	"strings"
	"syscall"
	"time"

	"channelsync/test/sim/channelprogram/sim"
)

const stopWithin = 3 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

type console struct{ out, err io.Writer }

type settings struct {
	listen     string
	connection sim.Connection
	quota      int
	seed       uint64
}

// run is the program: 0 ended on request, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, con console) int {
	set, err := readSettings(args, con.err)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(con.err, "channelprogram: %s (see --help)\n", err)
		return 2
	}
	s, err := sim.New(sim.Config{
		Connections: []sim.Connection{set.connection}, Quota: set.quota, Seed: set.seed,
	})
	if err != nil {
		fmt.Fprintf(con.err, "channelprogram: %s\n", err)
		return 2
	}
	defer s.Close()
	if err := serve(ctx, s, announcement{set, con.out}); err != nil {
		fmt.Fprintf(con.err, "channelprogram: %s\n", err)
		return 1
	}
	return 0
}

func readSettings(args []string, errOut io.Writer) (settings, error) {
	var set settings
	var currencies, syncs string
	flags := flag.NewFlagSet("channelprogram", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run says what is wrong, in one line
	flags.StringVar(&set.listen, "listen", "127.0.0.1:8090", "address to listen on")
	flags.StringVar(&set.connection.ID, "connection", "demo", "id of the connection")
	flags.StringVar(&set.connection.Token, "token", "demo-token", "bearer token of the connection")
	flags.StringVar(&set.connection.OldToken, "old-token", "", "a second live token, as during a rotation")
	flags.StringVar(&set.connection.AccountName, "account", "", "name of the account (default: the connection's id)")
	flags.StringVar(&currencies, "currencies", "", "the only currencies taken, comma-separated (default: any)")
	flags.StringVar(&syncs, "syncs", "", "enabled syncs, comma-separated (default: both)")
	flags.IntVar(&set.quota, "quota", 0, "requests a minute before 429 (default 1000000)")
	flags.Uint64Var(&set.seed, "seed", 1, "of the dice that faults with a probability throw")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(errOut, "channelprogram serves a simulated Channel Program. Its flags:")
			flags.SetOutput(errOut)
			flags.PrintDefaults()
		}
		return set, err
	}
	if flags.NArg() > 0 {
		return set, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	set.connection.Currencies = splitList(currencies)
	set.connection.Syncs = splitList(syncs)
	return set, nil
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

type announcement struct {
	settings
	out io.Writer
}

func (a announcement) print(addr net.Addr) {
	currencies := "any currency"
	if len(a.connection.Currencies) > 0 {
		currencies = strings.Join(a.connection.Currencies, ", ") + " only"
	}
	fmt.Fprintf(a.out, "Channel Program simulator (made-up data, in memory only)\n"+
		"  ingest API  http://%[1]s\n"+
		"  connection  %[2]s (%[4]s)\n"+
		"  token       %[3]s\n"+
		"  control     http://%[1]s/sim/state\n"+
		"  page        http://%[1]s/\n"+
		"Ctrl-C stops it.\n", addr, a.connection.ID, a.connection.Token, currencies)
}

// serve answers until ctx ends; then requests at work get a moment to finish, and those that a fault holds back end.
func serve(ctx context.Context, s *sim.Sim, a announcement) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", a.listen, err)
	}
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	a.print(listener.Addr())
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.Close()
	stopCtx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), stopWithin,
		errors.New("stop: requests are still at work"))
	defer cancel()
	if err := server.Shutdown(stopCtx); err != nil {
		_ = server.Close() // whoever is still waiting has had its time
	}
	<-ended
	return nil
}
