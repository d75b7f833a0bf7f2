package cli

import (
	"context"
	"flag"
	"slices"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

// action is one of the things that can be done to an installation or a sync of it.
type action struct {
	name, short, long string
	would             string // "stop", as --dry-run says it
	done              string // what is said when the API has taken it
	confirm           bool
}

func (s *session) installationStop() *command.Command {
	return s.actionCommand(action{
		name: "stop", short: "stop pushing, but keep changes", would: "stop",
		done: "%s is stopping. Changes are kept, and start delivers them.",
	})
}

func (s *session) installationStart() *command.Command {
	return s.actionCommand(action{
		name: "start", short: "deliver waiting changes and resume", would: "start",
		done: "%s is starting. Waiting changes are delivered within minutes.",
	})
}

func (s *session) installationUninstall() *command.Command {
	return s.actionCommand(action{
		name: "uninstall", short: "remove the webhooks at Autotask; settings and pushed data stay", would: "uninstall",
		done: "%s is uninstalled. Client data stays in Channel Program; reinstall brings it back.",
	})
}

func (s *session) installationReinstall() *command.Command {
	return s.actionCommand(action{
		name: "reinstall", short: "install again with the former settings", would: "reinstall",
		done: "%s is installed again, and its backfill has begun.",
	})
}

func (s *session) installationErase() *command.Command {
	return s.actionCommand(action{
		name: "erase", short: "permanently remove credentials and all data of the installation from this service",
		long: "This cannot be undone. On a terminal you confirm by typing the name; elsewhere --yes is required. Client\n" +
			"data stays in Channel Program.",
		would: "erase", done: "%s is erased.", confirm: true,
	})
}

func (s *session) actionCommand(a action) *command.Command {
	var which selector
	var sync string
	var dryRun, yes bool
	return &command.Command{
		Name: a.name, Args: selectorArgs, Short: a.short, Long: a.long,
		Values: map[string][]string{"sync": syncNames()},
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.StringVar(&sync, "sync", "", "only this `SYNC`")
			fs.BoolVar(&dryRun, "dry-run", false, "show what would happen, and do nothing")
			if a.confirm {
				fs.BoolVar(&yes, "yes", false, "do not ask for confirmation")
			}
		},
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			var only v1.Sync
			var err error
			if sync != "" {
				if only, err = syncNamed(sync); err != nil {
					return err
				}
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			if dryRun {
				s.wouldAct(a.would, in, only)
				return nil
			}
			if a.confirm && !yes {
				if err := s.confirm(ctx, in, only); err != nil {
					return err
				}
			}
			return s.act(ctx, api, in, only, a)
		},
	}
}

func (s *session) act(ctx context.Context, api *client.Client, in v1.Installation, sync v1.Sync, a action) error {
	if err := api.Act(ctx, in.ID, sync, a.name); err != nil {
		return err
	}
	s.say(a.done, subject(in, sync))
	return nil
}

func subject(in v1.Installation, sync v1.Sync) string {
	if sync == "" {
		return `"` + text(in.Name) + `"`
	}
	return `"` + text(in.Name) + `", ` + string(sync) + ","
}

func (s *session) wouldAct(would string, in v1.Installation, sync v1.Sync) {
	what, state := `"`+text(in.Name)+`"`, string(in.State)
	if sync != "" {
		what = string(sync) + " of " + what
		if st, installed := in.Syncs[sync]; installed {
			state = string(st.State)
		} else {
			state = "not installed"
		}
	}
	s.say("Would %s %s, which is %s, with %s in its backlog. Nothing was done.",
		would, what, state, plural(in.Backlog, "record"))
}

// confirm asks for the name of what is to be destroyed.
func (s *session) confirm(ctx context.Context, in v1.Installation, sync v1.Sync) error {
	name := in.Name
	if sync != "" {
		name = string(sync)
	}
	if _, ok := s.terminal(); !ok {
		return command.Usage("add --yes to confirm",
			"this removes %q permanently and must be confirmed, but there is no terminal to ask on", text(name))
	}
	_, _ = s.Stderr.Write([]byte("This removes it permanently. Type " + text(name) + " to continue: "))
	typed, err := typing(ctx, s.line)
	if err != nil {
		return err
	}
	if !v1.Same(typed, name) {
		return &failure{"the name does not match; nothing was done", ""}
	}
	return nil
}

func (s *session) installationInstallSync() *command.Command {
	var which selector
	var sync string
	var dryRun bool
	return &command.Command{
		Name: "install-sync", Args: selectorArgs + " <sync>", Short: "add the second sync",
		Words: syncNames(), Values: map[string][]string{"sync": syncNames()},
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.StringVar(&sync, "sync", "", "the `SYNC`, instead of the argument")
			fs.BoolVar(&dryRun, "dry-run", false, "show what would happen, and do nothing")
		},
		Run: func(ctx context.Context, args []string) error {
			i := slices.IndexFunc(args, func(a string) bool { return slices.Contains(syncNames(), a) })
			if sync == "" && i >= 0 {
				sync, args = args[i], slices.Delete(slices.Clone(args), i, i+1)
			}
			if err := which.take(args); err != nil {
				return err
			}
			if sync == "" {
				return command.Usage("the syncs are "+syncNames()[0]+" and "+syncNames()[1], "name the sync")
			}
			only, err := syncNamed(sync)
			if err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			if dryRun {
				s.wouldAct("install", in, only)
				return nil
			}
			return s.act(ctx, api, in, only, action{
				name: "install", done: "%s is installed; its backfill has begun.",
			})
		},
	}
}
