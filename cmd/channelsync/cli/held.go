package cli

import (
	"context"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) heldCommand() *command.Command {
	return &command.Command{
		Name: "held", Short: "decide on a mass change that waits for a yes",
		Long: "A change that would touch more than massChangePercent of the records is held back; an issue says so.",
		Subs: []*command.Command{
			s.decideHeld("approve", "push what is held back", "What %q held back is pushed now.", true),
			s.decideHeld("discard", "drop what is held back", "What %q held back is dropped.", false),
		},
	}
}

func (s *session) decideHeld(name, short, done string, approve bool) *command.Command {
	var which selector
	return &command.Command{
		Name: name, Args: selectorArgs, Short: short, Flags: which.flags,
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			if err := api.DecideHeld(ctx, in.ID, approve); err != nil {
				return err
			}
			s.say(done, text(in.Name))
			return nil
		},
	}
}
