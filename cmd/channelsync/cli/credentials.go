package cli

import (
	"context"
	"flag"

	v1 "channelsync/api/v1"
)

// credentialFlags are an API user of Autotask.
type credentialFlags struct {
	username, zone   string
	secret, tracking secretFlag
}

func autotaskSecret() secretFlag { return secretFlag{name: "secret", label: "Autotask secret"} }

func autotaskTracking() secretFlag {
	return secretFlag{name: "tracking-identifier", label: "Autotask tracking identifier"}
}

func connectionToken() secretFlag {
	return secretFlag{name: "connection-token", label: "Channel Program connection token"}
}

func (c *credentialFlags) flags(fs *flag.FlagSet) {
	fs.StringVar(&c.username, "username", "", "user `NAME` (key) of the Autotask API user")
	c.secret.flags(fs)
	c.tracking.flags(fs)
	fs.StringVar(&c.zone, "zone", "",
		"`ZONE`: a name that channelsync zones lists, or a REST base URL (default: found by the user name)")
}

func (c *credentialFlags) read(ctx context.Context, s *session) (secret, tracking v1.Secret, err error) {
	if secret, err = s.secret(ctx, &c.secret); err != nil {
		return "", "", err
	}
	tracking, err = s.secret(ctx, &c.tracking)
	return secret, tracking, err
}

// targetFlags are a connection of Channel Program.
type targetFlags struct {
	connection string
	token      secretFlag
}

func (f *targetFlags) flags(fs *flag.FlagSet) {
	fs.StringVar(&f.connection, "connection-id", "", "`ID` of the Channel Program connection")
	f.token.flags(fs)
}

func (f *targetFlags) read(ctx context.Context, s *session) (v1.ChannelProgramTarget, error) {
	token, err := s.secret(ctx, &f.token)
	return v1.ChannelProgramTarget{ConnectionID: f.connection, Token: token}, err
}
