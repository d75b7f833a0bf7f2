package cli

import (
	"context"
	"fmt"

	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/telemetry"
)

func (s *session) configCommand() *command.Command {
	return &command.Command{
		Name: "config", Short: "check the settings of the service",
		Subs: []*command.Command{{
			Name: "check", Short: "check whether the service would start with these settings", Flags: config.Flags,
			Long: "It takes the same settings as serve, from the same sources, but opens no listener and contacts no server.\n" +
				"If settings are wrong it exits 2 and prints a line for each.",
			Examples: []string{"channelsync config check --config /etc/channelsync/channelsync.yaml"},
			Raw:      true, // package config reads the flags
			Run: func(_ context.Context, args []string) error {
				inv := s.Invocation
				inv.Args = args
				cfg, code, ok := settings(inv, "config check")
				if !ok {
					return endedWith(code)
				}
				if err := telemetry.Check(); err != nil {
					fmt.Fprintf(s.Stderr, "channelsync config check: %v\n", err)
					return endedWith(exitUsage)
				}
				if names := cfg.SecretArguments(); len(names) > 0 {
					fmt.Fprintf(s.Stderr, "warning: every user of this machine can read secrets in the arguments: %v\n", names)
				}
				_, err := fmt.Fprintf(s.Stdout, "ok: %d settings given, all of them valid\n", cfg.Given())
				return err
			},
		}},
	}
}
