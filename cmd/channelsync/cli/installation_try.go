package cli

import (
	"context"
	"flag"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) installationTest() *command.Command {
	var which selector
	return &command.Command{
		Name: "test", Args: selectorArgs, Short: "test everything that an installation needs",
		Long:  "Exits 1 if anything that a sync needs is refused.",
		Flags: func(fs *flag.FlagSet) { which.flags(fs); s.jsonFlag(fs) },
		Run: s.onInstallation(&which, func(ctx context.Context, api *client.Client, in v1.Installation) error {
			checks, err := api.TestInstallation(ctx, in.ID)
			if err != nil {
				return err
			}
			return s.showChecks(checks, "")
		}),
	}
}
