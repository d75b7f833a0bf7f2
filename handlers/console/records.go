package console

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

const (
	recordsPerPage = 50
	maxSearch      = 200 // characters, as the API takes them
)

func (c *Console) recordRoutes(r chi.Router) {
	r.Get("/installations/{id}/records", c.show("records", (*visit).records))
	r.Get("/installations/{id}/records/lookup", c.do((*visit).lookup))
	r.Get("/installations/{id}/records/{kind}/{record}", c.show("record", (*visit).record))
	r.Get("/installations/{id}/records/{kind}/{record}/versions", c.show("versions", (*visit).versions))
	r.Post("/installations/{id}/records/{kind}/{record}/reconcile", c.do((*visit).reconcileRecord))
	r.Get("/installations/{id}/records/{kind}/{record}/bundle", c.recordBundle)
}

// recordsData is a page of the records of an installation.
type recordsData struct {
	Query     v1.RecordQuery
	Items     []v1.Record
	Total     int // that fit the query
	Kinds     []filterChoice
	Outcomes  []filterChoice
	Reasons   []filterChoice
	Filtered  bool      // the query leaves something out
	First     string    // path of the first page, with the filters
	Next      string    // path of the next page; empty on the last
	Unseen    []v1.Kind // kinds of which the text searched for may be an id
	Lookup    string    // path of the search by id in Autotask
	SearchMax int
	Page      string // the records that are shown, for what is done with all of them
}

// filterChoice is one value of a filter with how many records it would show.
type filterChoice struct {
	Value, Text string
	Count       int
	Selected    bool
}

func (v *visit) records() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	if err := wrongFilters(v.r.URL.Query(), recordFilters()); err != nil {
		return nil, err
	}
	q := recordQuery(v.r.URL.Query())
	counts, err := v.api.RecordCounts(v.ctx, in.ID, q)
	if err != nil {
		return nil, err
	}
	list, err := v.api.Records(v.ctx, in.ID, q)
	if err != nil {
		return nil, err
	}
	at := v.under("/records")
	d := recordsData{
		Query: q, Items: list.Items, Total: counts.Total, First: at + filters(q, ""), Lookup: at + "/lookup", SearchMax: maxSearch,
		Kinds: kindChoices(q, counts), Outcomes: outcomeChoices(q, counts), Reasons: reasonChoices(q, counts),
		Filtered: q.Kind != "" || q.Outcome != "" || q.Reason != "" || q.Q != "",
	}
	var shown []string
	for _, r := range list.Items {
		shown = append(shown, string(r.Kind)+"/"+r.ID)
	}
	d.Page = pageValues(shown)
	if list.NextCursor != nil {
		d.Next = at + filters(q, *list.NextCursor)
	}
	if isRecordID(q.Q) && !slices.ContainsFunc(list.Items, func(r v1.Record) bool { return r.ID == q.Q }) {
		d.Unseen = []v1.Kind{v1.KindCompany, v1.KindContract}
		if q.Kind != "" {
			d.Unseen = []v1.Kind{q.Kind}
		}
	}
	return &page{Title: "Clients and contracts", Nav: "records", Installation: in, Data: d}, nil
}

// filterValues are the values that the filters of a page have, by their names.
type filterValues map[string][]string

func recordFilters() filterValues {
	return filterValues{"kind": texts(v1.RecordKinds), "outcome": texts(v1.Outcomes), "reason": v1.ReasonCodes()}
}

func texts[T ~string](of []T) (out []string) {
	for _, one := range of {
		out = append(out, string(one))
	}
	return out
}

// wrongFilters refuses a value that no filter has: to take it for none would show everything, or act on it, and to find
// nothing would read as if all were well.
func wrongFilters(values url.Values, known filterValues) error {
	var errs []v1.FieldError
	for _, name := range slices.Sorted(maps.Keys(known)) {
		v := v1.Trim(values.Get(name))
		code := name == "reason" || name == "code" || name == "issue"
		if v == "" || slices.Contains(known[name], v) || code && v1.KnownCode(v) {
			continue
		}
		errs = append(errs, v1.FieldError{
			Pointer: name, Code: "oneof", Detail: fmt.Sprintf("there is no %q, want one of %s", present.Cut(v, 40), strings.Join(known[name], ", ")),
		})
	}
	if len(errs) == 0 {
		return nil
	}
	return v1.Invalid("This address has a filter with an unknown value.", errs...)
}

// recordQuery reads the filters of a URL, which wrongFilters has looked at.
func recordQuery(values url.Values) v1.RecordQuery {
	text := func(name string) string { return v1.Trim(values.Get(name)) }
	q := v1.RecordQuery{Reason: text("reason"), Q: text("q"), Cursor: text("cursor"), Limit: recordsPerPage}
	if k := v1.Kind(text("kind")); slices.Contains(v1.RecordKinds, k) {
		q.Kind = k
	}
	if o := v1.Outcome(text("outcome")); slices.Contains(v1.Outcomes, o) {
		q.Outcome = o
	}
	if r := []rune(q.Q); len(r) > maxSearch {
		q.Q = v1.Trim(string(r[:maxSearch]))
	}
	return q
}

// filters is the query of a link to the same records.
func filters(q v1.RecordQuery, cursor string) string {
	values := url.Values{}
	for name, value := range map[string]string{
		"kind": string(q.Kind), "outcome": string(q.Outcome), "reason": q.Reason, "q": q.Q, "cursor": cursor,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

func kindChoices(q v1.RecordQuery, counts v1.RecordCounts) (out []filterChoice) {
	for _, k := range v1.RecordKinds {
		out = append(out, filterChoice{string(k), present.KindWord(k) + "s", counts.Kinds[k], q.Kind == k})
	}
	return out
}

func outcomeChoices(q v1.RecordQuery, counts v1.RecordCounts) (out []filterChoice) {
	for _, o := range v1.Outcomes {
		out = append(out, filterChoice{string(o), present.OutcomeWord(o).Text, counts.Outcomes[o], q.Outcome == o})
	}
	return out
}

// reasonChoices are the reasons there are, the most frequent first, and the
// selected one even if no record has it.
func reasonChoices(q v1.RecordQuery, counts v1.RecordCounts) (out []filterChoice) {
	for code, n := range counts.Reasons {
		out = append(out, filterChoice{code, present.ReasonWord(code), n, q.Reason == code})
	}
	if _, there := counts.Reasons[q.Reason]; q.Reason != "" && !there {
		out = append(out, filterChoice{q.Reason, present.ReasonWord(q.Reason), 0, true})
	}
	slices.SortFunc(out, func(a, b filterChoice) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Value, b.Value))
	})
	return out
}

// lookup leads to the page of a record that was perhaps never seen, and asks for it.
func (v *visit) lookup() (done, error) {
	kind, id := v1.Kind(v.r.URL.Query().Get("kind")), v1.Trim(v.r.URL.Query().Get("record"))
	if !isRecordID(id) || !slices.Contains(v1.RecordKinds, kind) {
		v.setFlash(flash{
			Problem: true, Text: "“" + present.Cut(id, 40) + "” is not an Autotask id.",
			Hint: "An id is a whole number such as 29683580. Autotask shows it in the address of the record's page.",
		})
		return done{to: v.under("/records")}, nil
	}
	return done{to: v.under("/records/" + string(kind) + "/" + id + "?explain=1")}, nil
}

// isRecordID says whether a text has the form of one of Autotask's ids.
func isRecordID(s string) bool {
	id, err := strconv.ParseInt(s, 10, 64)
	return err == nil && id >= 0 && strconv.FormatInt(id, 10) == s
}
