package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/sync/fetch"
	"channelsync/sync/upstream"

	"pgregory.net/rapid"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

const firewall = "<html><body>Your request was blocked. Event 4711.</body></html>"

// poisons are what may come for one record in place of an answer.
func poisons(entity string, record int64) map[string]atsim.Fault {
	return map[string]atsim.Fault{
		"400":                    {Entity: entity, Record: record, Status: 400, Page: firewall},
		"400 with a text":        {Entity: entity, Record: record, Status: 400, Text: "The request is not valid"},
		"403 of a firewall":      {Entity: entity, Record: record, Status: 403, Page: firewall},
		"404":                    {Entity: entity, Record: record, Verb: "query", Status: 404, Page: firewall},
		"413":                    {Entity: entity, Record: record, Status: 413, Text: "Maximum request length exceeded."},
		"500":                    {Entity: entity, Record: record, Status: 500},
		"500 with a text":        {Entity: entity, Record: record, Status: 500, Text: "Object reference not set"},
		"500 with a known text":  {Entity: entity, Record: record, Status: 500, Text: "Data violation: cannot be null"},
		"502":                    {Entity: entity, Record: record, Status: 502, Page: firewall},
		"503":                    {Entity: entity, Record: record, Status: 503},
		"504":                    {Entity: entity, Record: record, Status: 504},
		"a cut answer":           {Entity: entity, Record: record, As: fault.Truncate},
		"a closed connection":    {Entity: entity, Record: record, As: fault.Reset},
		"200 with a page":        {Entity: entity, Record: record, Status: 200, Page: firewall},
		"200 without a list":     {Entity: entity, Record: record, Status: 200, Page: `{"items":7}`},
		"only for some field":    {Entity: entity, Record: record, Status: 500, Field: "phone"},
		"too much of some field": {Entity: entity, Record: record, Status: 200, Field: "phone", Page: strings.Repeat(" ", 33<<20)},
	}
}

// answered is what the failure of a record says of some poisons.
var answered = map[string]string{
	"400":                 "HTTP 400",
	"403 of a firewall":   "firewall or gateway",
	"500 with a text":     "HTTP 500: Object reference not set",
	"a cut answer":        "cut the connection: unexpected EOF",
	"a closed connection": "cut the connection",
	"200 with a page":     "not from its API",
}

// TestRecordThatAutotaskDoesNotAnswerFailsAlone: whatever comes for one of many records,
// all others are pushed, and that one says what came.
func TestRecordThatAutotaskDoesNotAnswerFailsAlone(t *testing.T) {
	for name, poison := range poisons("Companies", 0) {
		for _, n := range []int{1, 200} {
			t.Run(fmt.Sprint(name, " of ", n), func(t *testing.T) {
				b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, options: v1.Options{Emails: "none"}})
				var ids []int64
				for i := range n {
					ids = append(ids, b.customer(fmt.Sprintf("Client %d", i)))
				}
				guilty := ids[n/3]
				poison := poison // the other one of these runs beside this
				poison.Kind, poison.Record = fault.Poison, guilty
				b.at.SetFault(poison)
				b.at.ResetStats()
				b.batch(v1.KindCompany, ids...)
				if asked := b.asked("Companies", "query"); asked > 45 {
					t.Errorf("%d queries to find one record", asked)
				}
				for _, id := range ids {
					if id != guilty {
						b.outcome(v1.KindCompany, id, v1.OutcomePushed)
					}
				}
				e := b.outcome(v1.KindCompany, guilty, v1.OutcomeRetrying, "row_unreadable")
				if e.Attempts != 1 || b.waiting() != 1 || !strings.Contains(e.Detail, "Companies") {
					t.Errorf("%d attempts, %d scheduled, %q", e.Attempts, b.waiting(), e.Detail)
				}
				for _, says := range []string{fmt.Sprintf("(company %d)", guilty), "Autotask was asked", answered[name], `"Sync now"`, "Autotask's support", "UTC"} {
					if !strings.Contains(e.Detail, says) {
						t.Errorf("its failure does not say %q: %s", says, e.Detail)
					}
				}
				b.at.ClearFaults(0)
				b.batch(v1.KindCompany, guilty)
				if e := b.outcome(v1.KindCompany, guilty, v1.OutcomePushed); e.Attempts != 0 || b.waiting() != 0 {
					t.Errorf("healed, but %d attempts and %d scheduled", e.Attempts, b.waiting())
				}
			})
		}
	}
}

// TestOnlyAutotaskSaysThatARecordIsGone: a page in place of the answer for one record
// that a query does not answer says nothing of it.
func TestOnlyAutotaskSaysThatARecordIsGone(t *testing.T) {
	for name, poison := range map[string]atsim.Fault{
		"404 of a firewall": {Status: 404, Page: firewall},
		"404 of a gateway":  {Status: 404, Page: `{"message":"no Route matched with those values"}`},
		"404 of other JSON": {Status: 404, Page: `{"status":"unknown host"}`},
		"200 with a page":   {Status: 200, Page: firewall},
		"200 of other JSON": {Status: 200, Page: `{"ok":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, options: v1.Options{OutOfScope: "archive"}})
			well, hidden := b.customer("Well"), b.customer("Hidden")
			b.batch(v1.KindCompany, well, hidden)
			b.at.SetFault(atsim.Fault{Kind: fault.DropIDs, Entity: "Companies", Verb: "query", Records: []int64{hidden}})
			poison.Kind, poison.Entity, poison.Verb, poison.Record = fault.Poison, "Companies", "get", hidden
			b.at.SetFault(poison)
			b.batch(v1.KindCompany, well, hidden)
			b.outcome(v1.KindCompany, well, v1.OutcomeUnchanged)
			if e := b.outcome(v1.KindCompany, hidden, v1.OutcomeRetrying, "row_unreadable"); e.Archived || !e.InScope || b.client(hidden).Data.Lifecycle == "archived" {
				t.Errorf("it is taken to be gone: archived %v, in scope %v", e.Archived, e.InScope)
			}
			b.at.ClearFaults(0)
			b.at.Remove("Companies", hidden)
			b.batch(v1.KindCompany, hidden)
			b.outcome(v1.KindCompany, hidden, v1.OutcomeNotMet, v1.ReasonDeletedAtSource)
		})
	}
}

// TestAutotaskAwayBlamesNoRecord: whatever every query is answered.
func TestAutotaskAwayBlamesNoRecord(t *testing.T) {
	for name, f := range map[string]atsim.Fault{
		"400":               {Kind: fault.Status, Status: 400},
		"404":               {Kind: fault.Status, Status: 404},
		"413":               {Kind: fault.Status, Status: 413},
		"502":               {Kind: fault.Status, Status: 502},
		"504":               {Kind: fault.Status, Status: 504},
		"closed":            {Kind: fault.Reset},
		"403 of a firewall": {Kind: fault.Status, Status: 403},
	} {
		for _, n := range []int{1, 20} {
			t.Run(fmt.Sprint(name, " of ", n), func(t *testing.T) {
				b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
				var ids []int64
				for range n {
					ids = append(ids, b.customer("Northwind"))
				}
				f := f // the other one of these runs beside this
				f.Verb = "query"
				b.at.SetFault(f)
				b.at.ResetStats()
				failure := upstream.FailureOf(b.broken(v1.KindCompany, ids...), b.clock.Now())
				if asked := b.asked("Companies", "query"); failure.Upstream != upstream.Autotask || asked > 8 {
					t.Errorf("%+v after %d queries", failure, asked)
				}
				for _, id := range ids {
					if e := b.entry(v1.KindCompany, id); e.Attempts != 0 || e.Outcome != "" {
						t.Errorf("%d: %+v", id, e)
					}
				}
			})
		}
	}
}

// TestAutotaskThatTellsNoRecordBlamesNone: queries for nobody are answered, but none that
// has something to tell, also for a record that was read before.
func TestAutotaskThatTellsNoRecordBlamesNone(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	before, edited := b.customer("Read before"), b.customer("Edited")
	b.batch(v1.KindCompany, before)
	for _, id := range []int64{before, edited} {
		b.at.SetFault(atsim.Fault{Kind: fault.Poison, Entity: "Companies", Record: id, Status: 503})
	}
	if failure := upstream.FailureOf(b.broken(v1.KindCompany, edited), b.clock.Now()); failure.Code != "autotask_unavailable" {
		t.Errorf("got %+v", failure)
	}
	if e := b.entry(v1.KindCompany, edited); e.Attempts != 0 {
		t.Errorf("%d attempts", e.Attempts)
	}
	b.clock.Add(time.Hour) // as long as it is remembered: it may have been poisoned like the other
	b.batch(v1.KindCompany, edited)
	b.outcome(v1.KindCompany, edited, v1.OutcomeRetrying, "row_unreadable")
}

// TestContactThatAutotaskDoesNotAnswerFailsItsCompany, and no other.
func TestContactThatAutotaskDoesNotAnswerFailsItsCompany(t *testing.T) {
	for name, poison := range poisons("Contacts", 0) {
		if poison.Field != "" {
			poison.Field = "emailAddress"
		}
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
			var ids, contacts []int64
			for i := range 12 {
				ids = append(ids, b.customer(fmt.Sprintf("Client %d", i)))
				contacts = append(contacts, b.contact(ids[i], fmt.Sprintf("c%d@client.example", i)))
			}
			poison.Kind, poison.Record = fault.Poison, contacts[7]
			b.at.SetFault(poison)
			b.batch(v1.KindCompany, ids...)
			for i, id := range ids {
				if e := b.entry(v1.KindCompany, id); (e.Outcome == v1.OutcomePushed) != (i != 7) || i == 7 && e.Attempts != 1 {
					t.Errorf("company %d: %s, %d attempts, %s", i, e.Outcome, e.Attempts, e.Detail)
				}
			}
		})
	}
}

// TestBisectBlamesOnlyTheGuilty: guilty records at random, and one outage that begins
// and ends at random.
func TestBisectBlamesOnlyTheGuilty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		guilty := rapid.SliceOfNDistinct(rapid.Int64Range(1, 200), 0, 5, rapid.ID[int64]).Draw(rt, "guilty")
		begins := rapid.IntRange(0, 80).Draw(rt, "outage begins")
		ends := begins + rapid.IntRange(0, 12).Draw(rt, "outage lasts")
		kind := rapid.SampledFrom([]autotask.Kind{autotask.KindUnavailable, autotask.KindUnknown, autotask.KindInvalid}).Draw(rt, "kind")
		failure, n := &autotask.Error{Kind: kind, Status: 500}, 0
		got, bad, err := fetch.Bisect(context.Background(), upTo(200), func(_ context.Context, ids []int64) (autotask.Rows[int64], error) {
			n++
			if n > begins && n <= ends || slices.ContainsFunc(ids, func(id int64) bool { return slices.Contains(guilty, id) }) {
				return autotask.Rows[int64]{}, failure
			}
			return autotask.Rows[int64]{Items: ids}, nil
		})
		for id := range bad {
			if !slices.Contains(guilty, id) {
				rt.Fatalf("%d is blamed", id)
			}
		}
		if err == nil && (len(bad) != len(guilty) || len(got.Items) != 200-len(guilty)) {
			rt.Fatalf("%d bad, %d read", len(bad), len(got.Items))
		}
		if n > 4+len(guilty)*2*11+2*12 {
			rt.Fatalf("%d queries", n)
		}
	})
}
