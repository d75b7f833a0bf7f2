package cli

import (
	"context"
	"errors"
	"flag"

	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/offline"
	"channelsync/events/backup"
	"channelsync/events/store"
)

func (s *session) migrateCommand() *command.Command {
	settings := config.NewPart("data-dir", "nats-url", "nats-plaintext", "nats-creds", "nats-replicas", "nats-domain", "nats-ca", "nats-cert", "nats-key")
	return &command.Command{
		Name: "migrate", Short: "move an embedded store, with its journal, into a NATS cluster",
		Long: `Stop the service first. The cluster must not have streams of channelsync yet. Sequences and times stay as they
are, so replays keep working. The data directory stays as it is, marked by moved.json; remove that file to use
the directory again. You can repeat a migration that was interrupted.`,
		Examples: []string{"channelsync migrate --data-dir ./channelsync-data --nats-url nats://n1,nats://n2,nats://n3 --nats-creds ./app.creds"},
		Flags: func(fs *flag.FlagSet) {
			settings.Flags(fs)
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			cfg, err := settings.Parse(s.LookupEnv)
			if err != nil {
				return command.Usage("", "%v", err)
			}
			s.exposed(cfg.SecretArguments()...)
			if cfg.NATS.Embedded() {
				return command.Usage("channelsync migrate --nats-url nats://…", "--nats-url: got nothing, want the servers to move to")
			}
			return s.migrate(ctx, cfg)
		},
	}
}

func (s *session) migrate(ctx context.Context, cfg config.Config) error {
	m := offline.Migrate{Config: cfg, Log: NewLogger("warn", "auto", s.Stderr)}
	if isTerminal(s.Stderr) {
		m.Progress = func(done backup.Restored) { s.note("%s copied, %s", done.Name, plural(int(done.Messages), "message")) }
	}
	copied, err := m.Run(ctx)
	if errors.Is(err, store.ErrLocked) {
		return &failure{text(err.Error()), "stop the service first: nothing may be written while the store moves"}
	}
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(copied)
	}
	if err := s.showStreams(copied); err != nil {
		return err
	}
	s.say("\nMoved. Start the service with --nats-url, the same --master-key and an --admin-token.")
	return nil
}
