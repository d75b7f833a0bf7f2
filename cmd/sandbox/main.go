// Command sandbox is the first success: the real service with its embedded NATS
// between an Autotask simulator and a Channel Program simulator, in one process,
// with an installation made through the real API and a steady trickle of edits.
// It needs no Docker, no keys and no network. Ctrl-C stops it clean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"channelsync/cmd/channelsync/cli"
	"channelsync/cmd/channelsync/logsink"
)

// printWithin is how long the end waits for the last of what is printed.
const printWithin = 2 * time.Second

// options are the flags.
type options struct {
	runFor    time.Duration // 0: until Ctrl-C
	companies int
	every     time.Duration
	seed      int64
	admin     string
	verbose   bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	if err := cli.NoDump(); err != nil {
		fmt.Fprintf(os.Stderr, "sandbox: this process may leave core files, which hold secrets: %v\n", err)
	}
	cli.OutliveReaders() // it goes on when nobody reads what it prints
	stdout, stderr := logsink.New(os.Stdout), logsink.New(os.Stderr)
	code := run(ctx, os.Args[1:], stdout, stderr)
	stop()
	stdout.Stop(printWithin)
	stderr.Stop(printWithin)
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	fs := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.DurationVar(&o.runFor, "for", 0, "stop by itself after this long and print a summary; 0 runs until Ctrl-C")
	fs.IntVar(&o.companies, "companies", 60, "how many companies the simulated Autotask begins with")
	fs.DurationVar(&o.every, "edit-every", 250*time.Millisecond, "how often something is edited in Autotask")
	fs.Int64Var(&o.seed, "seed", 1, "of everything random")
	fs.StringVar(&o.admin, "admin-listen", "127.0.0.1:8081", "where the console and the admin API listen; a free port is taken where this one is in use")
	fs.BoolVar(&o.verbose, "verbose", false, "show the service's own log")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if fs.NArg() > 0 || o.runFor < 0 || o.companies < 1 || o.every < time.Millisecond {
		fmt.Fprintln(stderr, "sandbox: wrong usage: --for wants 0 or a duration like 30s, --companies 1 or more, --edit-every 1ms or more, and no other words; see --help")
		return 2
	}
	agree, err := play(ctx, o, stdout, stderr)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
		return 1
	case !agree:
		return 1
	default:
		return 0
	}
}
