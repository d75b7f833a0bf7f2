package cli

import (
	"context"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) heldCommand() *command.Command {
	return &command.Command{
		Name: "held", Short: "approve or discard a mass change",
		Long: "A change that would remove more than massChangePercent of the records waits for approval and raises an issue.",
		Subs: []*command.Command{
			s.decideHeld("approve", "push the waiting mass change", "The waiting mass change of %q is being pushed.", true),
			s.decideHeld("discard", "discard the waiting mass change", "The waiting mass change of %q was discarded.", false),
		},
	}
}

func (s *session) decideHeld(name, short, done string, approve bool) *command.Command {
	var which selector
	return &command.Command{
		Name: name, Args: selectorArgs, Short: short, Flags: which.flags,
		Run: s.onInstallation(&which, func(ctx context.Context, api *client.Client, in v1.Installation) error {
			if err := api.DecideMassChange(ctx, in.ID, approve); err != nil {
				return err
			}
			s.say(done, text(in.Name))
			return nil
		}),
	}
}
