package cli

import (
	"context"
	"flag"
	"net/url"
	"slices"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) driftCommand() *command.Command {
	return &command.Command{
		Name: "drift", Short: "edits that somebody made in Channel Program",
		Long: "With the option drift: repair, a resync or a sweep overwrites such edits and lists them here. With drift: report\n" +
			"nothing overwrites them until you say so.",
		Subs: []*command.Command{s.driftList(), s.driftPush()},
	}
}

func (s *session) driftList() *command.Command {
	var which selector
	var page pageFlags
	var state, kind string
	return &command.Command{
		Name: "list", Args: selectorArgs, Short: "list the edits",
		Examples: []string{"channelsync drift list --state open"},
		Values:   map[string][]string{"state": textsOf(v1.DriftStates), "kind": recordKinds(), "output": outputs},
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.StringVar(&state, "state", "", "only this `STATE`: "+wordsOf(v1.DriftStates))
			fs.StringVar(&kind, "kind", "", "`KIND`: company or contract")
			page.flags(fs)
			s.listFlags(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			if state != "" && !slices.Contains(v1.DriftStates, v1.DriftState(state)) {
				return command.Usage("the states are "+wordsOf(v1.DriftStates), "there is no state %q", state)
			}
			if err := checkKind(kind); err != nil {
				return err
			}
			if err := page.check(); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			if done, err := s.export(ctx, api, client.ExportOf(in.ID, "drift"), url.Values{"state": {state}, "kind": {kind}}, &page); done {
				return err
			}
			q := v1.DriftQuery{State: v1.DriftState(state), Kind: v1.Kind(kind), Cursor: page.cursor, Limit: page.limit}
			found, err := drifts(ctx, api, in.ID, q, page.all)
			if err != nil {
				return err
			}
			return s.showDrift(found)
		},
	}
}

func drifts(ctx context.Context, api *client.Client, id string, q v1.DriftQuery, all bool) (v1.Page[v1.Drift], error) {
	if !all {
		return api.Drift(ctx, id, q)
	}
	q.Limit = mostOnPage
	return onOnePage(api.AllDrift(ctx, id, q))
}

func (s *session) showDrift(page v1.Page[v1.Drift]) error {
	if s.json {
		return s.writeJSON(page)
	}
	if len(page.Items) == 0 {
		s.say("No edits in Channel Program were found.")
		return nil
	}
	t := screen.Table{Header: []string{"FOUND", "STATE", "RECORD", "NAME", "FIELD", "THEIRS", "OURS"}, Fold: 2}
	for _, d := range page.Items {
		for _, f := range d.Fields {
			theirs := "(overwritten unread)"
			if f.Theirs != nil {
				theirs = *f.Theirs
			}
			t.Add(screen.When(s.now(), d.FoundAt), string(d.State), string(d.Kind)+" "+d.ID, d.Name, f.Field, theirs, f.Due)
		}
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	s.moreHint(page.NextCursor)
	return nil
}

func (s *session) driftPush() *command.Command {
	return s.ofRecord(command.Command{
		Name: "push", Short: "overwrite an edit with the values from Autotask",
		Examples: []string{"channelsync drift push company 7", "channelsync drift push 'acme gmbh'"},
	}, func(ctx context.Context, of foundRecord) error {
		if err := of.api.PushOurs(ctx, of.installation, of.kind, of.id); err != nil {
			return err
		}
		s.say("Autotask's values of %s %s are being pushed; channelsync record show %s %s shows the result.", of.kind, of.id, of.kind, of.id)
		if s.json {
			return s.writeJSON(struct{}{})
		}
		return nil
	})
}
