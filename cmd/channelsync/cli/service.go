package cli

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/service"
)

func (s *session) serviceCommand() *command.Command {
	var file string
	does := func(name, short, done string, do func(service.Manager) func(context.Context) error) *command.Command {
		return &command.Command{Name: name, Short: short, Run: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			if err := do(service.New())(ctx); err != nil {
				return err
			}
			s.say("%s", done)
			return nil
		}}
	}
	return &command.Command{
		Name: "service", Short: "run channelsync as a service of this machine",
		Subs: append([]*command.Command{
			{
				Name: "install", Short: "make the machine start this program at boot and after a failure",
				Long: "It installs a service of Windows, systemd or launchd, and does not start it yet. The service reads its settings\n" +
					"from a file; use absolute paths there. Run it as an administrator, or as root.",
				Examples: []string{"channelsync service install --config /etc/channelsync/channelsync.yaml"},
				Flags: func(fs *flag.FlagSet) {
					fs.StringVar(&file, "config", "", "`FILE` with the settings of the service")
				},
				Run: func(ctx context.Context, args []string) error {
					if err := noArguments(args); err != nil {
						return err
					}
					return s.installService(ctx, service.New(), file)
				},
			},
			does("start", "start the service", "The service takes callbacks.", func(m service.Manager) func(context.Context) error { return m.Start }),
			does("stop", "stop the service until the machine starts again", "The service has stopped.",
				func(m service.Manager) func(context.Context) error { return m.Stop }),
			does("remove", "stop the service and remove it; settings and data stay", "The service is removed. Its settings and its data are where they were.",
				func(m service.Manager) func(context.Context) error { return m.Remove }),
		}, s.serviceRun()...),
	}
}

// installService hands the service with these settings to a manager, if it would start with them.
func (s *session) installService(ctx context.Context, manager service.Manager, file string) error {
	if v1.Trim(file) == "" {
		return command.Usage("write a file with at least channel-program-url; docs/operating/settings.md has an example", "--config is missing: the service reads its settings from a file")
	}
	d, err := definition(file)
	if err != nil {
		return err
	}
	if err := manager.Install(ctx, d); err != nil {
		return err
	}
	s.say("Installed: the service starts with the machine, and keeps its data in %s.\nTo start it now: channelsync service start", text(d.DataDir))
	return nil
}

// definition describes to a manager a service with these settings. They are read as
// the service will: without the environment of this terminal.
func definition(file string) (d service.Definition, err error) {
	if d.Program, err = os.Executable(); err != nil {
		return d, fmt.Errorf("find this program: %w", err)
	}
	if d.Config, err = filepath.Abs(file); err != nil {
		return d, fmt.Errorf("find the settings: %w", err)
	}
	none := func(string) (string, bool) { return "", false }
	cfg, err := config.Parse([]string{"--config", d.Config}, none)
	if err != nil {
		return d, &failure{err.Error(), "channelsync config check --config " + file + " checks the settings"}
	}
	d.DataDir = service.DataDir()
	if cfg.Source("data-dir") != "" {
		if !filepath.IsAbs(cfg.DataDir) {
			return d, &failure{
				"got data-dir " + cfg.DataDir + ", want a full path: a service starts in no directory of yours",
				"leave it out for " + d.DataDir,
			}
		}
		d.DataDir = cfg.DataDir
	}
	return d, nil
}
