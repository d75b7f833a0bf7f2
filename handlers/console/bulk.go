package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

func (c *Console) bulkRoutes(r chi.Router) {
	const records, dead = "/installations/{id}/records", "/installations/{id}/dead-letters"
	for _, action := range []string{"reconcile", "exclude"} {
		r.Get(records+"/"+action, c.show("bulk", func(v *visit) (*page, error) { return v.confirmRecords(action) }))
		r.Post(records+"/"+action, c.do(func(v *visit) (done, error) { return v.bulkRecords(action) }))
	}
	r.Get(dead+"/bulk", c.show("bulk", (*visit).confirmDead))
	r.Post(dead+"/bulk", c.do((*visit).bulkDead))
}

// What a bulk action is of.
const (
	ofSelected = "selected"
	ofPage     = "page"
	ofFilter   = "filter"
)

// bulkData is the question before a bulk action.
type bulkData struct {
	Action string // reconcile, exclude, requeue or dismiss
	Dead   bool   // of dead letters
	Found  v1.BulkResult
	More   int // that the sample leaves out
	All    bool
	To     string       // the form's path
	Fields []namedValue // of the form
	Keep   string       // where nothing is done
	Again  string       // this page
	What   string       // the filter in words
	// Percent is what a mass change is of this installation; Many that more would leave.
	Percent int
	Many    bool
}

type namedValue struct{ Name, Value string }

// Noun is what there is several of.
func (d bulkData) Noun() string {
	switch {
	case d.Dead:
		return "dead letter"
	case d.Action == "exclude":
		return "client"
	}
	return "record"
}

// Verb is what is asked.
func (d bulkData) Verb() string {
	return map[string]string{"reconcile": "Sync now", "exclude": "Exclude", v1.ActionRequeue: "Try again", v1.ActionDismiss: "Dismiss"}[d.Action]
}

// picked are the values that a bulk action is of: of the rows that were chosen, or of the page as it was seen; nil for a filter.
func picked(q url.Values, rows string) ([]string, error) {
	var values []string
	switch cmp.Or(q.Get("of"), ofSelected) {
	case ofFilter:
		return nil, nil
	case ofPage:
		values = strings.Fields(q.Get("page"))
	default:
		values = q[rows]
	}
	if len(values) == 0 {
		p := v1.Invalid("Nothing is selected.")
		p.Hint = "Go back, select rows, or choose the page or all that fit the filters."
		return nil, p
	}
	return values, nil
}

// recordsAsked reads which records a query or a form is about.
func recordsAsked(q url.Values) (v1.BulkRecords, error) {
	if err := wrongFilters(q, recordFilters()); err != nil {
		return v1.BulkRecords{}, err
	}
	values, err := picked(q, "record")
	if err != nil {
		return v1.BulkRecords{}, err
	}
	if values == nil {
		f := recordQuery(q)
		return v1.BulkRecords{Filter: &v1.RecordFilter{Kind: f.Kind, Outcome: f.Outcome, Reason: f.Reason, Q: f.Q}}, nil
	}
	var in v1.BulkRecords
	for _, v := range values {
		kind, id, _ := strings.Cut(v, "/")
		in.Records = append(in.Records, v1.RecordRef{Kind: v1.Kind(kind), ID: id})
	}
	return in, nil
}

// deadAsked reads which dead letters a query or a form is about.
func deadAsked(q url.Values) (v1.BulkDeadLetters, error) {
	in := v1.BulkDeadLetters{Action: q.Get("action")}
	ids, err := picked(q, "id")
	if err != nil {
		return in, err
	}
	if in.AsOf, err = asOf(q); err != nil {
		return in, err
	}
	if in.IDs = ids; ids == nil {
		in.Filter = &v1.DeadLetterFilter{Code: v1.Trim(q.Get("code"))}
	}
	return in, nil
}

// asOf is when what a form is about was shown; nil where it does not say.
func asOf(q url.Values) (*time.Time, error) {
	text := q.Get("asOf")
	if text == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, v1.Invalid("The form does not say when the list was shown.", v1.FieldError{Pointer: "asOf", Code: "time", Detail: "got no time, want one such as 2026-11-30T09:00:00Z"})
	}
	return &at, nil
}

func (v *visit) confirmRecords(action string) (*page, error) {
	q := v.r.URL.Query()
	in, err := recordsAsked(q)
	if err != nil {
		return nil, err
	}
	in.DryRun = true
	found, err := v.doRecords(action, in)
	if err != nil {
		return nil, err
	}
	d := bulkData{Action: action, Found: found, All: in.Filter != nil, To: v.under("/records/" + action), Keep: v.under("/records") + filters(recordQuery(q), "")}
	if in.Filter != nil {
		d.What = filterWords(*in.Filter)
	}
	return v.asking(d, "records", q, []string{"record", "kind", "outcome", "reason", "q"})
}

func (v *visit) confirmDead() (*page, error) {
	q := v.r.URL.Query()
	in, err := deadAsked(q)
	if err != nil {
		return nil, err
	}
	in.DryRun = true
	found, err := v.api.BulkDeadLetters(v.ctx, v.r.PathValue("id"), in)
	if err != nil {
		return nil, err
	}
	d := bulkData{Action: in.Action, Dead: true, Found: found, All: in.Filter != nil, To: v.under("/dead-letters/bulk"), Keep: v.under("/dead-letters")}
	if in.Filter != nil && in.Filter.Code != "" {
		d.What = "of the cause " + in.Filter.Code
	}
	if q.Get("asOf") == "" && found.AsOf != nil {
		q.Set("asOf", found.AsOf.Format(time.RFC3339Nano))
	}
	return v.asking(d, "dead-letters", q, []string{"id", "code", "action", "asOf"})
}

// KindWord is what something of the sample is.
func (bulkData) KindWord(kind string) string { return present.Capital(present.KindWord(v1.Kind(kind))) }

// asking is the page that names the count and the first ones, and carries the question on.
func (v *visit) asking(d bulkData, nav string, q url.Values, carried []string) (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	d.Percent = in.Options.MassPercent()
	d.Many = d.Found.Preview != nil && d.Found.Preview.Leave*100 > d.Found.InScope*d.Percent
	d.More, d.Again = d.Found.Count-len(d.Found.Sample), v.r.URL.RequestURI()
	for _, name := range append([]string{"of", "page"}, carried...) {
		for _, value := range q[name] {
			d.Fields = append(d.Fields, namedValue{name, value})
		}
	}
	if d.All {
		d.Fields = append(d.Fields, namedValue{"expect", strconv.Itoa(d.Found.Count)})
	}
	return &page{Title: d.Verb(), Nav: nav, Installation: in, Data: d}, nil
}

func filterWords(f v1.RecordFilter) string {
	var words []string
	if f.Kind != "" {
		words = append(words, present.Lower(present.KindWord(f.Kind))+"s")
	}
	if f.Outcome != "" {
		words = append(words, "with the state “"+present.OutcomeWord(f.Outcome).Text+"”")
	}
	if f.Reason != "" {
		words = append(words, "with the reason “"+present.ReasonWord(f.Reason)+"”")
	}
	if f.Q != "" {
		words = append(words, "found by “"+f.Q+"”")
	}
	return strings.Join(words, ", ")
}

func (v *visit) doRecords(action string, in v1.BulkRecords) (v1.BulkResult, error) {
	if action == "exclude" {
		return v.api.ExcludeRecords(v.ctx, v.r.PathValue("id"), in)
	}
	return v.api.ReconcileRecords(v.ctx, v.r.PathValue("id"), in)
}

func (v *visit) bulkRecords(action string) (done, error) {
	in, err := recordsAsked(v.r.PostForm)
	if err != nil {
		return done{}, err
	}
	in.Expect = v.expected(in.Filter != nil)
	did, err := v.doRecords(action, in)
	if err != nil {
		return done{}, err
	}
	to := v.under("/records") + filters(recordQuery(v.r.PostForm), "")
	if action == "exclude" {
		return done{to, present.Capital(present.Count(did.Done, "client")) + " excluded. All records are being compared with the new options." + leftWords(did)}, nil
	}
	return v.bulkDone(did, to, "being synced now"), nil
}

func (v *visit) bulkDead() (done, error) {
	in, err := deadAsked(v.r.PostForm)
	if err != nil {
		return done{}, err
	}
	in.Expect = v.expected(in.Filter != nil)
	did, err := v.api.BulkDeadLetters(v.ctx, v.r.PathValue("id"), in)
	if err != nil {
		return done{}, err
	}
	say := "being tried again"
	if in.Action == v1.ActionDismiss {
		say = "dismissed"
	}
	return v.bulkDone(did, v.under("/dead-letters"), say), nil
}

// expected is how many the form was confirmed for; what is no number is refused by the API, as none.
func (v *visit) expected(all bool) *int {
	n, err := strconv.Atoi(v.field("expect"))
	if !all || err != nil {
		return nil
	}
	return &n
}

// bulkDone leads to the job, or back to the list, with what was done and what was not.
func (v *visit) bulkDone(did v1.BulkResult, to, what string) done {
	if did.Job != "" {
		return done{v.under("/jobs/" + did.Job), present.Capital(present.Count(did.Count, "item")) + " are in this job. Live changes go first. You can stop the job here." + leftWords(did) + v.waits()}
	}
	are := " are "
	if did.Done == 1 {
		are = " is "
	}
	wait := v.waits()
	if wait != "" && what != "dismissed" {
		what = "queued"
	} else {
		wait = ""
	}
	return done{to, present.Num(did.Done) + are + what + "." + leftWords(did) + wait}
}

// waits says what work waits for, where something is stopped; else nothing.
func (v *visit) waits() string {
	in, err := v.installation()
	if err != nil {
		return "" // what was asked for is done all the same
	}
	if in.State == v1.StateStopped {
		return " The integration is stopped: it waits until you start it."
	}
	for _, s := range in.Syncs {
		if s.State == v1.SyncStopped {
			return " One of the syncs is stopped: what belongs to it waits until you start it."
		}
	}
	return ""
}

func leftWords(did v1.BulkResult) string {
	var b strings.Builder
	for _, n := range did.NotPossible {
		b.WriteString(" " + present.Num(n.Count) + " left: " + n.Reason + ".")
	}
	return b.String()
}

// pageValues are the rows of a page as a form carries them.
func pageValues(values []string) string { return strings.Join(slices.Compact(values), " ") }
