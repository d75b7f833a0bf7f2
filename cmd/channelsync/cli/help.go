package cli

import (
	"context"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) helpCommand() *command.Command {
	return &command.Command{
		Name: "help", Args: "[command...]", Short: "show the help of a command",
		Run: func(ctx context.Context, args []string) error {
			p := s.program()
			at, err := p.Find(args)
			if err != nil {
				return err
			}
			if last := at[len(at)-1]; last.Raw {
				return last.Run(ctx, []string{"--help"})
			}
			return p.Help(at)
		},
	}
}
