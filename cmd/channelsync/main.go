// Command channelsync keeps the clients and contracts of Channel Program in line
// with those of Autotask PSA.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"channelsync/cmd/channelsync/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	// Every command may hold a key or a token.
	if err := cli.NoDump(); err != nil {
		fmt.Fprintf(os.Stderr, "channelsync: this process may leave core files, which hold secrets: %v\n", err)
	}
	code := cli.Run(ctx, cli.Invocation{Args: os.Args[1:], LookupEnv: os.LookupEnv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	stop()
	os.Exit(code)
}
