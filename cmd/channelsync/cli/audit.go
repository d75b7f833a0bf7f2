package cli

import (
	"cmp"
	"context"
	"flag"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) auditCommand() *command.Command {
	var page pageFlags
	return &command.Command{
		Name: "audit", Short: "show who did what and when, newest first",
		Flags: func(fs *flag.FlagSet) {
			page.some(fs)
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			if err := page.check(); err != nil {
				return err
			}
			api, err := s.api()
			if err != nil {
				return err
			}
			entries, err := api.Audit(ctx, v1.AuditQuery{Cursor: page.cursor, Limit: page.limit})
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(entries)
			}
			t := screen.Table{Header: []string{"WHEN", "WHO", "FROM", "ADDRESS", "ACTION", "OK", "INSTALLATION", "DETAIL"}}
			for _, e := range entries.Items {
				t.Add(e.At.UTC().Format(time.RFC3339), cmp.Or(e.Who, "unknown"), e.Actor, e.Address, e.Action, yesNo(e.OK), e.Installation, e.Detail)
			}
			if err := s.writeTable(t); err != nil {
				return err
			}
			if entries.NextCursor != nil {
				s.note("There are more: --cursor %s goes on.", text(*entries.NextCursor))
			}
			return nil
		},
	}
}
