package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"channelsync/sync/fetch"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

// agreements makes a contract of each company and stores it at the target.
func (s *workEnv) agreements(companies []int64) []int64 {
	s.t.Helper()
	var ids []int64
	for i, company := range companies {
		ids = append(ids, s.at.Put("Contracts", atsim.Row{
			"companyID": company, "contractName": fmt.Sprint("Contract ", i), "contractType": 7, "status": 1, "startDate": "2026-01-01", "endDate": "2030-01-01",
		}))
	}
	s.contractsDue(ids)
	s.after(10 * time.Second)
	return ids
}

func (s *workEnv) contractsDue(ids []int64) {
	s.t.Helper()
	var due []events.DueEntry
	for _, id := range ids {
		due = append(due, events.DueEntry{Installation: inst, Kind: v1.KindContract, Lane: events.LaneLive, ID: id, Trigger: v1.TriggerPoll, StoredAt: time.Now()})
	}
	harness.OK(s.t, s.list.Enqueue(s.t.Context(), due))
}

func (s *workEnv) of(kind v1.Kind, id int64) (outcome v1.Outcome, attempts int) {
	s.t.Helper()
	found, err := s.rec.Ledger.Read(context.Background(), inst, kind, []int64{id})
	harness.OK(s.t, err)
	if e := found[id]; e != nil {
		return e.Outcome, e.Attempts
	}
	return "", 0
}

// TestRowThatAutotaskNeverAnswersHoldsNobody: a query that touches one row gets no answer,
// ever. The others of the batch arrive within 20 seconds, the next time at once; that
// record alone counts an attempt, nothing is taken for an outage, and it heals.
func TestRowThatAutotaskNeverAnswersHoldsNobody(t *testing.T) {
	for _, entity := range []string{"Companies", "Contacts", "Contracts", "ContractServices"} {
		t.Run(entity, func(t *testing.T) {
			work(t, func(t *testing.T, s *workEnv) {
				kind := v1.KindCompany
				ids := s.clients(21)
				var contracts []int64
				row := ids[7]
				switch entity {
				case "Contacts":
					row = s.at.Put("Contacts", atsim.Row{"companyID": ids[7], "firstName": "Ann", "lastName": "Lee", "emailAddress": "ann@client.example", "isActive": 1})
				case "Contracts", "ContractServices":
					kind, contracts = v1.KindContract, s.agreements(ids)
					row = contracts[7]
					if entity == "ContractServices" {
						row = s.at.Put("ContractServices", atsim.Row{"contractID": contracts[7], "serviceID": 1, "unitPrice": 5})
					}
				}
				records := ids
				if kind == v1.KindContract {
					records = contracts
				}
				guilty, others := records[7], slices.Concat(records[:7], records[8:])
				s.at.SetFault(atsim.Fault{Kind: fault.Poison, Entity: entity, Record: row, As: fault.Hang})
				edited := func(round int) (sent map[int64]string) {
					sent = map[int64]string{}
					for i, id := range records {
						sent[id] = fmt.Sprint("Edited ", round, ".", i)
						field := map[v1.Kind]string{v1.KindCompany: "companyName", v1.KindContract: "contractName"}[kind]
						harness.OK(t, s.at.Edit(map[v1.Kind]string{v1.KindCompany: "Companies", v1.KindContract: "Contracts"}[kind], id, atsim.Row{field: sent[id]}))
					}
					if kind == v1.KindContract {
						s.contractsDue(records)
					} else {
						s.edit(sent)
					}
					return sent
				}
				arrive := func(within time.Duration, sent map[int64]string) {
					t.Helper()
					began := time.Now()
					for {
						late := 0
						for _, id := range others {
							name := s.named(id)
							if c, ok := s.cp.Contract(connection, ledgerID(id)); kind == v1.KindContract && ok && c.Data.Name != nil {
								name = *c.Data.Name
							}
							if name != sent[id] {
								late++
							}
						}
						if late == 0 {
							return
						}
						if time.Since(began) > within {
							t.Fatalf("%d of %d others have not arrived within %s", late, len(others), within)
						}
						s.after(100 * time.Millisecond)
					}
				}
				arrive(20*time.Second, edited(1))
				s.after(5 * time.Minute)
				if outcome, attempts := s.of(kind, guilty); outcome != v1.OutcomeRetrying || attempts == 0 {
					t.Errorf("the guilty one: %s, %d attempts", outcome, attempts)
				}
				arrive(2*window, edited(2))
				s.after(5 * time.Minute)
				for _, id := range others {
					if outcome, attempts := s.of(kind, id); attempts != 0 || outcome == v1.OutcomeRetrying || outcome == v1.OutcomeDead {
						t.Errorf("another: %s, %d attempts", outcome, attempts)
					}
				}
				if got := s.shown(); len(got.broken) != 0 {
					t.Errorf("taken for an outage: %v", got.broken)
				}
				s.at.ClearFaults(0)
				s.after(8 * time.Hour) // its schedule
				if outcome, attempts := s.of(kind, guilty); attempts != 0 || outcome != v1.OutcomePushed && outcome != v1.OutcomeUnchanged {
					t.Errorf("healed: %s, %d attempts", outcome, attempts)
				}
			})
		})
	}
}

// TestSlowAutotaskIsNoRecordsFailure: it takes a quarter of a minute for every query.
func TestSlowAutotaskIsNoRecordsFailure(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		ids := s.clients(10)
		s.at.SetFault(atsim.Fault{Kind: fault.Slow, Delay: fault.Duration(15 * time.Second)})
		for round := range 3 {
			changed, _ := renamed(ids, round)
			s.edit(changed)
			s.arrives(5*time.Minute, changed)
			s.after(time.Minute)
		}
		s.blamesNobody(ids)
	})
}

// TestReadInAHurry: whatever queries are not answered, all that can be read is, and what
// is left out is left out as not answered in time.
func TestReadInAHurry(t *testing.T) {
	slow := &autotask.Error{Kind: autotask.KindUnavailable, Cause: context.DeadlineExceeded}
	for name, one := range map[string]struct {
		n       int
		hangs   []int64
		most    int // records that one query may ask for and is answered; 0: any number
		left    int
		queries int
	}{
		"one of many":       {400, []int64{123}, 0, 1, 1 + 8 + 8 + 7 + 1},
		"one of few":        {21, []int64{3}, 0, 1, 1 + 7 + 3 + 1},
		"alone":             {1, []int64{1}, 0, 1, 2},
		"two apart":         {21, []int64{3, 20}, 0, 2, 1 + 7 + 2*3 + 1},
		"both of two":       {2, []int64{1, 2}, 0, 2, 1 + 1 + 2 + 1},
		"too large queries": {400, nil, 60, 0, 1 + 1 + 8},
	} {
		t.Run(name, func(t *testing.T) {
			queries := 0
			ctx := (&fetch.Fetcher{}).WithShortWaits(t.Context())
			got, bad, err := fetch.Bisect(ctx, upTo(int64(one.n)), func(_ context.Context, ids []int64) (autotask.Rows[int64], error) {
				queries++
				if one.most > 0 && len(ids) > one.most || slices.ContainsFunc(ids, func(id int64) bool { return slices.Contains(one.hangs, id) }) {
					return autotask.Rows[int64]{}, slow
				}
				return autotask.Rows[int64]{Items: ids}, nil
			})
			if err != nil || len(bad) != one.left || len(got.Items) != one.n-one.left || queries > one.queries {
				t.Errorf("%d left out, %d read with %d queries (want %d at most), %v", len(bad), len(got.Items), queries, one.queries, err)
			}
			for id, why := range bad {
				if _, late := errors.AsType[fetch.NotInTime](why); !late || !slices.Contains(one.hangs, id) {
					t.Errorf("%d is left out: %v", id, why)
				}
			}
		})
	}
	_, _, err := fetch.Bisect((&fetch.Fetcher{}).WithShortWaits(t.Context()), upTo(5), func(context.Context, []int64) (autotask.Rows[int64], error) {
		return autotask.Rows[int64]{}, slow
	})
	if err == nil {
		t.Error("nothing is answered, but that is no failure of the upstream")
	}
}
