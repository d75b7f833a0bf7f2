package cli

import (
	"context"
	"flag"
	"strconv"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) statusCommand() *command.Command {
	var f installationFlags
	return &command.Command{
		Name: "status", Short: "one screen: state, freshness, backlog, issues",
		Long:   "With --output it writes the list of all issues.",
		Values: installationValues(),
		Flags:  func(fs *flag.FlagSet) { f.flags(fs); s.listFlags(fs); s.watchFlag(fs) },
		Run: s.withAPI(func(ctx context.Context, api *client.Client) error {
			q, err := s.installationQuery(&f)
			if err != nil {
				return err
			}
			if done, err := s.export(ctx, api, client.ExportIssues, f.filter(), f.page()); done {
				return err
			}
			return s.watching(ctx, func(ctx context.Context) error {
				st, err := api.StatusOf(ctx, q)
				if err != nil {
					return err
				}
				if s.json {
					return s.writeJSON(st)
				}
				return s.showStatus(st, f.asks())
			})
		}),
	}
}

func (s *session) showStatus(st v1.Status, asks bool) error {
	ready := "ready"
	if !st.Ready {
		ready = "not ready: channelsync check says why"
	}
	s.say("channelsync %s, %s\n", text(st.Version), ready)
	if len(st.Installations) == 0 && asks {
		s.say("There are no such installations.")
		return nil
	}
	if len(st.Installations) == 0 {
		s.say("There is no installation yet; channelsync installation create makes one.")
		return nil
	}
	t := screen.Table{Header: []string{"INSTALLATION", "STATE", "BACKLOG", "FRESH P50/P95", "ISSUES"}}
	for _, in := range st.Installations {
		t.Add(in.Name, string(in.State), strconv.Itoa(in.Backlog), freshness(in.Freshness), countIssues(in.Issues))
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	for _, in := range st.Installations {
		if in.Parts != nil {
			s.para("", "%s: %s", in.Name, in.Parts.Sentence(s.now()))
		}
	}
	for _, in := range st.Installations {
		s.showIssues(in.Name, true, in.Issues)
	}
	s.nextPageHint(st.NextCursor)
	return nil
}

func countIssues(issues []v1.Issue) string {
	act := 0
	for _, i := range issues {
		if i.Severity == v1.SeverityAct {
			act++
		}
	}
	switch {
	case len(issues) == 0:
		return "none"
	case act == 0:
		return strconv.Itoa(len(issues))
	}
	return strconv.Itoa(len(issues)) + ", " + strconv.Itoa(act) + " to act on"
}
