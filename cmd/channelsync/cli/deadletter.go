package cli

import (
	"context"
	"flag"
	"net/url"
	"strconv"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) deadLetterCommand() *command.Command {
	return &command.Command{
		Name: "deadletter", Short: "changes that are no longer retried",
		Subs: []*command.Command{s.deadLetterList(), s.deadLetterShow(), s.deadLetterRequeue(), s.deadLetterDismiss()},
	}
}

func (s *session) deadLetterList() *command.Command {
	var which selector
	var page pageFlags
	var code string
	return &command.Command{
		Name: "list", Args: selectorArgs, Short: "list the dead letters",
		Values: map[string][]string{"code": v1.DeadLetterCodes(), "output": outputs},
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.StringVar(&code, "code", "", "only those with this `CODE`")
			page.flags(fs)
			s.listFlags(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			if err := page.check(); err != nil {
				return err
			}
			if err := s.checkCode("code", code, v1.DeadLetterCodes()); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			if done, err := s.export(ctx, api, client.ExportOf(in.ID, "dead-letters"), url.Values{"code": {code}}, &page); done {
				return err
			}
			var found v1.Page[v1.DeadLetter]
			if page.all || code != "" {
				found.Items, err = deadLetters(ctx, api, in.ID, func(l v1.DeadLetter) bool { return code == "" || l.Code == code })
			} else {
				found, err = api.DeadLetters(ctx, in.ID, page.cursor, page.limit)
			}
			if err != nil {
				return err
			}
			return s.showDeadLetters(found)
		},
	}
}

func (s *session) showDeadLetters(page v1.Page[v1.DeadLetter]) error {
	if s.json {
		return s.writeJSON(page)
	}
	if len(page.Items) == 0 {
		s.say("There are no dead letters.")
		return nil
	}
	t := screen.Table{Header: []string{"ID", "CODE", "ATTEMPTS", "FIRST", "LAST", "DETAIL"}, Fold: 1}
	for _, l := range page.Items {
		t.Add(l.ID, l.Code, strconv.Itoa(l.Attempts),
			screen.When(s.now(), l.FirstAt), screen.When(s.now(), l.LastAt), l.Detail)
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	s.moreHint(page.NextCursor)
	return nil
}

// deadLetters collects those that are wanted, from every page.
func deadLetters(
	ctx context.Context, api *client.Client, id string, want func(v1.DeadLetter) bool,
) ([]v1.DeadLetter, error) {
	found := []v1.DeadLetter{}
	for l, err := range api.AllDeadLetters(ctx, id) {
		if err != nil {
			return nil, err
		}
		if want(l) {
			found = append(found, l)
		}
	}
	return found, nil
}

func (s *session) deadLetterShow() *command.Command {
	var which selector
	return &command.Command{
		Name: "show", Args: "<dead letter>", Short: "show one dead letter in full",
		Flags: func(fs *flag.FlagSet) { which.flags(fs); s.jsonFlag(fs) },
		Run: func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return command.Usage("channelsync deadletter list shows their ids", "name one dead letter")
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			found, err := deadLetters(ctx, api, in.ID, func(l v1.DeadLetter) bool { return l.ID == args[0] })
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return &failure{"there is no dead letter " + strconv.Quote(args[0]), "channelsync deadletter list shows them"}
			}
			if s.json {
				return s.writeJSON(found[0])
			}
			s.showDeadLetter(found[0])
			return nil
		},
	}
}

func (s *session) showDeadLetter(l v1.DeadLetter) {
	s.say("%s", text(l.ID))
	if l.RecordID != "" {
		s.say("  record    %s %s", text(l.Kind), text(l.RecordID))
	}
	s.say("  code      %s", text(l.Code))
	s.say("  attempts  %d", l.Attempts)
	s.say("  first     %s", screen.When(s.now(), l.FirstAt))
	s.say("  last      %s", screen.When(s.now(), l.LastAt))
	s.say("\n%s", text(l.Detail))
	if l.Raw != "" {
		s.say("\nAs received\n%s", screen.Lines(l.Raw))
	}
}

// deadFlags say which dead letters: a cause, or all; named ones are arguments.
type deadFlags struct {
	selector
	bulkFlags
	code  string
	every bool
	asOf  *time.Time
}

func (f *deadFlags) flags(fs *flag.FlagSet) {
	f.selector.flags(fs)
	fs.BoolVar(&f.every, "all", false, "all dead letters")
	fs.StringVar(&f.code, "code", "", "those with this `CODE`")
	fs.BoolVar(&f.dryRun, "dry-run", false, "list them, and do nothing")
	f.bulkFlags.flags(fs)
}

// onDead is a command that acts on dead letters: those named, or all of a filter by a job.
func (s *session) onDead(action, short, did string) *command.Command {
	var f deadFlags
	return &command.Command{
		Name: action, Args: "[dead letter...]", Short: short,
		Examples: []string{"channelsync deadletter " + action + " company-7 contract-12", "channelsync deadletter " + action + " --code rejected --dry-run"},
		Values:   map[string][]string{"code": v1.DeadLetterCodes()},
		Flags: func(fs *flag.FlagSet) {
			f.flags(fs)
			s.timeFlag(fs, "as-of", "leave alone what failed again since you looked at the list", &f.asOf)
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if said := boolInt(f.every) + boolInt(f.code != "") + boolInt(len(args) > 0); said != 1 {
				return command.Usage("channelsync deadletter list shows them", "say which dead letters: their ids, --code CODE, or --all")
			}
			if err := s.checkCode("code", f.code, v1.DeadLetterCodes()); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &f.selector)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return s.bulkDead(ctx, api, in.ID, action, &f)
			}
			out, err := api.BulkDeadLetters(ctx, in.ID, v1.BulkDeadLetters{Action: action, IDs: args, AsOf: f.asOf, DryRun: f.dryRun})
			if err != nil {
				return err
			}
			if f.dryRun {
				return s.wouldDo(out, action)
			}
			return s.bulkDone(ctx, api, in.ID, out, did, &f.bulkFlags)
		},
	}
}

func (s *session) deadLetterRequeue() *command.Command {
	return s.onDead(v1.ActionRequeue, "retry dead letters", "Tried again now:")
}

func (s *session) deadLetterDismiss() *command.Command {
	return s.onDead(v1.ActionDismiss, "remove dead letters from the list", "Dismissed:")
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
