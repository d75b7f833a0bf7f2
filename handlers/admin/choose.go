package admin

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/internal/search"
)

// installations is which installations are meant, and how they are listed.
func (q *query) installations() v1.InstallationQuery {
	sorts := slices.Clone(v1.InstallationSorts)
	for _, s := range v1.InstallationSorts {
		sorts = append(sorts, "-"+s)
	}
	return v1.InstallationQuery{
		Q: q.text("q", maxSearch), State: v1.State(q.oneOf("state", texts(v1.States)...)),
		Standing: v1.Standing(q.oneOf("standing", texts(v1.Standings)...)),
		Issue:    q.code("issue", slices.Concat(v1.IssueFilters, v1.IssueCodes())), Sort: q.oneOf("sort", sorts...), Cursor: q.cursor(), Limit: q.limitOr(0),
	}
}

func texts[T ~string](of []T) (out []string) {
	for _, one := range of {
		out = append(out, string(one))
	}
	return out
}

// candidate is what is compared, of one installation.
type candidate struct {
	*v1.InstallationStatus
	standing v1.Standing
	at       int // its place in the list
}

// choose returns the places of those that a query is about, in its order: a page of them,
// where the next begins, and how many there are in all. The list is by name.
func choose(q v1.InstallationQuery, all []v1.InstallationStatus) (page []int, next *string, found int, err error) {
	from := 0
	if q.Cursor != "" {
		if from, err = strconv.Atoi(q.Cursor); err != nil || from < 0 {
			return nil, nil, 0, v1.InvalidCursor()
		}
	}
	var fit []candidate
	text := search.Parse(q.Q)
	for i := range all {
		if one := (candidate{&all[i], standing(&all[i]), i}); fits(q, text, one) {
			fit = append(fit, one)
		}
	}
	slices.SortStableFunc(fit, order(q.Sort))
	found = len(fit)
	fit = fit[min(from, found):]
	if q.Limit > 0 && len(fit) > q.Limit {
		fit = fit[:q.Limit]
		next = new(strconv.Itoa(from + q.Limit))
	}
	for _, one := range fit {
		page = append(page, one.at)
	}
	return page, next, found, nil
}

func fits(q v1.InstallationQuery, text search.Query, in candidate) bool {
	if q.State != "" && in.State != q.State || q.Standing != "" && in.standing != q.Standing {
		return false
	}
	if !text.All() {
		var t search.Text
		t.Add(in.Name, in.ID)
		if !text.In(t.String()) {
			return false
		}
	}
	switch q.Issue {
	case "":
		return true
	case v1.IssueAny:
		return len(in.Issues) > 0
	case v1.IssueNone:
		return len(in.Issues) == 0
	}
	return slices.ContainsFunc(in.Issues, func(i v1.Issue) bool { return i.Code == q.Issue || i.Severity == q.Issue })
}

func standing(in *v1.InstallationStatus) v1.Standing {
	return v1.StandingOf(in.State, in.Backlog, in.Issues)
}

// order compares by what is sorted by; those that are equal stay by name.
func order(by string) func(a, b candidate) int {
	by, reversed := strings.CutPrefix(by, "-")
	compare := map[string]func(a, b candidate) int{
		"name": func(a, b candidate) int { return cmp.Compare(a.at, b.at) },
		"standing": func(a, b candidate) int {
			return cmp.Compare(slices.Index(v1.Standings, a.standing), slices.Index(v1.Standings, b.standing))
		},
		"state": func(a, b candidate) int { return cmp.Compare(a.State, b.State) },
		"issues": func(a, b candidate) int {
			return cmp.Or(cmp.Compare(toActOn(b), toActOn(a)), cmp.Compare(len(b.Issues), len(a.Issues)))
		},
		"backlog": func(a, b candidate) int { return cmp.Compare(b.Backlog, a.Backlog) },
		"change":  latest,
	}[by]
	switch {
	case compare == nil:
		return func(candidate, candidate) int { return 0 }
	case reversed:
		return func(a, b candidate) int { return compare(b, a) }
	}
	return compare
}

func toActOn(in candidate) (n int) {
	for _, i := range in.Issues {
		if i.Severity == v1.SeverityAct {
			n++
		}
	}
	return n
}

func latest(a, b candidate) int {
	x, y := a.Freshness.LastAt, b.Freshness.LastAt
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return y.Compare(*x)
}

// counted counts all that a caller sees.
func counted(all []v1.InstallationStatus, found int) *v1.InstallationCounts {
	c := &v1.InstallationCounts{Total: len(all), Found: found, Standings: map[v1.Standing]int{}, Issues: []v1.IssueCount{}}
	byCode := map[string]*v1.IssueCount{}
	for i := range all {
		c.Standings[standing(&all[i])]++
		for _, one := range all[i].Issues {
			n := byCode[one.Code]
			if n == nil {
				n = &v1.IssueCount{Code: one.Code, Severity: one.Severity, Title: one.Title, Fix: one.Fix}
				byCode[one.Code] = n
			}
			if one.Severity == v1.SeverityAct {
				n.Severity = v1.SeverityAct
			}
			n.Installations++
			n.Records += one.Records
		}
	}
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		c.Issues = append(c.Issues, *byCode[code])
	}
	slices.SortStableFunc(c.Issues, func(a, b v1.IssueCount) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(b.Installations, a.Installations)) // act, retrying
	})
	return c
}
