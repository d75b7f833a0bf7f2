package cli

import (
	"context"
	"flag"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) recordReconcile() *command.Command {
	var every bool
	var filter filterFlags
	var b bulkFlags
	return s.ofRecordOr(command.Command{
		Name: "reconcile", Short: "reconcile one record now, or with --all those that match a filter",
		Long:     "--all starts a job that runs behind live changes. The command follows it; if you interrupt the command, the job continues.",
		Examples: []string{"channelsync record reconcile company 7", "channelsync record reconcile --all --outcome dead --dry-run"},
		Values:   map[string][]string{"outcome": outcomes(), "reason": v1.ReasonCodes()},
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&b.dryRun, "dry-run", false, "show what would be pushed, or how many records --all finds, and push nothing")
			fs.BoolVar(&every, "all", false, "all records that match --kind, --outcome, --reason and --q")
			filter.flags(fs)
			b.flags(fs)
		},
	}, func(ctx context.Context, f *recordFlags) (bool, error) {
		if !every {
			if filter != (filterFlags{}) {
				return true, command.Usage("with --all", "--outcome and --reason are a filter of many")
			}
			return false, nil
		}
		if err := filter.check(s); err != nil {
			return true, err
		}
		return true, s.reconcileAll(ctx, f, &filter, &b)
	}, func(ctx context.Context, of foundRecord) error {
		if b.dryRun {
			return s.explain(ctx, of)
		}
		if err := of.api.ReconcileRecord(ctx, of.installation, of.kind, of.id); err != nil {
			return err
		}
		s.say("%s %s is being synced; channelsync record show %s %s shows the result.", of.kind, of.id, of.kind, of.id)
		if s.json {
			return s.writeJSON(struct{}{})
		}
		return nil
	})
}
