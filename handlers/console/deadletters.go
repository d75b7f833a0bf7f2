package console

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

const (
	maxDeadLetters = 5000 // dead letters that are looked through
	perCause       = 10   // shown of each cause, while all causes are
	perCausePage   = 50   // shown at once of a single cause
)

func (c *Console) deadLetterRoutes(r chi.Router) {
	const at = "/installations/{id}/dead-letters"
	r.Get(at, c.show("deadletters", (*visit).deadLetters))
	r.Post(at+"/requeue", c.do((*visit).requeue))
	r.Get(at+"/{letter}", c.show("deadletter", (*visit).deadLetter))
	r.Get(at+"/{letter}/dismiss", c.show("dismiss", (*visit).deadLetter))
	r.Post(at+"/{letter}/dismiss", c.do((*visit).dismiss))
}

// deadLettersData is what is no longer tried, by cause.
type deadLettersData struct {
	Causes    []*cause
	Total     int
	More      bool     // there are more than were looked through
	Code      string   // the one cause that is shown; empty: all
	Retryable []string // the causes that can be tried again
	From      int      // the first item that is shown of a single cause
	Prev      int      // where the page before begins, or -1
	Next      int      // where the next page begins, or -1
	Page      string   // the ids of the rows that are shown
	Shown     int
	AsOf      string // when they were read: what fails again after that was not seen
}

// cause is all dead letters of one code.
type cause struct {
	Code, Title, Fix string
	Count            int
	First, Last      v1.DeadLetter   // the one seen first, the one seen last
	Callbacks        bool            // of bodies, with which nothing can be tried again
	Items            []deadLetterRow // those that are shown
	all              []v1.DeadLetter
}

// deadLetterRow is one dead letter.
type deadLetterRow struct {
	v1.DeadLetter
	Name     string // of its record, where it is known
	IsRecord bool   // it has a page among the clients and contracts
}

func (v *visit) deadLetters() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	d := deadLettersData{Code: v.r.URL.Query().Get("code"), Prev: -1, Next: -1}
	d.AsOf = v.now().UTC().Format(time.RFC3339Nano)
	all, err := v.allDeadLetters(in.ID, &d)
	if err != nil {
		return nil, err
	}
	names, err := v.deadNames(in.ID)
	if err != nil {
		return nil, err
	}
	causes := causesOf(all)
	if of := func(c *cause) bool { return c.Code == d.Code }; !slices.ContainsFunc(causes, of) {
		if err := wrongFilters(v.r.URL.Query(), filterValues{"code": v1.DeadLetterCodes()}); err != nil {
			return nil, err
		}
	}
	d.Total = len(all)
	for _, c := range causes {
		if !c.Callbacks {
			d.Retryable = append(d.Retryable, c.Code)
		}
		if d.Code != "" && c.Code != d.Code {
			continue
		}
		shown := c.all[:min(perCause, len(c.all))]
		if d.Code != "" {
			shown = d.slice(c.all, v.r.URL.Query().Get("from"))
		}
		for _, l := range shown {
			c.Items = append(c.Items, rowOf(l, names))
		}
		d.Causes = append(d.Causes, c)
	}
	d.rows()
	return &page{Title: "Dead letters", Nav: "dead-letters", Installation: in, Data: d}, nil
}

// rows notes which rows are shown, for what is done with all of them.
func (d *deadLettersData) rows() {
	var ids []string
	for _, c := range d.Causes {
		for _, l := range c.Items {
			ids = append(ids, l.ID)
		}
	}
	d.Page, d.Shown = pageValues(ids), len(ids)
}

// allDeadLetters reads the dead letters, as far as they are looked through.
func (v *visit) allDeadLetters(id string, d *deadLettersData) ([]v1.DeadLetter, error) {
	var all []v1.DeadLetter
	for l, err := range v.api.AllDeadLetters(v.ctx, id) {
		if err != nil {
			return nil, err
		}
		if len(all) == maxDeadLetters {
			d.More = true
			break
		}
		if v.tenant() {
			present.TenantDeadLetter(&l)
		}
		l.Raw = "" // it may be large, and is shown only on its own page
		all = append(all, l)
	}
	return all, nil
}

// deadNames are the names of records that are no longer tried, by kind and id. A
// dead letter itself has none.
func (v *visit) deadNames(id string) (map[string]string, error) {
	records, err := v.api.Records(v.ctx, id, v1.RecordQuery{Outcome: v1.OutcomeDead, Limit: 500})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, r := range records.Items {
		names[string(r.Kind)+" "+r.ID] = r.Name
	}
	return names, nil
}

func rowOf(l v1.DeadLetter, names map[string]string) deadLetterRow {
	return deadLetterRow{
		DeadLetter: l, Name: names[l.Kind+" "+l.RecordID],
		IsRecord: l.Kind == string(v1.KindCompany) || l.Kind == string(v1.KindContract),
	}
}

// causesOf groups dead letters by what is wrong, the most frequent first; within a
// cause the latest failure comes first.
func causesOf(all []v1.DeadLetter) []*cause {
	byCode := map[string]*cause{}
	var causes []*cause
	for _, l := range all {
		c := byCode[l.Code]
		if c == nil {
			c = &cause{Code: l.Code, Title: l.Title, Fix: l.Fix, First: l, Last: l, Callbacks: l.Kind == present.KindCallback}
			byCode[l.Code] = c
			causes = append(causes, c)
		}
		c.Count++
		c.all = append(c.all, l)
		if l.FirstAt.Before(c.First.FirstAt) {
			c.First = l
		}
		if l.LastAt.After(c.Last.LastAt) {
			c.Last = l
		}
	}
	for _, c := range causes {
		slices.SortStableFunc(c.all, func(a, b v1.DeadLetter) int { return b.LastAt.Compare(a.LastAt) })
	}
	slices.SortFunc(causes, func(a, b *cause) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	return causes
}

// slice is the page of a single cause's items that begins where the URL says.
func (d *deadLettersData) slice(all []v1.DeadLetter, from string) []v1.DeadLetter {
	n, err := strconv.Atoi(from)
	if err != nil || n < 0 || n >= len(all) {
		n = 0
	}
	d.From = n
	if n > 0 {
		d.Prev = max(0, n-perCausePage)
	}
	end := min(len(all), n+perCausePage)
	if end < len(all) {
		d.Next = end
	}
	return all[n:end]
}

// deadLetterData is one dead letter on a page of its own.
type deadLetterData struct {
	deadLetterRow
	Show bool   // its body is asked for
	AsOf string // when it was read: see deadLettersData
}

// deadLetter finds the dead letter of the path, for its page and for the question
// before it is dismissed.
func (v *visit) deadLetter() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	for l, err := range v.api.AllDeadLetters(v.ctx, in.ID) {
		if err != nil {
			return nil, err
		}
		if l.ID != v.r.PathValue("letter") {
			continue
		}
		if v.tenant() {
			present.TenantDeadLetter(&l)
		}
		d := deadLetterData{deadLetterRow: rowOf(l, nil), Show: v.r.URL.Query().Get("body") == "show", AsOf: v.now().UTC().Format(time.RFC3339Nano)}
		if d.IsRecord {
			if d.Name, err = v.nameOf(in.ID, l); err != nil {
				return nil, err
			}
		}
		return &page{Title: "Dead letter", Nav: "dead-letters", Installation: in, Data: d}, nil
	}
	p := v1.NotFound("This dead letter is no longer on the list.")
	p.Hint = "It was tried again or dismissed in the meantime. The list of dead letters shows what is left."
	return nil, p
}

// nameOf is the name of a dead letter's record; one that is not known any more has none.
func (v *visit) nameOf(id string, l v1.DeadLetter) (string, error) {
	r, err := v.api.Record(v.ctx, id, v1.Kind(l.Kind), l.RecordID)
	if p, ok := errors.AsType[*v1.Problem](err); ok && p.Code == v1.CodeNotFound {
		return "", nil
	}
	return r.Name, err
}

// requeue tries the dead letters that the form names again, or all of the causes
// that it names. It never says "all": a body that nobody could read would be
// dropped with them.
func (v *visit) requeue() (done, error) {
	id := v.r.PathValue("id")
	ids, codes := v.r.PostForm["id"], v.r.PostForm["code"]
	if len(ids) == 0 && len(codes) == 0 {
		return done{}, v1.Invalid("Nothing is tried again: the form names no dead letter.")
	}
	if len(ids) > 0 {
		if err := v.api.Requeue(v.ctx, id, v1.RequeueRequest{IDs: ids}); err != nil {
			return done{}, err
		}
	}
	seen, err := asOf(v.r.PostForm)
	if err != nil {
		return done{}, err
	}
	for _, code := range codes {
		if err := v.api.Requeue(v.ctx, id, v1.RequeueRequest{Code: code, Until: seen}); err != nil {
			return done{}, err
		}
	}
	say := "They are being tried again. Whatever fails permanently comes back here."
	if len(ids) == 1 && len(codes) == 0 {
		say = "It is being tried again. If it fails permanently, it comes back here."
	}
	if wait := v.waits(); wait != "" {
		say = "Taken off the list, to be tried again." + wait
	}
	return done{v.backOr("/dead-letters"), say}, nil
}

func (v *visit) dismiss() (done, error) {
	seen, err := asOf(v.r.PostForm)
	if err != nil {
		return done{}, err
	}
	did, err := v.api.BulkDeadLetters(v.ctx, v.r.PathValue("id"), v1.BulkDeadLetters{
		Action: v1.ActionDismiss, IDs: []string{v.r.PathValue("letter")}, AsOf: seen,
	})
	if err != nil {
		return done{}, err
	}
	if did.Done == 0 {
		return done{v.under("/dead-letters"), "It is not dismissed:" + leftWords(did)}, nil
	}
	return done{v.under("/dead-letters"), "It is dismissed. A record is tried again when it changes in Autotask."}, nil
}
