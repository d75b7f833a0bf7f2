package ledger

import (
	"slices"
	"time"
	"unique"

	v1 "channelsync/api/v1"
)

// Summary is what the index knows of a record.
type Summary struct {
	ID              int64
	Outcome         v1.Outcome
	Reasons         []string
	ReconciledAt    time.Time
	InScope         bool
	PendingApproval bool
	Notes           []string
	Vendors         []int64
	Services        []int64
	RowHash         string
	Parts           *Parts // not to be changed
	since           []since
}

// Since is when an issue of the record was first found.
func (s Summary) Since(code string) time.Time {
	i := slices.IndexFunc(s.since, func(one since) bool { return one.code == code })
	if i < 0 {
		return s.ReconciledAt
	}
	return s.since[i].at.time()
}

// since is when a code was first found, as it is kept.
type since struct {
	code string
	at   ticks
}

// summary is a Summary as it is kept, with what is searched for. There is one for each
// record of every installation, for good: it is as small as can be, and what few records
// have lies apart.
type summary struct {
	id         int64
	text       string // what is searched in; empty unless the index is searchable
	outcome    v1.Outcome
	modifiedAt ticks
	reconciled ticks
	contacts   []contact
	more       *more // nil when there is none of it
	inScope    bool
	held       bool
}

type more struct {
	reasons, notes    []string
	vendors, services []int64
	rowHash           string
	parts             *Parts
	since             []since
	drifts            []driftAt
}

// contact is a Contact as it is kept.
type contact struct {
	id         int64
	modifiedAt ticks
}

func summarize(e *Entry) summary {
	s := summary{
		id: e.ID, outcome: unique.Make(e.Outcome).Value(), modifiedAt: ticksOf(e.ModifiedAt),
		reconciled: ticksOf(e.ReconciledAt), inScope: e.InScope, held: e.PendingApproval,
	}
	if len(e.Contacts) > 0 {
		s.contacts = make([]contact, len(e.Contacts))
		for i, c := range e.Contacts {
			s.contacts[i] = contact{c.ID, ticksOf(c.ModifiedAt)}
		}
	}
	few := len(e.Reasons)+len(e.Notes)+len(e.Vendors)+len(e.Services)+len(e.Drifts) > 0
	if few || e.RowHash != "" || e.Parts != nil {
		s.more = &more{
			reasons: codes(e.Reasons), notes: codes(e.Notes), vendors: slices.Clone(e.Vendors), services: slices.Clone(e.Services),
			rowHash: e.RowHash, since: sinceOf(e), drifts: driftsOf(e),
		}
		if e.Parts != nil {
			s.more.parts = new(*e.Parts)
		}
	}
	return s
}

func sinceOf(e *Entry) []since {
	issues := e.issues()
	if len(issues) == 0 {
		return nil
	}
	out := make([]since, len(issues))
	for i, code := range issues {
		out[i] = since{unique.Make(code).Value(), ticksOf(e.since(code))}
	}
	return out
}

// codes copies a list of codes, of which there are few different ones.
func codes(of []string) []string {
	out := make([]string, len(of))
	for i, c := range of {
		out[i] = unique.Make(c).Value()
	}
	return out
}

func (s *summary) public() Summary {
	out := Summary{ID: s.id, Outcome: s.outcome, ReconciledAt: s.reconciled.time(), InScope: s.inScope, PendingApproval: s.held}
	if m := s.more; m != nil {
		out.Reasons, out.Notes, out.Vendors, out.Services = m.reasons, m.notes, m.vendors, m.services
		out.RowHash, out.Parts, out.since = m.rowHash, m.parts, m.since
	}
	return out
}

func (s *summary) reasons() []string {
	if s.more == nil {
		return nil
	}
	return s.more.reasons
}

// contact returns the stamp of a contact that the company reads.
func (s *summary) contact(id int64) time.Time {
	i := slices.IndexFunc(s.contacts, func(c contact) bool { return c.id == id })
	return s.contacts[i].modifiedAt.time()
}

// ticks is a time in steps of 100 ns since 1970, which is as finely as Autotask tells
// any; the years 1 to 9999 fit.
type ticks int64

const tick = 100 * time.Nanosecond

func ticksOf(t time.Time) ticks {
	return ticks(t.Unix()*int64(time.Second/tick) + int64(t.Nanosecond())/int64(tick))
}

func (t ticks) time() time.Time {
	const perSecond = ticks(time.Second / tick)
	return time.Unix(int64(t/perSecond), int64(t%perSecond)*int64(tick)).UTC()
}
