package control

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
)

// held is an answer of the rules alone: what was held of an entry at a time.
func held(t *testing.T, in *installation.Installation, e *ledger.Entry, at time.Time) v1.Held {
	t.Helper()
	m := &Manager{Config: Config{Now: func() time.Time { return at.Add(time.Hour) }}}
	page := v1.VersionPage{}
	harness.OK(t, m.heldAt(&page, in, e, e.Versions(), at.Format(time.RFC3339Nano)))
	return *page.Held
}

// Once an edit had been pushed over, or its record had left the sync, a time at which it was there was answered as if
// nobody had edited anything.
func TestWhatWasHeldSaysSinceWhenAnEditWasThere(t *testing.T) {
	hour := func(n int) time.Time { return time.Date(2026, 11, 3, n, 0, 0, 0, time.UTC) }
	fields := []v1.DriftField{{Field: "name", Theirs: new("Mine"), Due: "Northwind"}}
	sent := func() *ledger.Entry { // version 1 at 1 o'clock
		e := &ledger.Entry{Kind: v1.KindCompany, Projection: json.RawMessage(`{"name":"Northwind","address":{"city":"Albany"}}`)}
		e.AddVersion(nil, ledger.Version{At: hour(1), Kind: v1.VersionSent, Answer: "created"})
		return e
	}
	seen := func(e *ledger.Entry, n int) *ledger.Entry {
		e.AddDrift(ledger.Drift{State: v1.DriftOpen, FoundAt: hour(n), Fields: fields})
		return e
	}
	replaced := func(e *ledger.Entry, n int, v ledger.Version) *ledger.Entry {
		v.At, v.Kind, v.Answer = hour(n), v1.VersionRepaired, "updated"
		e.AddVersion(e.Current(), v)
		return e
	}
	pushedOurs := func() *ledger.Entry { // seen at 5, pushed over at 9
		e := seen(sent(), 5)
		// what was sent meanwhile is no edit
		differed := []v1.DriftField{{Field: "name", Theirs: new("Mine"), Due: "Northwind Group"}, {Field: "address.city", Theirs: new("Albany"), Due: "Troy"}}
		e.AddDrift(ledger.Drift{State: v1.DriftRepaired, FoundAt: hour(9), ResolvedAt: hour(9), Fields: differed})
		return replaced(e, 9, ledger.Version{Edited: differed, EditedSince: e.Drifts[0].FoundAt})
	}
	longAfter := func() *ledger.Entry { // of which the edits are kept no longer
		e := pushedOurs()
		e.Drifts = nil
		return e
	}
	undone := func() *ledger.Entry {
		e := seen(sent(), 5)
		e.ResolveDrift(v1.DriftReverted, hour(9))
		return e
	}
	left := func() *ledger.Entry {
		e := seen(sent(), 5)
		e.ResolveDrift(ledger.DriftLeft, hour(7))
		return e
	}
	leftAndUndone := func() *ledger.Entry {
		e := left()
		e.RevertLeft(time.Time{}, hour(9))
		return e
	}
	twice := func() *ledger.Entry { // seen at 3, undone at 4; seen at 6, undone at 8
		e := seen(sent(), 3)
		e.ResolveDrift(v1.DriftReverted, hour(4))
		e = seen(e, 6)
		e.ResolveDrift(v1.DriftReverted, hour(8))
		return e
	}
	bySweep := func() *ledger.Entry { return replaced(sent(), 9, ledger.Version{Edited: fields, EditedSince: hour(9)}) }
	formerBuild := func() *ledger.Entry { return replaced(sent(), 9, ledger.Version{Edited: fields}) }
	switched := func() *ledger.Entry { // the edit is seen at 5, another account connected at 7
		e := seen(sent(), 5)
		e.ResolveDrift(ledger.DriftLeft, hour(7))
		e.AddVersion(e.Current(), ledger.Version{At: hour(8), Kind: v1.VersionSent, Answer: "created", ConnectedAt: hour(7)})
		return e
	}

	const was, later, none = "held somebody's edit of name", "Somebody's edit of name was seen there on", ""
	for name, one := range map[string]struct {
		entry        func() *ledger.Entry
		at           int
		says         string
		since, until int // 0: none
	}{
		"ours was pushed, before it was seen":      {pushedOurs, 4, later, 5, 9},
		"ours was pushed, while it was there":      {pushedOurs, 6, "From 3 November 2026 at 05:00:00 +00:00, when it was seen, until 3 November 2026 at 09:00:00 +00:00, when version 2 put it right, it held somebody's edit of name.", 5, 9},
		"ours was pushed, after it":                {pushedOurs, 10, none, 0, 0},
		"ours was pushed, long ago":                {longAfter, 6, was, 5, 9},
		"it waits":                                 {func() *ledger.Entry { return seen(sent(), 5) }, 6, was, 5, 0},
		"it waits, before it was seen":             {func() *ledger.Entry { return seen(sent(), 5) }, 4, later, 5, 0},
		"it was undone, while it was there":        {undone, 6, was, 5, 9},
		"it was undone, after it":                  {undone, 9, none, 0, 0},
		"the record left, while it waited":         {left, 6, was, 5, 0},
		"the record left, after it":                {left, 12, was, 5, 0},
		"the record came back as it was sent":      {leftAndUndone, 8, was, 5, 9},
		"the record came back as sent, after that": {leftAndUndone, 10, none, 0, 0},
		"two edits, during the first":              {twice, 3, was, 3, 4},
		"two edits, between them":                  {twice, 5, later, 6, 8},
		"two edits, during the second":             {twice, 7, was, 6, 8},
		"a sweep put it right as it found it":      {bySweep, 6, later, 9, 9},
		"a former build put it right":              {formerBuild, 6, later, 9, 9},
		"another account, while it was there":      {switched, 6, was, 5, 0},
		"another account, after it":                {switched, 9, none, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := &installation.Installation{Switches: []time.Time{hour(7)}}
			if !strings.Contains(name, "another account") {
				in.Switches = nil
			}
			got := held(t, in, one.entry(), hour(one.at))
			var want *v1.HeldEdit
			if one.since > 0 {
				want = &v1.HeldEdit{Since: hour(one.since), Fields: fields}
			}
			if one.until > 0 {
				want.Until = new(hour(one.until))
			}
			if diff := cmp.Diff(want, got.Edited); diff != "" || got.State != v1.HeldVersion {
				t.Errorf("%s: %s", got.State, diff)
			}
			if !strings.Contains(got.Detail, one.says) || one.says == none && strings.Contains(got.Detail, "omebody") {
				t.Errorf("says %q", got.Detail)
			}
			if got.WasEdited() != (one.says != none && one.says != later) {
				t.Errorf("is said to have been edited: %v", got.WasEdited())
			}
		})
	}
}

// A record of which nothing was kept since its sync was erased was said to have never been sent.
func TestWhatWasHeldBeforeRecordsWereKeptIsNotKnown(t *testing.T) {
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	in := &installation.Installation{CreatedAt: at.AddDate(0, 0, -30), Erased: map[v1.Kind]time.Time{v1.KindContract: at}}
	unsent := func(kind v1.Kind) *ledger.Entry { return &ledger.Entry{Kind: kind, Outcome: v1.OutcomeNotMet} }
	sent := unsent(v1.KindContract)
	sent.Projection = json.RawMessage(`{"name":"Care"}`)
	sent.AddVersion(nil, ledger.Version{At: at.Add(time.Hour), Kind: v1.VersionSent, Answer: "created"})
	for name, one := range map[string]struct {
		entry *ledger.Entry
		at    time.Time
		state v1.HeldState
		says  string
	}{
		"erased, before":              {unsent(v1.KindContract), at.Add(-time.Hour), v1.HeldUnknown, "Records are kept here since 3 November 2026 at 12:00:00 +00:00, and nothing is known of the time before."},
		"erased, after":               {unsent(v1.KindContract), at.Add(time.Hour), v1.HeldUnknown, "Nothing of this one was sent since then."},
		"another kind":                {unsent(v1.KindCompany), at, v1.HeldUnknown, "Records are kept here since 4 October 2026"},
		"sent since then, before":     {sent, at.Add(-time.Hour), v1.HeldUnknown, "first sent on 3 November 2026 at 13:00:00 +00:00"},
		"sent since then, in between": {sent, at.Add(time.Minute), v1.HeldNothing, "Nothing of it had been sent yet."},
	} {
		if got := held(t, in, one.entry, one.at); got.State != one.state || !strings.Contains(got.Detail, one.says) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
