package watch

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/job"
	"channelsync/test/harness"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

// pageSpoilers are rows that spoil the page they are on.
func pageSpoilers(entity, field string, record int64) map[string]atsim.Fault {
	return map[string]atsim.Fault{
		"whatever is asked of it": {Kind: fault.Poison, Entity: entity, Record: record, Status: 500, Text: "Object reference not set"},
		"a field that is asked":   {Kind: fault.Poison, Entity: entity, Record: record, Status: 502, Field: field},
		"cut":                     {Kind: fault.Poison, Entity: entity, Record: record, As: fault.Truncate},
	}
}

// TestPollPassesARowThatSpoilsItsPage: all others are found, and that one is too.
func TestPollPassesARowThatSpoilsItsPage(t *testing.T) {
	for name, f := range pageSpoilers("Companies", "lastActivityDate", 0) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, unlimited())
			w := b.watcher()
			seen := b.changes(w)
			var want []string
			var ids []int64
			for i := range 40 {
				ids = append(ids, b.company(fmt.Sprint("Client ", i)))
				want = append(want, poll1("company", ids[i]))
			}
			f.Record = ids[17]
			b.at.SetFault(f)
			pollCompanies(t, w)
			seen.expect("all of them", want...)
			pollCompanies(t, w)
			seen.expect("nothing happened")
		})
	}
}

// TestListPassesARowThatSpoilsItsPage: a backfill comes to its end, with that record too.
func TestListPassesARowThatSpoilsItsPage(t *testing.T) {
	for name, f := range pageSpoilers("Companies", "id", 0) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, unlimited())
			w := b.watcher()
			var ids, listed []int64
			for i := range 40 {
				ids = append(ids, b.company(fmt.Sprint("Client ", i)))
			}
			f.Record = ids[39]
			b.at.SetFault(f)
			j := job.Job{Job: v1.Job{ID: "job", Type: job.TypeBackfill}}
			harness.OK(t, w.List(t.Context(), j, v1.KindCompany, func(page []int64) error {
				listed = append(listed, page...)
				return nil
			}))
			all, err := w.ListIDs(context.Background(), v1.KindCompany)
			if err != nil || !slices.Equal(listed, ids) || !slices.Equal(all, ids) {
				t.Errorf("listed %v and %v of %v, %v", listed, all, ids, err)
			}
		})
	}
}

// TestContractsAreComparedAroundARowThatSpoilsItsPage.
func TestContractsAreComparedAroundARowThatSpoilsItsPage(t *testing.T) {
	for name, f := range pageSpoilers("Contracts", "contractName", 0) {
		t.Run(name, func(t *testing.T) {
			cfg := unlimited()
			cfg.Undated = true
			b := newBench(t, cfg)
			w := b.watcher(v1.SyncActiveCustomerContracts)
			seen := b.changes(w)
			company := b.company("Northwind")
			first, spoilt, last := b.contract(company, "First"), b.contract(company, "Spoilt"), b.contract(company, "Last")
			f.Record = spoilt
			b.at.SetFault(f)
			harness.OK(t, w.PollContracts(t.Context()))
			seen.expect("all of them", poll1("contract", first), poll1("contract", spoilt), poll1("contract", last))
		})
	}
}

// TestARowOfTheErrorLogThatSpoilsItsPageIsSoughtOnce: the next checks take the one
// request that they take without it, read what is new, and later look whether it can be read.
func TestARowOfTheErrorLogThatSpoilsItsPageIsSoughtOnce(t *testing.T) {
	const errorLog = "WebhookEventErrorLogs"
	for name, f := range pageSpoilers(errorLog, "payload", 0) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, unlimited())
			w := b.watcher()
			b.repair(w, publicURL)
			mine := b.installation(w.ID).Registration(autotask.EntityCompanies)
			row := func(company int) int64 {
				payload := fmt.Sprintf(`{"Action":"Update","Guid":%q,"EntityType":"Account","Id":%d,"SequenceNumber":1,"EventTime":"2026-03-01T12:00:00Z"}`, mine.GUID, company)
				return b.at.Put(errorLog, atsim.Row{"accountWebhookID": mine.ID, "sequenceNumber": 1, "payload": payload})
			}
			seen := b.changes(w)
			read := func(what string, want ...string) (asked int) {
				t.Helper()
				b.at.ResetStats()
				_, err := w.ReadMissed(t.Context())
				harness.OK(t, err)
				seen.expect(what, want...)
				return b.at.Stats().Requests[errorLog]["query"]
			}
			row(1)
			f.Record = row(2)
			row(3)
			b.at.SetFault(f)
			if n := read("the others", poll1("company", 1), poll1("company", 3)); n < 5 {
				t.Errorf("found it with %d queries: it spoils nothing", n)
			}
			if n := read("nothing new"); n != 1 {
				t.Errorf("the second check took %d queries, want 1", n)
			}
			row(4)
			if n := read("what is new", poll1("company", 4)); n != 1 {
				t.Errorf("the third check took %d queries, want 1", n)
			}
			b.at.ClearFaults(0)
			b.clock.Add(unreadFor)
			read("it, once it can be read", poll1("company", 2))
		})
	}
}
