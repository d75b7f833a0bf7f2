package cli

import (
	"context"
	"flag"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) installationTest() *command.Command {
	var which selector
	return &command.Command{
		Name: "test", Args: selectorArgs, Short: "try everything that an installation needs",
		Long:  "Exit code 1 if anything that a sync needs is refused.",
		Flags: func(fs *flag.FlagSet) { which.flags(fs); s.jsonFlag(fs) },
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			checks, err := api.TestInstallation(ctx, in.ID)
			if err != nil {
				return err
			}
			return s.showChecks(checks, "")
		},
	}
}
