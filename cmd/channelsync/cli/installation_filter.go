package cli

import (
	"flag"
	"net/url"
	"slices"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

// installationFlags say which installations are listed, and in which order.
type installationFlags struct {
	q, state, standing, issue, sort, cursor string
	limit                                   int
}

func (f *installationFlags) flags(fs *flag.FlagSet) {
	fs.StringVar(&f.q, "q", "", "only those with this `TEXT` in their name or id")
	fs.StringVar(&f.state, "state", "", "only this `STATE`: "+wordsOf(v1.States))
	fs.StringVar(&f.standing, "standing", "", "only this `STANDING`: "+wordsOf(v1.Standings))
	fs.StringVar(&f.issue, "issue", "", "any, none, act, retrying, or the `CODE` of an issue")
	fs.StringVar(&f.sort, "sort", "", "by name, standing, state, issues, backlog or change; `-ORDER` reverses the order")
	fs.IntVar(&f.limit, "limit", 0, "at most `N`, up to 500 (default all)")
	fs.StringVar(&f.cursor, "cursor", "", "`CURSOR` from the end of the previous page")
}

// installationValues are the completions of the flags' values.
func installationValues() map[string][]string {
	return map[string][]string{
		"state": textsOf(v1.States), "standing": textsOf(v1.Standings), "sort": v1.InstallationSorts,
		"output": outputs,
		"issue":  slices.Concat(v1.IssueFilters, v1.IssueCodes()),
	}
}

func textsOf[T ~string](of []T) []string {
	texts := make([]string, len(of))
	for i, one := range of {
		texts[i] = string(one)
	}
	return texts
}

func wordsOf[T ~string](of []T) string { return strings.Join(textsOf(of), ", ") }

func (s *session) installationQuery(f *installationFlags) (v1.InstallationQuery, error) {
	q := v1.InstallationQuery{
		Q: f.q, State: v1.State(f.state), Standing: v1.Standing(f.standing), Issue: f.issue, Sort: f.sort, Cursor: f.cursor, Limit: f.limit,
	}
	switch {
	case q.State != "" && !slices.Contains(v1.States, q.State):
		return q, command.Usage("the states are "+wordsOf(v1.States), "there is no state %q", f.state)
	case q.Standing != "" && !slices.Contains(v1.Standings, q.Standing):
		return q, command.Usage("the standings are "+wordsOf(v1.Standings), "there is no standing %q", f.standing)
	case q.Sort != "" && !slices.Contains(v1.InstallationSorts, strings.TrimPrefix(q.Sort, "-")):
		return q, command.Usage("the orders are "+wordsOf(v1.InstallationSorts), "there is no order %q", f.sort)
	case f.limit < 0 || f.limit > mostOnPage:
		return q, command.Usage("", "--limit: got %d, want a number from 1 to 500", f.limit)
	}
	return q, s.checkCode("issue", f.issue, slices.Concat(v1.IssueFilters, v1.IssueCodes()))
}

// checkCode refuses what is no code at all: a list without it would read as if all were well.
func (s *session) checkCode(what, given string, listed []string) error {
	if given == "" || slices.Contains(listed, given) || v1.KnownCode(given) {
		return nil
	}
	hint := "there are " + strings.Join(listed, ", ")
	if near := command.Nearest(given, listed); near != "" {
		hint = "did you mean " + near + "?"
		if line := s.again(given, near); line != "" {
			hint += " Then: " + line
		}
	}
	return command.Usage(hint, "there is no %s %q", what, given)
}

// filter is what an export takes of it.
func (f *installationFlags) filter() url.Values {
	return url.Values{"q": {f.q}, "state": {f.state}, "standing": {f.standing}, "issue": {f.issue}, "sort": {f.sort}}
}

// page is the page that is asked for, which an export has none of.
func (f *installationFlags) page() *pageFlags {
	if f.limit == 0 {
		return &pageFlags{limit: defaultPage, cursor: f.cursor}
	}
	return &pageFlags{limit: f.limit, cursor: f.cursor}
}

// asks says whether some are left out, so that none in the list does not mean that there is none.
func (f *installationFlags) asks() bool {
	return f.q != "" || f.state != "" || f.standing != "" || f.issue != "" || f.cursor != ""
}
