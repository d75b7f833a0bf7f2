package cli

import (
	"context"
	"flag"
	"fmt"
	"time"

	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/offline"
	"channelsync/events/backup"
)

// restored is what restore did, as its JSON.
type restored struct {
	File          string            `json:"file"`
	At            time.Time         `json:"at"` // of the backup
	Version       string            `json:"version"`
	Installations int               `json:"installations"`
	Streams       []backup.Restored `json:"streams"`
}

func (s *session) restoreCommand() *command.Command {
	settings, check := config.NewPart("data-dir", "master-key"), false
	return &command.Command{
		Name: "restore", Args: "file", Short: "restore a backup into an empty data directory, while no service runs",
		Long: `The directory must not contain a store; the files master-key and admin-token may be in it. Without --master-key
it reads the key from <data-dir>/master-key. If it fails it leaves nothing behind. At its next start the service
goes through every record of every installation and finds what changed since the backup. With --check the
command only rehearses, in a directory that it removes again.`,
		Examples: []string{
			"channelsync restore channelsync-monday.tar --data-dir ./channelsync-data --master-key-file ./master-key",
			"channelsync restore --check channelsync-monday.tar --master-key-file ./master-key",
		},
		Flags: func(fs *flag.FlagSet) {
			settings.Flags(fs)
			fs.BoolVar(&check, "check", false, "rehearse the restore, and leave nothing behind")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			file, err := oneFile(args)
			if err != nil {
				return err
			}
			cfg, err := settings.Parse(s.LookupEnv)
			if err != nil {
				return command.Usage("", "%v", err)
			}
			s.exposed(cfg.SecretArguments()...)
			return s.restore(ctx, file, cfg, check)
		},
	}
}

func (s *session) restore(ctx context.Context, file string, cfg config.Config, check bool) error {
	own := len(cfg.MasterKeys) > 0
	if err := config.ReadKeys(&cfg); err != nil && !own {
		return err
	}
	if len(cfg.MasterKeys) == 0 {
		return &failure{"--master-key: got nothing, want the key that sealed the backup", "give it with --master-key-file"}
	}
	bar := s.progress("restoring")
	defer bar.end()
	r := offline.Restore{
		File: file, Config: cfg, Version: Version(), Log: NewLogger("warn", "auto", s.Stderr),
		Progress: func(done, total int64) { bar.at(int(done/kib), int(total/kib)) },
	}
	run := r.Run
	if check {
		run = r.Rehearse
	}
	report, err := run(ctx)
	bar.end()
	if err != nil {
		return err
	}
	if report.Unauthenticated {
		s.note("WARNING: %s cannot be verified: it is from a version whose backups had no authentication code. Anybody who could write to the file may have changed it.", text(file))
	}
	if s.json {
		return s.writeJSON(restored{file, report.At, report.Version, report.Installations, report.Streams})
	}
	if err := s.showStreams(report.Streams); err != nil {
		return err
	}
	what := fmt.Sprintf("%s, as of %s", plural(report.Installations, "installation"), report.At.UTC().Format(time.RFC3339))
	if check {
		s.say("\n%s restores: %s. Nothing was left behind.", text(file), what)
		return nil
	}
	s.say("\nRestored: %s. Start the service on %s; it checks every record first.", what, text(cfg.DataDir))
	if own {
		s.note("Start it with the same --master-key, or put the key into %s/master-key (mode 0600).", text(cfg.DataDir))
	}
	return nil
}
