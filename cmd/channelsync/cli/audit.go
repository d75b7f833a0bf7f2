package cli

import (
	"context"
	"flag"
	"time"

	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) auditCommand() *command.Command {
	var limit int
	var cursor string
	return &command.Command{
		Name: "audit", Short: "show who did what and when, newest first",
		Flags: func(fs *flag.FlagSet) {
			fs.IntVar(&limit, "limit", 50, "at most `N`, up to 500")
			fs.StringVar(&cursor, "cursor", "", "`CURSOR` that the page before ended with")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			api, err := s.api()
			if err != nil {
				return err
			}
			page, err := api.Audit(ctx, cursor, limit)
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(page)
			}
			t := screen.Table{Header: []string{"WHEN", "FROM", "ACTION", "OK", "INSTALLATION", "DETAIL"}}
			for _, e := range page.Items {
				t.Add(e.At.UTC().Format(time.RFC3339), e.Actor, e.Action, yesNo(e.OK), e.Installation, e.Detail)
			}
			if err := s.writeTable(t); err != nil {
				return err
			}
			if page.NextCursor != nil {
				s.note("There are more: --cursor %s goes on.", text(*page.NextCursor))
			}
			return nil
		},
	}
}
