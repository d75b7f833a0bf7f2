package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

const (
	perList = 50 // installations on a page of the front page
	// fewInstallations is how many are shown as cards, without filters: an MSP has one.
	fewInstallations = 5
)

func (c *Console) integrationRoutes(r chi.Router) {
	r.Get("/", c.front())
}

// integrationsData is the front page: the Autotask card, and the installations.
type integrationsData struct {
	Installations []installationRow
	Total, Found  int
	First, Last   int // the places of the first and last on this page, from 1
	Query         v1.InstallationQuery
	Few           bool // they are shown as cards
	Filtered      bool // the query leaves something out
	States        []stateCount
	Issues        []issueCount
	Standings     []filterChoice
	Problems      []filterChoice // of the filter by issue
	Sorts         []filterChoice
	Previous      string // path of the page before; empty on the first
	Next          string // path of the page after; empty on the last
	SearchMax     int
}

type installationRow struct {
	v1.Installation
	Headline present.Headline
}

type stateCount struct {
	Tone  present.Tone
	Word  string
	Count int
	Path  string // of the front page with these alone
}

type issueCount struct {
	v1.IssueCount
	Path string
}

func (v *visit) integrations() (*page, error) {
	values := v.r.URL.Query()
	if err := wrongFilters(values, frontFilters()); err != nil {
		return nil, err
	}
	q := installationQuery(values)
	at := pageOf(values)
	q.Cursor, q.Limit, q.Counts = strconv.Itoa((at-1)*perList), perList, true
	list, err := v.api.InstallationList(v.ctx, q)
	if err != nil {
		return nil, err
	}
	counts := list.Counts
	if counts == nil {
		counts = &v1.InstallationCounts{Total: len(list.Items), Found: len(list.Items)}
	}
	if len(list.Items) == 0 && counts.Found > 0 { // there are fewer pages by now
		at = (counts.Found + perList - 1) / perList
		q.Cursor = strconv.Itoa((at - 1) * perList)
		if list, err = v.api.InstallationList(v.ctx, q); err != nil {
			return nil, err
		}
	}
	d := integrationsData{
		Total: counts.Total, Found: counts.Found, Query: q, Few: counts.Total <= fewInstallations, SearchMax: maxSearch,
		Filtered:  q.Q != "" || q.Standing != "" || q.Issue != "",
		Standings: standingChoices(q, counts), Problems: problemChoices(q, counts), Sorts: sortChoices(q),
	}
	for i := range list.Items {
		d.Installations = append(d.Installations, installationRow{list.Items[i], present.HeadlineOf(&list.Items[i], v.now())})
	}
	if len(list.Items) > 0 {
		d.First = (at-1)*perList + 1
		d.Last = d.First + len(list.Items) - 1
	}
	if at > 1 {
		d.Previous = frontPage(q, at-1)
	}
	if list.NextCursor != nil {
		d.Next = frontPage(q, at+1)
	}
	for _, s := range v1.Standings {
		if n := counts.Standings[s]; n > 0 {
			w := present.StandingWord(s)
			d.States = append(d.States, stateCount{w.Tone, present.Lower(w.Word), n, frontPage(v1.InstallationQuery{Standing: s, Sort: q.Sort}, 1)})
		}
	}
	for _, i := range counts.Issues {
		d.Issues = append(d.Issues, issueCount{i, frontPage(v1.InstallationQuery{Issue: i.Code, Sort: q.Sort}, 1)})
	}
	return &page{Title: "Integrations", Nav: "integrations", Data: d}, nil
}

func frontFilters() filterValues {
	known := filterValues{"standing": texts(v1.Standings), "issue": slices.Concat(v1.IssueFilters, v1.IssueCodes())}
	for _, c := range frontSorts {
		known["sort"] = append(known["sort"], c.Value)
	}
	return known
}

// installationQuery reads the filters of a URL, which wrongFilters has looked at.
func installationQuery(values url.Values) v1.InstallationQuery {
	text := func(name string) string { return v1.Trim(values.Get(name)) }
	q := v1.InstallationQuery{Q: text("q"), Standing: v1.Standing(text("standing")), Issue: text("issue"), Sort: cmp.Or(text("sort"), frontSorts[0].Value)}
	if r := []rune(q.Q); len(r) > maxSearch {
		q.Q = v1.Trim(string(r[:maxSearch]))
	}
	return q
}

func pageOf(values url.Values) int {
	n, err := strconv.Atoi(values.Get("page"))
	if err != nil || n < 1 || n > 1_000_000 {
		return 1
	}
	return n
}

// frontPage is the path of a page of what a query is about.
func frontPage(q v1.InstallationQuery, at int) string {
	values := url.Values{}
	if q.Sort == frontSorts[0].Value {
		q.Sort = ""
	}
	for name, value := range map[string]string{"q": q.Q, "standing": string(q.Standing), "issue": q.Issue, "sort": q.Sort} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if at > 1 {
		values.Set("page", strconv.Itoa(at))
	}
	if len(values) == 0 {
		return "/"
	}
	return "/?" + values.Encode()
}

// frontSorts are the orders of the front page; the first is the one without a choice.
var frontSorts = []filterChoice{
	{Value: "standing", Text: "Those that need attention first"},
	{Value: "name", Text: "Name"},
	{Value: "state", Text: "State"},
	{Value: "issues", Text: "Most issues"},
	{Value: "backlog", Text: "Largest backlog"},
	{Value: "change", Text: "Latest change"},
	{Value: "-change", Text: "Longest without a change"},
}

func sortChoices(q v1.InstallationQuery) []filterChoice {
	out := slices.Clone(frontSorts)
	for i := range out {
		out[i].Selected = out[i].Value == q.Sort
	}
	return out
}

func standingChoices(q v1.InstallationQuery, counts *v1.InstallationCounts) (out []filterChoice) {
	for _, s := range v1.Standings {
		out = append(out, filterChoice{string(s), present.StandingWord(s).Word, counts.Standings[s], q.Standing == s})
	}
	return out
}

// problemChoices are any and none, and the issues there are; the selected one even if nobody has it.
func problemChoices(q v1.InstallationQuery, counts *v1.InstallationCounts) (out []filterChoice) {
	known := q.Issue == v1.IssueAny || q.Issue == v1.IssueNone
	for _, i := range counts.Issues {
		known = known || q.Issue == i.Code
		out = append(out, filterChoice{i.Code, i.Title, i.Installations, q.Issue == i.Code})
	}
	slices.SortStableFunc(out, func(a, b filterChoice) int { return cmp.Compare(a.Text, b.Text) })
	if q.Issue != "" && !known {
		out = append(out, filterChoice{q.Issue, q.Issue, 0, true})
	}
	return out
}
