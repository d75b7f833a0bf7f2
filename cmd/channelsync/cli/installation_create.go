package cli

import (
	"context"
	"flag"
	"slices"
	"strings"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) installationCreate() *command.Command {
	var in v1.CreateInstallation
	var dryRun, preview, wait bool
	var syncs []string
	var options optionFlags
	credentials := credentialFlags{secret: autotaskSecret(), tracking: autotaskTracking()}
	target := targetFlags{token: connectionToken()}
	return &command.Command{
		Name: "create", Short: "connect an Autotask to a Channel Program company",
		Long: "It tests everything first, and keeps nothing unless everything that the chosen syncs need works. It\n" +
			"prompts for secrets that you do not pass.",
		Examples: []string{
			"channelsync installation create --name Acme --username api@acme.example --connection-id c-1 --wait",
			"channelsync installation create --name Acme --username api@acme.example --secret-file autotask-secret \\\n" +
				"    --tracking-identifier-file tracking --connection-id c-1 --connection-token-file token --dry-run",
		},
		Values: optionValues(map[string][]string{"sync": syncNames()}),
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&in.Name, "name", "", "`NAME` of the installation")
			credentials.flags(fs)
			target.flags(fs)
			fs.Func("sync", "`SYNC` to install, may be repeated (default both: "+strings.Join(syncNames(), ", ")+")",
				func(v string) error { syncs = append(syncs, strings.Split(v, ",")...); return nil })
			options.flags(fs)
			fs.BoolVar(&dryRun, "dry-run", false, "test everything, but keep and push nothing")
			fs.BoolVar(&preview, "preview", false, "test everything and show what would sync, but keep and push nothing")
			fs.BoolVar(&wait, "wait", false, "wait for the end of the backfill")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			if err := required(map[string]string{
				"name": in.Name, "username": credentials.username, "connection-id": target.connection,
			}); err != nil {
				return err
			}
			var err error
			if in.Syncs, err = chosenSyncs(syncs); err != nil {
				return err
			}
			if in.Username, in.Zone = credentials.username, credentials.zone; options.given() {
				in.Options = &v1.Options{}
				options.apply(in.Options)
				in.Names = options.named(nil)
			}
			if in.Secret, in.TrackingIdentifier, err = credentials.read(ctx, s); err != nil {
				return err
			}
			if in.ChannelProgram, err = target.read(ctx, s); err != nil {
				return err
			}
			api, err := s.api()
			if err != nil {
				return err
			}
			if preview {
				return s.preview(ctx, api, in)
			}
			if dryRun {
				checks, err := api.TryInstallation(ctx, in)
				if err != nil {
					return err
				}
				return s.showChecks(checks, "Nothing was kept.")
			}
			return s.create(ctx, api, in, wait)
		},
	}
}

func (s *session) create(ctx context.Context, api *client.Client, in v1.CreateInstallation, wait bool) error {
	made, err := api.CreateInstallation(ctx, in)
	if err != nil {
		return err
	}
	s.say("Installed %q (%s) in zone %s.", text(made.Name), made.ID, text(made.Zone.Name))
	if wait {
		if made, err = s.waitForBackfill(ctx, api, made); err != nil {
			return err
		}
	} else {
		s.say("The backfill has begun; channelsync status shows the progress.")
	}
	if s.json {
		return s.writeJSON(made)
	}
	return nil
}

// required names every flag that is missing at once.
func required(values map[string]string) error {
	var missing []string
	for name, v := range values {
		if v == "" {
			missing = append(missing, "--"+name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return command.Usage("--help lists the flags", "needs %s", strings.Join(missing, ", "))
}

func syncNames() []string {
	names := make([]string, len(v1.Syncs))
	for i, sync := range v1.Syncs {
		names[i] = string(sync)
	}
	return names
}

// chosenSyncs reads names of syncs; none means both.
func chosenSyncs(names []string) ([]v1.Sync, error) {
	if len(names) == 0 {
		return v1.Syncs, nil
	}
	var syncs []v1.Sync
	for _, name := range names {
		sync, err := syncNamed(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(syncs, sync) {
			syncs = append(syncs, sync)
		}
	}
	return syncs, nil
}

func syncNamed(name string) (v1.Sync, error) {
	sync := v1.Sync(v1.Trim(name))
	if slices.Contains(v1.Syncs, sync) {
		return sync, nil
	}
	hint := "the syncs are " + strings.Join(syncNames(), " and ")
	if near := command.Nearest(name, syncNames()); near != "" {
		hint = "did you mean " + near + "?"
	}
	return "", command.Usage(hint, "there is no sync %q", name)
}
