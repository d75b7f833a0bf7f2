package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
	"channelsync/internal/search"
)

func (s *session) recordCommand() *command.Command {
	return &command.Command{
		Name: "record", Short: "the state of single companies and contracts, and the reason for it",
		Subs: []*command.Command{s.recordList(), s.recordShow(), s.recordHistory(), s.recordExplain(), s.recordReconcile(), s.recordExclude()},
	}
}

const (
	recordArgs  = "[installation] [company|contract] <id or name>"
	mostMatches = 50 // looked at for one that is meant exactly
	mostShown   = 5  // named when a search finds several
)

func recordKinds() []string { return textsOf(v1.RecordKinds) }

// recordFlags name one record: by kind and id, or by a search.
type recordFlags struct {
	selector
	kind, q string
	example string // of the command, whole
}

func (f *recordFlags) flags(fs *flag.FlagSet) {
	f.selector.flags(fs)
	fs.StringVar(&f.kind, "kind", "", "`KIND`: company or contract")
	fs.StringVar(&f.q, "q", "", "`TEXT`: part of a name, phone number, e-mail address, address or website, or the id")
}

// take reads [installation] [kind] [id or name]. A kind among the arguments says
// what stands before and after it; without one, the last of two is the record.
func (f *recordFlags) take(args []string) error {
	before, after := args, []string{}
	if i := slices.IndexFunc(args, func(a string) bool { return slices.Contains(recordKinds(), a) }); i >= 0 {
		f.kind, before, after = args[i], args[:i], args[i+1:]
	} else if len(args) > 0 && f.q == "" {
		before, after = args[:len(args)-1], args[len(args)-1:]
	}
	if len(before) > 1 || len(after) > 1 {
		return command.Usage("write it as: "+recordArgs+"; put a name with spaces in quotes", "there are too many arguments")
	}
	if len(before) == 1 {
		if err := f.set(before[0]); err != nil {
			return err
		}
	}
	if len(after) == 1 {
		f.q = after[0]
	}
	return checkKind(f.kind)
}

// lists is the command that lists the records there are.
func (f *recordFlags) lists() string {
	line := "channelsync record list"
	if f.ref != "" {
		line += " " + quoted(f.ref)
	}
	if f.kind != "" {
		line += " --kind " + f.kind
	}
	return line
}

// foundRecord is the record that a command is about, and where to ask for it.
type foundRecord struct {
	api              *client.Client
	installation, id string
	kind             v1.Kind
}

// ofRecord makes a command that is about one record, found by its arguments or flags.
func (s *session) ofRecord(c command.Command, run func(context.Context, foundRecord) error) *command.Command {
	return s.ofRecordOr(c, func(context.Context, *recordFlags) (bool, error) { return false, nil }, run)
}

// ofRecordOr is ofRecord of a command that may be about several records: then bulk does it, and says so.
func (s *session) ofRecordOr(
	c command.Command, bulk func(context.Context, *recordFlags) (bool, error), run func(context.Context, foundRecord) error,
) *command.Command {
	var f recordFlags
	more := c.Flags
	c.Args, c.Words = recordArgs, recordKinds()
	if c.Values == nil {
		c.Values = map[string][]string{}
	}
	c.Values["kind"] = recordKinds()
	c.Flags = func(fs *flag.FlagSet) {
		f.flags(fs)
		if more != nil {
			more(fs)
		}
		s.jsonFlag(fs)
	}
	f.example = c.Examples[0]
	c.Run = func(ctx context.Context, args []string) error {
		if err := f.take(args); err != nil {
			return err
		}
		if done, err := bulk(ctx, &f); done || err != nil {
			return err
		}
		if f.q = v1.Trim(f.q); f.q == "" {
			return command.Usage(f.lists()+" lists the records; then: "+f.example, "name the record")
		}
		api, in, err := s.open(ctx, &f.selector)
		if err != nil {
			return err
		}
		kind, id, err := s.find(ctx, api, in.ID, &f)
		if err != nil {
			return err
		}
		err = run(ctx, foundRecord{api: api, installation: in.ID, id: id, kind: kind})
		if p, refused := errors.AsType[*v1.Problem](err); refused && p.Code == v1.CodeNotFound && p.Hint == "" && c.Name != "explain" {
			p.Hint = fmt.Sprintf("channelsync record explain %s %s %s asks Autotask for it", quoted(in.Name), kind, id)
		}
		return err
	}
	return &c
}

// checkKind refuses what is no kind of record; none is all kinds.
func checkKind(kind string) error {
	if kind != "" && !slices.Contains(recordKinds(), kind) {
		return command.Usage("the kinds are company and contract", "there is no kind %q", kind)
	}
	return nil
}

// find is the kind and the id of the record. A kind with an id needs no look:
// Autotask may have a record that was never seen here.
func (s *session) find(
	ctx context.Context, api *client.Client, installation string, f *recordFlags,
) (kind v1.Kind, id string, err error) {
	if f.kind != "" && isID(f.q) {
		return v1.Kind(f.kind), f.q, nil
	}
	query := v1.RecordQuery{Kind: v1.Kind(f.kind), Q: f.q, Limit: mostMatches}
	page, err := api.Records(ctx, installation, query)
	if err != nil {
		return "", "", err
	}
	matches := meant(page.Items, f.q)
	switch {
	case len(matches) == 1:
		return matches[0].Kind, matches[0].ID, nil
	case len(matches) == 0 && isID(f.q):
		return "", "", &failure{
			"no record with the id " + f.q + " has been seen", "say its kind too: company " + f.q + ", or contract " + f.q + "; " + f.lists() + " lists those that were seen",
		}
	case len(matches) == 0 && v1.Same(f.q, s.opened.Name):
		return "", "", command.Usage(f.lists()+" lists the records; then: "+f.example, "%q is the installation; name the record too", text(f.q))
	case len(matches) == 0:
		return "", "", &failure{fmt.Sprintf("no record has %q in its name or in what was sent of it", text(f.q)), f.lists() + " shows them"}
	}
	return "", "", severalRecords(f.q, page)
}

// meant are the records that a text means: the only one with that id or name, else the only
// one with it in its name, else all that have it anywhere.
func meant(found []v1.Record, text string) []v1.Record {
	query, folded := search.Parse(text), search.Fold(text)
	for _, means := range []func(v1.Record) bool{
		func(r v1.Record) bool { return r.ID == text || search.Fold(r.Name) == folded },
		func(r v1.Record) bool { return query.In(search.Fold(r.Name)) },
	} {
		if one := slices.DeleteFunc(slices.Clone(found), func(r v1.Record) bool { return !means(r) }); len(one) == 1 {
			return one
		}
	}
	return found
}

func severalRecords(q string, page v1.Page[v1.Record]) error {
	var list []string
	for _, r := range page.Items[:min(mostShown, len(page.Items))] {
		list = append(list, fmt.Sprintf("%s %s %s", r.Kind, r.ID, strconv.Quote(screen.Cut(text(r.Name), 40))))
	}
	hint := "say which by kind and id: " + strings.Join(list, ", ")
	if len(page.Items) > mostShown {
		hint += "; channelsync record list --q " + strconv.Quote(text(q)) + " shows all"
	}
	count := strconv.Itoa(len(page.Items))
	if page.NextCursor != nil {
		count = "more than " + count
	}
	return &failure{fmt.Sprintf("%q is %s records", text(q), count), hint}
}

func isID(text string) bool {
	id, err := strconv.ParseInt(text, 10, 64)
	return err == nil && id >= 0 && strconv.FormatInt(id, 10) == text
}
