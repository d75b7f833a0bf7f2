package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) auditCommand() *command.Command {
	var page pageFlags
	return &command.Command{
		Name: "audit", Short: "show who did what and when, newest first",
		Subs: []*command.Command{s.auditVerify()},
		Flags: func(fs *flag.FlagSet) {
			page.onePage(fs)
			s.listFlags(fs)
		},
		Values: map[string][]string{"output": outputs},
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
			if done, err := s.export(ctx, api, client.ExportAudit, nil, &page); done {
				return err
			}
			entries, err := api.Audit(ctx, v1.AuditQuery{Cursor: page.cursor, Limit: page.limit})
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(entries)
			}
			t := screen.Table{Header: []string{"WHEN", "WHO", "FROM", "ADDRESS", "ACTION", "OK", "INSTALLATION ID", "DETAIL"}, Fold: 1}
			for _, e := range entries.Items {
				t.Add(e.At.UTC().Format(time.RFC3339), cmp.Or(e.Who, "unknown"), e.Actor, e.Address, e.Action, yesNo(e.OK), e.Installation, e.Detail+times(e.Count)+doubt(e.Unverified))
			}
			if err := s.writeTable(t); err != nil {
				return err
			}
			if entries.NextCursor != nil {
				s.note("There are more: continue with --cursor %s.", text(*entries.NextCursor))
			}
			return nil
		},
	}
}

// times says how many an entry stands for.
func times(count int) string {
	if count < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d times)", count)
}

// doubt marks an entry that the chain does not vouch for.
func doubt(unverified bool) string {
	if unverified {
		return " (unverified: somebody else may have written it)"
	}
	return ""
}

func (s *session) auditVerify() *command.Command {
	return &command.Command{
		Name: "verify", Short: "check whether audit entries were removed, changed or inserted", Flags: s.jsonFlag,
		Run: s.withAPI(func(ctx context.Context, api *client.Client) error {
			v, err := api.VerifyAudit(ctx)
			if err != nil {
				return err
			}
			if s.json {
				err = s.writeJSON(v)
			} else {
				s.say("Chained: entries %d to %d, %d of them in place.", v.First, v.Last, v.Entries)
				if v.Before > 0 {
					s.say("%d older entries are from a version that did not chain them: if one of them was removed, this check cannot tell.", v.Before)
				}
				for _, found := range v.Findings {
					s.say("%s", text(found))
				}
			}
			if err == nil && !v.OK {
				err = &failure{"the audit is not whole", "compare it with the log, whose lines named audit have the numbers"}
			}
			return err
		}),
	}
}
