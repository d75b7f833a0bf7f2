package cli

import (
	"context"
	"flag"
	"slices"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) resyncCommand() *command.Command {
	var which selector
	var in v1.ResyncRequest
	var noWait bool
	return &command.Command{
		Name: "resync", Args: selectorArgs, Short: "push everything in scope again, even if unchanged",
		Long: "This restores a wiped target and overwrites edits made there. The command follows the job to its end; if\n" +
			"you interrupt it, the job continues.",
		Examples: []string{"channelsync resync Acme --dry-run", "channelsync resync --kind contract"},
		Values:   map[string][]string{"kind": recordKinds()},
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.Func("kind", "`KIND`: company or contract, may be repeated (default all that the installed syncs have)",
				func(v string) error {
					for kind := range strings.SplitSeq(v, ",") {
						in.Kinds = append(in.Kinds, v1.Kind(kind))
					}
					return nil
				})
			jobFlags(fs, &in.DryRun, &noWait)
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			for _, k := range in.Kinds {
				if !slices.Contains(recordKinds(), string(k)) {
					return command.Usage("the kinds are company and contract", "there is no kind %q", string(k))
				}
			}
			api, inst, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			slices.Sort(in.Kinds)
			in.Kinds = slices.Compact(in.Kinds)
			job, err := api.Resync(ctx, inst.ID, in)
			if err != nil {
				return err
			}
			return s.started(ctx, api, inst.ID, job, !noWait)
		},
	}
}

func jobFlags(fs *flag.FlagSet, dryRun, noWait *bool) {
	fs.BoolVar(dryRun, "dry-run", false, "show what would be pushed, and push nothing")
	fs.BoolVar(noWait, "no-wait", false, "return without waiting for the job")
}
