package cli

import (
	"context"
	"flag"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) recordReconcile() *command.Command {
	var f recordFlags
	var dryRun bool
	return &command.Command{
		Name: "reconcile", Args: recordArgs, Short: "bring one record in line now",
		Words: recordKinds(), Values: map[string][]string{"kind": recordKinds()},
		Flags: func(fs *flag.FlagSet) {
			f.flags(fs)
			fs.BoolVar(&dryRun, "dry-run", false, "say what would be pushed, and push nothing")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := f.take(args); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &f.selector)
			if err != nil {
				return err
			}
			kind, id, err := s.find(ctx, api, in.ID, &f)
			if err != nil {
				return err
			}
			if dryRun {
				e, err := api.Explain(ctx, in.ID, kind, id)
				if err != nil {
					return err
				}
				if s.json {
					return s.writeJSON(e)
				}
				return s.showExplanation(e)
			}
			if err := api.ReconcileRecord(ctx, in.ID, kind, id); err != nil {
				return err
			}
			s.say("%s %s is brought in line now; channelsync record show %s %s says how it went.", kind, id, kind, id)
			if s.json {
				return s.writeJSON(struct{}{})
			}
			return nil
		},
	}
}
