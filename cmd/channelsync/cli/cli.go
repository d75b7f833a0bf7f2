// Package cli is the command line: one file per command. Every command but serve
// speaks to the admin API of a running service; serve is that service. It holds
// no rule of the sync.
package cli

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Invocation is what a command sees of the process it runs in.
type Invocation struct {
	Args           []string // without the program's name
	LookupEnv      func(string) (string, bool)
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

type command struct {
	name, usage string
	run         func(context.Context, Invocation) int
}

func commands() []command {
	return []command{
		{"serve", "run the service", serve},
		{"version", "print the version", version},
	}
}

// Run runs one command and returns the exit code: 0 ok, 1 failed, 2 wrong usage.
func Run(ctx context.Context, inv Invocation) int {
	if len(inv.Args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help"}, inv.Args[0]) {
		usage(inv.Stdout)
		if len(inv.Args) == 0 {
			return exitUsage
		}
		return exitOK
	}
	for _, c := range commands() {
		if c.name == inv.Args[0] {
			inv.Args = inv.Args[1:]
			return c.run(ctx, inv)
		}
	}
	fmt.Fprintf(inv.Stderr, "channelsync: there is no command %q; channelsync help lists them\n", inv.Args[0])
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "channelsync keeps Channel Program in line with Autotask PSA.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.usage)
	}
	fmt.Fprint(w, "\nchannelsync serve --help lists the settings.\n")
}

func version(_ context.Context, inv Invocation) int {
	fmt.Fprintln(inv.Stdout, Version())
	return exitOK
}

// Version is the module's version, or the commit it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
