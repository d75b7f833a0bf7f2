package cli

import (
	"context"
	"flag"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) installationSetCredentials() *command.Command {
	var which selector
	credentials := credentialFlags{secret: autotaskSecret(), tracking: autotaskTracking()}
	return &command.Command{
		Name: "set-credentials", Args: selectorArgs, Short: "test new Autotask credentials and replace the old ones",
		Examples: []string{"channelsync installation set-credentials Acme --username api@acme.example"},
		Flags:    func(fs *flag.FlagSet) { which.flags(fs); credentials.flags(fs); s.jsonFlag(fs) },
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			if err := required(map[string]string{"username": credentials.username}); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			to := v1.Credentials{Username: credentials.username, Zone: credentials.zone}
			if to.Secret, to.TrackingIdentifier, err = credentials.read(ctx, s); err != nil {
				return err
			}
			if in, err = api.SetCredentials(ctx, in.ID, to); err != nil {
				return err
			}
			return s.changed(in, "Autotask accepts the new credentials of %q; waiting work resumes.")
		},
	}
}

func (s *session) installationSetChannelProgram() *command.Command {
	var which selector
	target := targetFlags{token: connectionToken()}
	return &command.Command{
		Name: "set-channel-program", Args: selectorArgs,
		Short: "test a new Channel Program connection and replace the old one",
		Flags: func(fs *flag.FlagSet) { which.flags(fs); target.flags(fs); s.jsonFlag(fs) },
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			if err := required(map[string]string{"connection-id": target.connection}); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			to, err := target.read(ctx, s)
			if err != nil {
				return err
			}
			if in, err = api.SetChannelProgram(ctx, in.ID, to); err != nil {
				return err
			}
			return s.changed(in, "Channel Program accepts the new connection of %q; waiting work resumes.")
		},
	}
}

// changed ends a command that changed an installation.
func (s *session) changed(in v1.Installation, format string) error {
	if s.json {
		return s.writeJSON(in)
	}
	s.say(format, text(in.Name))
	return nil
}
