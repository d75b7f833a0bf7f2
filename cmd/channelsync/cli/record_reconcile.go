package cli

import (
	"context"
	"flag"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) recordReconcile() *command.Command {
	var dryRun bool
	return s.ofRecord(command.Command{
		Name: "reconcile", Short: "bring one record in line now",
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&dryRun, "dry-run", false, "show what would be pushed, and push nothing")
		},
	}, func(ctx context.Context, of foundRecord) error {
		if dryRun {
			return s.explain(ctx, of)
		}
		if err := of.api.ReconcileRecord(ctx, of.installation, of.kind, of.id); err != nil {
			return err
		}
		s.say("%s %s is brought in line now; channelsync record show %s %s says how it went.", of.kind, of.id, of.kind, of.id)
		if s.json {
			return s.writeJSON(struct{}{})
		}
		return nil
	})
}
