package cli

import (
	"context"
	"flag"
	"fmt"
	"strconv"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) installationShow() *command.Command {
	var which selector
	return &command.Command{
		Name: "show", Args: selectorArgs, Short: "show one installation",
		Flags: func(fs *flag.FlagSet) { which.flags(fs); s.jsonFlag(fs); s.watchFlag(fs) },
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			api, err := s.api()
			if err != nil {
				return err
			}
			return s.watching(ctx, func(ctx context.Context) error {
				in, err := s.choose(ctx, api, &which)
				if err != nil {
					return err
				}
				which.ref = in.ID // whatever it is called next time
				if s.json {
					return s.writeJSON(in)
				}
				return s.showInstallation(in)
			})
		},
	}
}

func (s *session) showInstallation(in v1.Installation) error {
	s.say("%s (%s)", text(in.Name), in.ID)
	s.say("  state      %s", in.State)
	s.say("  zone       %s  %s", text(in.Zone.Name), text(in.Zone.URL))
	s.say("  backlog    %d", in.Backlog)
	s.say("  freshness  %s", freshness(in.Freshness))
	if in.Parts != nil {
		s.say("  parts      %s", in.Parts.Sentence(s.now()))
	}
	s.say("  created    %s", screen.When(s.now(), in.CreatedAt))
	if in.ResumesAt != nil {
		s.say("  resumes at %s", screen.When(s.now(), *in.ResumesAt))
	}
	s.say("")
	syncs := screen.Table{Header: []string{"SYNC", "STATE", "IN SCOPE", "PUSHED", "UNCHANGED", "NOT MET", "FAILED"}}
	for _, sync := range v1.Syncs {
		if st, installed := in.Syncs[sync]; installed {
			c := st.Counts
			syncs.Add(string(sync), string(st.State), strconv.Itoa(c.InScope), strconv.Itoa(c.Pushed),
				strconv.Itoa(c.Unchanged), strconv.Itoa(c.NotMet), strconv.Itoa(c.Failed))
		}
	}
	if err := s.writeTable(syncs); err != nil {
		return err
	}
	for _, j := range in.Jobs {
		s.say("\n%s %s is running: %d of %d done", text(j.Type), text(j.ID), j.Done, j.Total)
	}
	if len(in.Webhooks) > 0 {
		s.say("")
		if err := s.showWebhooks(in.Webhooks); err != nil {
			return err
		}
	}
	s.showIssues(in.Name, false, in.Issues)
	return nil
}

// freshness is how long changes take, as p50 and p95 of the last hour.
func freshness(f v1.Freshness) string {
	if f.P50Seconds == nil || f.P95Seconds == nil {
		return "-"
	}
	return fmt.Sprintf("%s / %s", screen.Seconds(*f.P50Seconds), screen.Seconds(*f.P95Seconds))
}

// showIssues lists what is wrong with an installation, each with its way out; named says
// whether there are others.
func (s *session) showIssues(name string, named bool, issues []v1.Issue) {
	for _, i := range issues {
		label := "retrying"
		if i.Severity == v1.SeverityAct {
			label = "act"
		}
		about := ""
		if i.Records > 0 {
			about = ", " + plural(i.Records, "record")
		}
		next := ""
		if i.NextAttemptAt != nil {
			next = ", next attempt " + screen.When(s.now(), *i.NextAttemptAt)
		}
		if named {
			label += ", " + text(name)
		}
		s.say("")
		s.para("", "[%s] %s (%s%s, since %s%s)", label, i.Title, i.Code, about, screen.When(s.now(), i.FirstAt), next)
		s.para("    ", "%s", i.Detail)
		s.para("    ", "%s", i.Fix)
		s.sayNext("    ", commandFor(i, name))
	}
}
