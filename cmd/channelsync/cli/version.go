package cli

import (
	"context"
	"fmt"
	"runtime/debug"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) versionCommand() *command.Command {
	return &command.Command{
		Name: "version", Short: "print the version",
		Run: func(_ context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			_, err := fmt.Fprintln(s.Stdout, Version())
			return err
		},
	}
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
