// Package issue keeps what is wrong with an installation as a whole, and has the words of
// every issue: what it means, the fix in one line, and the order in which people read them. It
// decides nothing and stores nothing: sync/control raises issues, and finds those of single
// records in the ledger.
package issue

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/internal/clip"
)

// Issue is something wrong with an installation as a whole.
type Issue struct {
	Code   string
	Source string    // what finds it, and finds that it is over: an upstream or a watcher
	Detail string    // empty: the general words of the code
	Act    bool      // somebody must act, whatever the code's own severity
	NextAt time.Time // of the next attempt; zero: none is planned
}

type open struct {
	Issue
	first, last time.Time
}

// cause is the key of an open issue: two sources may have the same trouble, and one of
// them working again says nothing about the other.
type cause struct{ code, source string }

// Set is the open issues of an installation, one per cause.
type Set struct {
	now func() time.Time

	mu   sync.Mutex
	open map[cause]*open
}

// NewSet returns a set without issues.
func NewSet(now func() time.Time) *Set {
	return &Set{now: now, open: map[cause]*open{}}
}

// maxDetail is how many bytes of other systems' texts an issue shows.
const maxDetail = 1000

// Degrading are the issues of which each keeps changes from arriving in time.
var Degrading = []string{
	"permission_missing", "throttled", "autotask_unavailable", "autotask_query_refused", "channel_program_refused", "channel_program_subscription",
	"channel_program_throttled", "channel_program_unavailable", "channel_program_url_missing", "store_unavailable", "webhook_inactive",
}

// Contesting are the issues of webhooks that degrade an installation while it works without webhooks.
var Contesting = []string{"webhook_contested", "webhook_disturbed", "webhook_former_owner"}

// Raise opens an issue, or updates the open one of the same code and source.
func (s *Set) Raise(i Issue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, c := s.now(), cause{i.Code, i.Source}
	i.Detail = clip.Text(i.Detail, maxDetail)
	if o := s.open[c]; o != nil {
		o.Issue, o.last = i, now
		return
	}
	s.open[c] = &open{Issue: i, first: now, last: now}
}

// Clear closes the issues of a code, whatever their source.
func (s *Set) Clear(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.open, func(c cause, _ *open) bool { return c.code == code })
}

// ClearFrom closes the issues of a source.
func (s *Set) ClearFrom(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.open, func(c cause, _ *open) bool { return c.source == source })
}

// Has says whether one of the codes is open.
func (s *Set) Has(codes ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if slices.Contains(codes, c.code) {
			return true
		}
	}
	return false
}

// List returns the open issues as the admin API shows them, sorted. Several sources with the
// same trouble are one issue, in the words of the latest.
func (s *Set) List() []v1.Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	byCode := map[string]open{}
	for c, o := range s.open {
		one := *o
		if other, there := byCode[c.code]; there {
			first := slices.MinFunc([]time.Time{one.first, other.first}, time.Time.Compare)
			if other.last.After(one.last) {
				one = other
			}
			one.first = first
		}
		byCode[c.code] = one
	}
	out := make([]v1.Issue, 0, len(byCode))
	for _, o := range byCode {
		i := Describe(o.Code)
		i.FirstAt, i.LastAt = o.first, o.last
		if o.Detail != "" {
			i.Detail = o.Detail
		}
		if o.Act {
			i.Severity = v1.SeverityAct
		}
		if !o.NextAt.IsZero() {
			i.NextAttemptAt = new(o.NextAt)
		}
		out = append(out, i)
	}
	return Sort(out)
}

// Sort puts issues that somebody must act on first, and among those the ones of the whole
// installation before the ones of single records.
func Sort(list []v1.Issue) []v1.Issue {
	slices.SortFunc(list, func(a, b v1.Issue) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(min(a.Records, 1), min(b.Records, 1)), a.FirstAt.Compare(b.FirstAt), cmp.Compare(a.Code, b.Code))
	})
	return list
}
