package cli

import (
	"context"
	"flag"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) bridgeCommand() *command.Command {
	var which selector
	return &command.Command{
		Name: "bridge", Short: "let a sender of your own call back",
		Subs: []*command.Command{{
			Name: "create", Args: selectorArgs, Short: "make a GUID and a secret to sign callbacks with",
			Long: "Autotask has no webhooks for contracts. What is signed with this secret is treated like its own\n" +
				"callbacks. The secret is shown this once.",
			Flags: func(fs *flag.FlagSet) { which.flags(fs); s.jsonFlag(fs) },
			Run: func(ctx context.Context, args []string) error {
				if err := which.take(args); err != nil {
					return err
				}
				api, in, err := s.open(ctx, &which)
				if err != nil {
					return err
				}
				made, err := api.CreateBridge(ctx, in.ID)
				if err != nil {
					return err
				}
				if s.json {
					return s.writeJSON(made)
				}
				s.say("url     %s\nguid    %s\nsecret  %s", text(made.URL), text(made.GUID), text(made.Secret))
				s.note("The secret is shown this once: keep it now.")
				return nil
			},
		}},
	}
}
