package watch

import (
	"context"
	"fmt"
	"slices"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/sync/job"
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
			ok(t, w.List(t.Context(), j, v1.KindCompany, func(page []int64) error {
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
			cfg.NoStamp = true
			b := newBench(t, cfg)
			w := b.watcher(v1.SyncActiveCustomerContracts)
			seen := b.changes(w)
			company := b.company("Northwind")
			first, spoilt, last := b.contract(company, "First"), b.contract(company, "Spoilt"), b.contract(company, "Last")
			f.Record = spoilt
			b.at.SetFault(f)
			ok(t, w.PollContracts(t.Context()))
			seen.expect("all of them", poll1("contract", first), poll1("contract", spoilt), poll1("contract", last))
		})
	}
}
