package cli

import (
	"context"
	"flag"
	"iter"
	"net/url"
	"strings"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func outcomes() []string { return textsOf(v1.Outcomes) }

// defaultPage is how many items of a list are shown unless more or fewer are asked for.
const defaultPage = 50

// mostOnPage is how many items of a list the service answers at once.
const mostOnPage = 500

// pageFlags say how much of a list is wanted.
type pageFlags struct {
	limit  int
	cursor string
	all    bool
}

func (p *pageFlags) flags(fs *flag.FlagSet) {
	p.onePage(fs)
	fs.BoolVar(&p.all, "all", false, "every page")
}

func (p *pageFlags) onePage(fs *flag.FlagSet) {
	fs.IntVar(&p.limit, "limit", defaultPage, "at most `N`, up to 500")
	fs.StringVar(&p.cursor, "cursor", "", "`CURSOR` from the end of the previous page")
}

func (p *pageFlags) check() error {
	if p.limit < 1 || p.limit > mostOnPage {
		return command.Usage("", "--limit: got %d, want a number from 1 to 500", p.limit)
	}
	return nil
}

func (s *session) recordList() *command.Command {
	var f recordFlags
	var filter filterFlags
	var page pageFlags
	return &command.Command{
		Name: "list", Args: selectorArgs, Short: "list records and their state",
		Examples: []string{
			"channelsync record list --outcome not_met --kind company", "channelsync record list --q acme --json",
			"channelsync record list --outcome dead --output csv > dead.csv",
		},
		Values: map[string][]string{"kind": recordKinds(), "outcome": outcomes(), "reason": v1.ReasonCodes(), "output": outputs},
		Flags: func(fs *flag.FlagSet) {
			f.flags(fs)
			filter.flags(fs)
			page.flags(fs)
			s.listFlags(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := f.selector.take(args); err != nil {
				return err
			}
			if err := checkKind(f.kind); err != nil {
				return err
			}
			if err := filter.check(s); err != nil {
				return err
			}
			if err := page.check(); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &f.selector)
			if err != nil {
				return err
			}
			asked := url.Values{"kind": {f.kind}, "outcome": {filter.outcome}, "reason": {filter.reason}, "q": {f.q}}
			if done, err := s.export(ctx, api, client.ExportOf(in.ID, "records"), asked, &page); done {
				return err
			}
			query := v1.RecordQuery{
				Kind: v1.Kind(f.kind), Outcome: v1.Outcome(filter.outcome), Reason: filter.reason, Q: f.q, Cursor: page.cursor, Limit: page.limit,
			}
			found, err := records(ctx, api, in.ID, query, page.all)
			if err != nil {
				return err
			}
			return s.showRecords(found)
		},
	}
}

func records(
	ctx context.Context, api *client.Client, id string, q v1.RecordQuery, all bool,
) (v1.Page[v1.Record], error) {
	if !all {
		return api.Records(ctx, id, q)
	}
	q.Limit = mostOnPage
	return onOnePage(api.AllRecords(ctx, id, q))
}

// onOnePage is a whole list as one page.
func onOnePage[T any](all iter.Seq2[T, error]) (v1.Page[T], error) {
	page := v1.Page[T]{Items: []T{}}
	for item, err := range all {
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, item)
	}
	return page, nil
}

func (s *session) showRecords(page v1.Page[v1.Record]) error {
	if s.json {
		return s.writeJSON(page)
	}
	if len(page.Items) == 0 {
		s.say("There are no such records.")
		return nil
	}
	t := screen.Table{Header: []string{"KIND", "ID", "NAME", "OUTCOME", "REASONS", "CHANGED", "PUSHED"}}
	for _, r := range page.Items {
		t.Add(string(r.Kind), r.ID, r.Name, string(r.Outcome), strings.Join(r.Reasons, ", "),
			screen.WhenPtr(s.now(), r.ChangedAt, ""), screen.WhenPtr(s.now(), r.PushedAt, "never"))
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	s.moreHint(page.NextCursor)
	return nil
}

// moreHint says how to go on where a list is longer than its page.
func (s *session) moreHint(next *string) {
	if next != nil {
		s.note("There are more: --all lists them, or continue with --cursor %s.", text(*next))
	}
}
