package cli

import (
	"context"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) recordExplain() *command.Command {
	return s.ofRecord(command.Command{
		Name: "explain", Short: "explain why a record is or is not synced, from its present state",
		Long:     "It reads from Autotask and Channel Program now, and pushes nothing.",
		Examples: []string{"channelsync record explain contract 29683580", "channelsync record explain 'acme gmbh'"},
	}, s.explain)
}

func (s *session) explain(ctx context.Context, of foundRecord) error {
	e, err := of.api.Explain(ctx, of.installation, of.kind, of.id)
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(e)
	}
	return s.showExplanation(e)
}

func (s *session) showExplanation(e v1.Explanation) error {
	verdict := "is not synced"
	if e.Met {
		verdict = "is synced"
	}
	s.say("%s %s  %s  %s.", e.Kind, e.ID, text(e.Name), verdict)
	if len(e.Conditions) > 0 {
		s.say("")
		t := screen.Table{Header: []string{"SYNC", "CONDITION", "HOLDS"}, Fold: 1}
		for _, c := range e.Conditions {
			t.Add(syncWord(c.Sync), c.Wanted(), c.Verdict())
		}
		if err := s.writeTable(t); err != nil {
			return err
		}
		s.showUnmet(e.Conditions)
	}
	s.showDocument("What belongs in Channel Program", e.Projection)
	if err := s.showFigures("How vendor and overall cost are found", e.Sources); err != nil {
		return err
	}
	if len(e.Differences) > 0 {
		s.say("\nWhat differs in Channel Program")
		t := screen.Table{Header: []string{"FIELD", "HOLDS", "WOULD BE"}, Fold: 2}
		for _, d := range e.Differences {
			t.Add(d.Field, d.From, d.To)
		}
		if err := s.writeTable(t); err != nil {
			return err
		}
	}
	s.say("\n%s", text(e.Next))
	s.sayNext("", commandExplained(s.opened, e))
	return nil
}

// showUnmet says in a sentence each what does not hold.
func (s *session) showUnmet(conditions []v1.Condition) {
	said := map[string]bool{}
	for _, c := range conditions {
		if !c.Met && !said[c.Detail] {
			said[c.Detail] = true
			s.para("", "Not met: %s.", c.Detail)
		}
	}
}
