package cli

import (
	"context"
	"flag"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) installationUpdate() *command.Command {
	var which selector
	var options optionFlags
	var name string
	var dryRun, all bool
	return &command.Command{
		Name: "update", Args: selectorArgs, Short: "change the name or the options",
		Long: "Options that you leave out stay as they are. After a change of options a resync runs;\n" +
			"--dry-run shows what it would add, remove and change.",
		Examples: []string{"channelsync installation update Acme --emails primary --exclude 'Northwind,40' --dry-run"},
		Values:   optionValues(nil),
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.StringVar(&name, "name", "", "new `NAME`")
			options.flags(fs)
			fs.BoolVar(&all, "all", false, "with --dry-run: list every record that would enter, leave or change")
			fs.BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			if name == "" && !options.given() {
				return command.Usage("--help lists the options", "nothing to change")
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			var change v1.UpdateInstallation
			if name != "" {
				change.Name = &name
			}
			if options.given() {
				change.Options = &in.Options
				options.apply(change.Options)
				change.Names = options.named(nil)
			}
			if dryRun {
				p, err := api.PreviewUpdate(ctx, in.ID, change)
				if err != nil {
					return err
				}
				return s.showPreview(p, all)
			}
			if in, err = api.UpdateInstallation(ctx, in.ID, change); err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(in)
			}
			s.say("Changed %q.", text(in.Name))
			if options.given() {
				s.say("Its records are being compared with the change; channelsync status shows the progress.")
			}
			return nil
		},
	}
}

func (s *session) showPreview(p v1.Preview, all bool) error {
	if s.json {
		return s.writeJSON(p)
	}
	s.say("%s would come into scope, %d would leave it, %d would change. Nothing was changed.",
		plural(p.Enter, "record"), p.Leave, p.Change)
	if len(p.Sample) == 0 {
		return nil
	}
	t := screen.Table{Header: []string{"EFFECT", "KIND", "ID", "NAME", "FIELD", "FROM", "TO"}, Fold: 2}
	shown := p.Sample
	if all {
		shown = p.Records
	}
	for _, r := range shown {
		if len(r.Differences) == 0 {
			t.Add(r.Effect, string(r.Kind), r.ID, r.Name, "", "", "")
		}
		for _, d := range r.Differences {
			t.Add(r.Effect, string(r.Kind), r.ID, r.Name, d.Field, d.From, d.To)
		}
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	if len(shown) < len(p.Records) {
		s.note("There are more: --all lists them.")
	}
	return nil
}
